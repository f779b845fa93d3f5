package transporttest

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"sync"

	"github.com/99designs/gqlgen/graphql"

	"configapi/graph/transport/fanout"
)

// Log is a list of words that only grows. Its streams give the words after an offset, together when
// there are several. The zero value is empty.
type Log struct {
	mu       sync.Mutex // guards the following
	words    []string
	grown    chan struct{} // closed by the next add; nil: nobody waits
	hold     chan struct{} // what sources that resume wait for before they read; nil: nothing
	failed   error         // what sources give instead of words
	executed int           // how many responses were made

	// Set while no source reads.
	Pause  chan struct{} // what sources that begin anew wait for when they have read; nil: nothing
	Exceed bool          // sources read on to the end of the log
	silent bool          // sources that have no words give a silent step
}

// Add adds words.
func (l *Log) Add(words ...string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.words = append(l.words, words...)
	if l.grown != nil {
		close(l.grown)
		l.grown = nil
	}
}

// Fail ends all streams with an error.
func (l *Log) Fail(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.failed = err
	if l.grown != nil {
		close(l.grown)
		l.grown = nil
	}
}

// HoldGroups stops the sources of groups from reading until the function that it returns is called.
func (l *Log) HoldGroups() (release func()) {
	gate := make(chan struct{})
	l.mu.Lock()
	defer l.mu.Unlock()
	l.hold = gate
	return func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.hold = nil
		close(gate)
	}
}

// PauseSilently has new streams wait after their first item until the channel is closed. Items
// without words are silent.
func (l *Log) PauseSilently() chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.Pause, l.silent = make(chan struct{}), true
	return l.Pause
}

func (l *Log) pausing() chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.Pause
}

// Executions returns how many responses were made.
func (l *Log) Executions() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.executed
}

func (l *Log) subscribe(ctx context.Context, field graphql.CollectedField) graphql.ResponseHandler {
	args := field.ArgumentMap(graphql.GetOperationContext(ctx).Variables)
	source := &logSource{log: l, rights: rightsOf(ctx)}
	if from, resumes := fanout.ResumeOffset(ctx).(Offset); resumes {
		source.at, source.started, source.resumed = int64(from), true, true
	} else if args["after"] != nil {
		after, _ := graphql.UnmarshalInt(args["after"])
		source.at = int64(after)
	}
	items := fanout.Stream(ctx, source)
	var data bytes.Buffer // used again, as in generated code
	return func(ctx context.Context) *graphql.Response {
		select {
		case item, ok := <-items:
			if !ok {
				return nil
			}
			if strings.Contains(item, "panic") {
				panic("stream")
			}
			l.mu.Lock()
			l.executed++
			l.mu.Unlock()
			data.Reset()
			fmt.Fprintf(&data, "{%q:%s}", field.Alias, Quote(item))
			return &graphql.Response{Data: data.Bytes()}
		case <-ctx.Done():
			return nil
		}
	}
}

// Offset is how many words a stream of a [Log] has given.
type Offset int64

// Order is the number of words.
func (p Offset) Order() int64 { return int64(p) }

// ID is what clients of server-sent events hand in.
func (p Offset) ID() string { return fmt.Sprintf("%d-a", p) }

type logSource struct {
	log     *Log
	at      int64
	started bool
	resumed bool
	rights  string
}

func (s *logSource) Rights() string { return s.rights }

type rightsKey struct{}

// WithRights returns a context whose operations have these rights: see [fanout.Source].
func WithRights(ctx context.Context, rights string) context.Context {
	return context.WithValue(ctx, rightsKey{}, rights)
}

func rightsOf(ctx context.Context) string {
	rights, _ := ctx.Value(rightsKey{}).(string)
	return rights
}

func (s *logSource) Next(ctx context.Context, end int64) (string, fanout.Step, error) {
	for {
		words, step, wait, err := s.read(ctx, end)
		switch {
		case err != nil:
			return "", fanout.Step{}, err
		case wait == nil || !s.started:
			s.started = true
			s.at = step.Offset.Order()
			if pause := s.log.pausing(); pause != nil && !s.resumed {
				<-pause
			}
			return strings.Join(words, " "), step, nil
		}
		select {
		case <-wait:
		case <-ctx.Done():
			return "", fanout.Step{}, ctx.Err()
		}
	}
}

// read returns the words after the source's offset, or what to wait for when there are none.
func (s *logSource) read(ctx context.Context, end int64) ([]string, fanout.Step, <-chan struct{}, error) {
	l := s.log
	l.mu.Lock()
	defer l.mu.Unlock()
	if gate := l.hold; gate != nil && s.resumed {
		l.mu.Unlock()
		<-gate
		l.mu.Lock()
	}
	if l.failed != nil {
		return nil, fanout.Step{}, nil, l.failed
	}
	words := l.words[s.at:]
	if end > 0 && !l.Exceed {
		words = l.words[s.at:end]
	}
	at := s.at + int64(len(words))
	step := fanout.Step{First: s.at + 1, Offset: Offset(at), CaughtUp: at == int64(len(l.words))}
	step.Silent = l.silent && len(words) == 0
	if len(words) > 0 {
		return words, step, nil, nil
	}
	if l.grown == nil {
		l.grown = make(chan struct{})
	}
	return nil, step, l.grown, nil
}
