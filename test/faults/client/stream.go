package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"strings"
	"sync"
	"syscall"
	"time"

	"configapi/internal/websockettest"
	"configapi/test/faults/cluster"
	"configapi/test/faults/history"
	"configapi/test/faults/record"
)

const (
	subscription = `subscription($after:Position,$filter:ConfigFilterInput){configChanges(after:$after,filter:$filter){
		changes{name operation value version position changeSet} position}}`

	// pingInterval and silence let a subscriber detect a dead connection: it received nothing for
	// the time of silence, not even the answer to its own ping.
	pingInterval = time.Second
	silence      = 4 * time.Second
)

// Subscriber keeps one stream over any number of connections. After each it resumes from the last
// position that it received.
type Subscriber struct {
	world  *World
	rand   *rand.Rand
	reader *Client // reads the changes that the stream delivered
	slow   bool
	before []*record.Stream // the streams before, whose last position was refused

	mu      sync.Mutex // guards the fields below
	stream  record.Stream
	stalled chan struct{} // nil: not stalled; closed when the stall ends
}

// batch is a message as the server sends it.
type batch struct {
	Changes []struct {
		Name, Operation, Position, ChangeSet string
		Version                              int
		Value                                *string
	}
	Position string
}

// NewSubscriber returns a subscriber to the changes that a prefix selects, after a position; nil:
// from now on. A slow subscriber has a small receive buffer, and connects directly, not through
// links.
func NewSubscriber(w *World, number int, seed uint64, prefix string, after *record.Position, slow bool) *Subscriber {
	return &Subscriber{
		world: w, rand: rand.New(rand.NewPCG(seed, uint64(number))), reader: New(w, number, seed), slow: slow,
		stream: record.Stream{Name: fmt.Sprintf("stream %d of %q", number, prefix), Prefix: prefix, After: after},
	}
}

// Stall stops reading from the connection until release is called.
func (s *Subscriber) Stall() (release func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	stalled := make(chan struct{})
	s.stalled = stalled
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		close(stalled)
		s.stalled = nil
	}
}

// Streams returns what the subscriber received. It must not be called before Run has returned.
func (s *Subscriber) Streams() []*record.Stream { return append(s.before, &s.stream) }

// Prefix is the prefix of the subscription.
func (s *Subscriber) Prefix() string { return s.stream.Prefix }

// Last is the newest position of the stream; the zero Position before the first one.
func (s *Subscriber) Last() record.Position {
	s.mu.Lock()
	defer s.mu.Unlock()
	if last := s.stream.Last(); last != nil {
		return *last
	}
	return record.Position{}
}

// Seq is the newest seq of the stream, 0 before the first one.
func (s *Subscriber) Seq() int64 {
	return s.Last().Seq
}

// Messages counts the messages so far.
func (s *Subscriber) Messages() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.stream.Messages)
}

// Run subscribes on a random node, and again whenever the connection ends, until ctx ends.
func (s *Subscriber) Run(ctx context.Context) {
	defer s.reader.Close()
	for ctx.Err() == nil {
		n := s.world.Cluster.Nodes[s.rand.IntN(cluster.Nodes)]
		err := s.watch(ctx, n)
		if ctx.Err() != nil {
			return
		}
		code := websockettest.CloseCode(err)
		if s.world.Forks && code != 0 && code != websockettest.CodeServiceRestart {
			s.fault("node %d, which goes on, closed a connection with another code than 1012: %v", n.Number, err)
		}
		counts := &s.world.Counts[n.Number]
		if counts.Broken.Add(1); code == websockettest.CodeServiceRestart {
			counts.Restarting.Add(1)
		}
		cluster.Pause(ctx, time.Duration(20+s.rand.IntN(80))*time.Millisecond)
	}
}

// watch reads one connection until it ends.
func (s *Subscriber) watch(ctx context.Context, n *cluster.Node) error {
	conn, err := s.dial(ctx, n)
	if err != nil {
		return err
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, conn.Close)
	defer stop()
	where := record.Where{Node: n.Number, Incarnation: n.Incarnation()}
	s.mu.Lock()
	s.stream.Connections++
	variables := map[string]any{"filter": map[string]string{"prefix": s.stream.Prefix}}
	if last := s.stream.Last(); last != nil {
		variables["after"] = last.String()
	}
	s.mu.Unlock()
	if err := conn.Subscribe("1", subscription, variables); err != nil {
		return err
	}
	defer keepAlive(conn)()
	for {
		if err := s.awaitStall(ctx); err != nil {
			return err
		}
		m, err := conn.Receive()
		if err != nil {
			return err
		}
		switch m.Type {
		case "next":
			err = s.take(n, where, m.Payload)
		case "error":
			err = s.refused(n, m.Payload)
		case "complete":
			err = errors.New("the stream was completed")
		}
		if err != nil {
			return err
		}
	}
}

func (s *Subscriber) dial(ctx context.Context, n *cluster.Node) (*websockettest.Client, error) {
	options := websockettest.Options{Patience: silence}
	address := n.Front.Address()
	if s.slow {
		address = n.Address()
		options.Dial = func(ctx context.Context) (net.Conn, error) {
			return (&net.Dialer{Timeout: silence, Control: smallReceiveBuffer}).DialContext(ctx, "tcp", address)
		}
	}
	return websockettest.Open(ctx, "ws://"+address+"/graphql", options)
}

// smallReceiveBuffer limits the bytes that a connection receives ahead of the reader.
func smallReceiveBuffer(_, _ string, raw syscall.RawConn) error {
	var err error
	control := raw.Control(func(fd uintptr) { err = syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_RCVBUF, 16<<10) })
	return errors.Join(control, err)
}

func (s *Subscriber) awaitStall(ctx context.Context) error {
	s.mu.Lock()
	stalled := s.stalled
	s.mu.Unlock()
	if stalled == nil {
		return nil
	}
	select {
	case <-stalled:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// take records a message. For some messages it then reads the change from the same server: a change
// is readable before it is published.
func (s *Subscriber) take(n *cluster.Node, where record.Where, payload json.RawMessage) error {
	var message struct {
		Data struct{ ConfigChanges *batch }
	}
	if err := json.Unmarshal(payload, &message); err != nil || message.Data.ConfigChanges == nil {
		s.fault("a message without changes: %s", payload)
		return errors.New("a message without changes")
	}
	m, err := message.Data.ConfigChanges.parse()
	if err != nil {
		s.fault("%v", err)
	}
	m.Where = where
	s.mu.Lock()
	s.stream.Messages = append(s.stream.Messages, m)
	s.mu.Unlock()
	if len(m.Changes) > 0 && !s.slow && s.rand.IntN(4) == 0 {
		s.reader.confirm(n, where, m.Changes[len(m.Changes)-1].Name, m.Position)
	}
	return nil
}

// parse returns a message with its positions parsed.
func (b *batch) parse() (record.Message, error) {
	position, err := record.ParsePosition(b.Position)
	m := record.Message{Position: position}
	for _, c := range b.Changes {
		position, bad := record.ParsePosition(c.Position)
		set, worse := record.ParsePosition(c.ChangeSet)
		err = errors.Join(err, bad, worse)
		change := record.Change{Position: position, ChangeSet: set.Seq, Name: c.Name, Version: c.Version, Operation: c.Operation}
		if c.Value != nil {
			change.Value = history.Digest(*c.Value)
		}
		m.Changes = append(m.Changes, change)
	}
	return m, err
}

// refused handles an error that ends a stream. A node may be behind or unreachable, but it must
// know each position that was handed out, unless the newest events were lost. In that case the
// subscriber starts a new stream at the beginning of the round.
func (s *Subscriber) refused(n *cluster.Node, payload json.RawMessage) error {
	if strings.Contains(string(payload), "POSITION_UNKNOWN") {
		if !s.world.Forks {
			s.fault("a position that was handed out is refused: %s", payload)
		} else {
			s.world.Counts[n.Number].Refused.Add(1)
			s.begin()
		}
	}
	return fmt.Errorf("the stream ended with an error: %s", payload)
}

// begin starts a new stream at a position that every history of the round contains.
func (s *Subscriber) begin() {
	s.mu.Lock()
	defer s.mu.Unlock()
	ended := s.stream
	ended.Refused = true
	s.before = append(s.before, &ended)
	s.stream = record.Stream{Name: fmt.Sprintf("%s, begun anew", ended.Name), Prefix: ended.Prefix, After: &s.world.Base}
}

func (s *Subscriber) fault(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stream.Faults = append(s.stream.Faults, fmt.Sprintf(format, args...))
}
