package rights

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"configapi/test/faults/cluster"
	"configapi/test/faults/record"
)

// edge is a way to have a stream.
type edge int

const (
	websocket     edge = iota // graphql-transport-ws
	events                    // GET /events
	graphqlEvents             // graphql-sse
)

func (e edge) String() string { return [...]string{"websocket", "/events", "graphql-sse"}[e] }

// edgeOf spreads streams over the edges: half of them are websockets.
func edgeOf(number int) edge {
	return [...]edge{websocket, events, websocket, graphqlEvents}[number%4]
}

// stream is one stream of a caller on one node.
type stream struct {
	world  *world
	edge   edge
	node   *cluster.Node
	secret string

	mu    sync.Mutex // guards the following
	seen  Seen
	last  record.Position // of the last message
	begun func()          // lets another stream begin
}

// newStream returns a stream of what a secret may read, after a position.
func (w *world) newStream(e edge, n *cluster.Node, name, secret string, scope []string, after record.Position) *stream {
	return &stream{
		world: w, edge: e, node: n, secret: secret, last: after,
		seen: Seen{Name: fmt.Sprintf("%s over %v on node %d", name, e, n.Number), Scope: scope, After: after.Seq},
	}
}

// run receives until the stream ends, and keeps how. At the end of ctx the stream goes on, as far
// as the checks are concerned. A beginning that the server has no capacity for, or is too slow for,
// is tried again: it is not what is checked here.
func (s *stream) run(ctx context.Context) {
	begin := time.Now()
	for {
		err := s.receive(ctx)
		if ctx.Err() != nil {
			return
		}
		end := endOf(err)
		if end.Reason != "" || s.hasBegun() || time.Since(begin) > patience {
			end.At = time.Now()
			s.mu.Lock()
			defer s.mu.Unlock()
			s.seen.End = &end
			return
		}
		s.world.count("beginnings of streams that were tried again", 1)
		cluster.Pause(ctx, 100*time.Millisecond)
	}
}

// receive receives from one connection. Few connections are begun at once.
func (s *stream) receive(ctx context.Context) error {
	select {
	case s.world.opening <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	begun := sync.OnceFunc(func() { <-s.world.opening })
	defer begun()
	s.mu.Lock()
	s.begun = begun
	s.mu.Unlock()
	switch s.edge {
	case websocket:
		return s.runWebsocket(ctx)
	case events:
		return s.runEvents(ctx)
	default:
		return s.runGraphQLEvents(ctx)
	}
}

// endError is the end of a stream as the server said it.
type endError struct {
	inForm bool
	text   string
}

func (e *endError) Error() string { return e.text }

// refusedError is a stream that was not begun.
type refusedError struct{ answer string }

func (e *refusedError) Error() string { return "refused: " + e.answer }

// reasons are what the texts of servers stand for.
var reasons = []struct{ text, reason string }{
	{"was revoked", revoked}, {"has expired", expired}, {"may read has changed", changed}, {"a token is needed", closed},
}

func endOf(err error) End {
	end := End{Text: err.Error()}
	var said *endError
	var no *refusedError
	switch {
	case errors.As(err, &no):
		if strings.Contains(no.answer, "401") || strings.Contains(no.answer, "429") {
			end.Reason, end.InForm = refused, true
		}
	case errors.As(err, &said):
		end.InForm = said.inForm
		for _, r := range reasons {
			if strings.Contains(said.text, r.text) || said.text == r.reason {
				end.Reason = r.reason
			}
		}
	}
	return end
}

// open says that the server has accepted the stream.
func (s *stream) open() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.begun()
}

// hasBegun reports whether the stream has received anything.
func (s *stream) hasBegun() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.seen.Messages) > 0
}

// batch is a message, which is the same over all edges.
type batch struct {
	Changes  []struct{ Name, Position string }
	Position string
}

// take records a message.
func (s *stream) take(text []byte) error {
	var b batch
	if err := json.Unmarshal(text, &b); err != nil {
		return fmt.Errorf("got %.300q: %w", text, err)
	}
	position, err := record.ParsePosition(b.Position)
	if err != nil {
		return fmt.Errorf("got %.300q: %w", text, err)
	}
	m := Message{Position: position.Seq}
	for _, c := range b.Changes {
		at, err := record.ParsePosition(c.Position)
		if err != nil {
			return fmt.Errorf("got %.300q: %w", text, err)
		}
		m.Changes = append(m.Changes, Change{at.Seq, c.Name})
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seen.Messages = append(s.seen.Messages, m)
	s.last = position
	return nil
}

// takeGraphQL records a result of the subscription, or returns the error that is in it.
func (s *stream) takeGraphQL(text []byte) error {
	var result struct {
		Data   struct{ ConfigChanges json.RawMessage }
		Errors []struct{ Message string }
	}
	if err := json.Unmarshal(text, &result); err != nil {
		return fmt.Errorf("got %.300q: %w", text, err)
	}
	if len(result.Errors) > 0 {
		return &endError{true, result.Errors[0].Message}
	}
	return s.take(result.Data.ConfigChanges)
}

// end returns how the stream has ended, nil while it goes on.
func (s *stream) end() *End {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.seen.End
}

// must says how the stream must end.
func (s *stream) must(want string, untilSeq int64, expires time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seen.Want, s.seen.Until, s.seen.Expires = want, untilSeq, expires
}

// at is the position of the last message.
func (s *stream) at() record.Position {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.last
}

// copied returns what the stream has received by now.
func (s *stream) copied() Seen {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.seen
}
