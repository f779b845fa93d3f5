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

	// pingInterval and silence are how a subscriber notices a dead connection: nothing was heard for that long, not even
	// the answer to its own ping.
	pingInterval = time.Second
	silence      = 4 * time.Second
)

// Subscriber keeps one stream, over as many connections as it takes: it resumes after the last position that it was told.
type Subscriber struct {
	world  *World
	rand   *rand.Rand
	reader *Client // asks the server whether it knows what it has just told
	slow   bool
	before []*record.Stream // whose last position was refused: this one has taken over

	mu      sync.Mutex // guards what is below
	stream  record.Stream
	stalled chan struct{} // closed when reading goes on; nil while it does
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

// NewSubscriber returns a subscriber to what a prefix selects, after a position; nil: from now on. A slow one has little
// room for what it has not read, and goes past the links.
func NewSubscriber(w *World, number int, seed uint64, prefix string, after *record.Position, slow bool) *Subscriber {
	return &Subscriber{
		world: w, rand: rand.New(rand.NewPCG(seed, uint64(number))), reader: New(w, number, seed), slow: slow,
		stream: record.Stream{Name: fmt.Sprintf("stream %d of %q", number, prefix), Prefix: prefix, After: after},
	}
}

// Stall makes the subscriber take nothing from its connection until release is called.
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

// Streams are what the subscriber was told; to be read when Run has returned.
func (s *Subscriber) Streams() []*record.Stream { return append(s.before, &s.stream) }

// Prefix is what the subscriber has asked for.
func (s *Subscriber) Prefix() string { return s.stream.Prefix }

// Last is the newest position that the stream has told of, the zero Position while it has not
// begun.
func (s *Subscriber) Last() record.Position {
	s.mu.Lock()
	defer s.mu.Unlock()
	if last := s.stream.Last(); last != nil {
		return *last
	}
	return record.Position{}
}

// Position is how far the stream has come, 0 while it has not begun.
func (s *Subscriber) Seq() int64 {
	return s.Last().Seq
}

// Messages is how many messages there were.
func (s *Subscriber) Messages() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.stream.Messages)
}

// Run subscribes, and subscribes again on a node at random whenever the connection ends, until ctx ends.
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
			s.fault("node %d, which goes on, has closed a connection otherwise than with 1012: %v", n.Number, err)
		}
		counts := &s.world.Counts[n.Number]
		if counts.Broken.Add(1); code == websockettest.CodeServiceRestart {
			counts.Restarting.Add(1)
		}
		cluster.Pause(ctx, time.Duration(20+s.rand.IntN(80))*time.Millisecond)
	}
}

// watch keeps one connection until it ends.
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

// littleRoom gives a connection a small buffer for what was received and not read.
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

// take records a message. Now and then it then asks the same server for what was told: nobody may hear of a change that
// cannot be read yet.
func (s *Subscriber) take(n *cluster.Node, where record.Where, payload json.RawMessage) error {
	var told struct {
		Data struct{ ConfigChanges *batch }
	}
	if err := json.Unmarshal(payload, &told); err != nil || told.Data.ConfigChanges == nil {
		s.fault("a message without changes: %s", payload)
		return errors.New("a message without changes")
	}
	m := s.parse(told.Data.ConfigChanges)
	m.Where = where
	s.mu.Lock()
	s.stream.Messages = append(s.stream.Messages, m)
	s.mu.Unlock()
	if len(m.Changes) > 0 && !s.slow && s.rand.IntN(4) == 0 {
		s.reader.confirm(n, where, m.Changes[len(m.Changes)-1].Name, m.Position)
	}
	return nil
}

func (s *Subscriber) parse(b *batch) record.Message {
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
	if err != nil {
		s.fault("%v", err)
	}
	return m
}

// refused takes an error that ends a stream: a node may be behind or away, but it must know what
// was handed out, unless the tail of the history was lost. Then the subscriber begins anew where
// the round began.
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

// begin begins a new stream, whose first position every history of the round has.
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
