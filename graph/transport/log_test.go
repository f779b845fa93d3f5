package transport

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"sync"

	"github.com/99designs/gqlgen/graphql"
)

// testLog is a list of words that only grows. Its streams give the words after a place, together when there are several.
type testLog struct {
	mu       sync.Mutex // guards the following
	words    []string
	grown    chan struct{} // closed by the next add; nil: nobody waits
	hold     chan struct{} // what sources that go on from a place wait for before they read; nil: nothing
	failed   error         // what sources give instead of words
	executed int           // how many responses were made

	// Set while nobody reads.
	pause  chan struct{} // what sources that begin anew wait for when they have read; nil: nothing
	exceed bool          // sources read on to the end of the log
	silent bool          // sources that have no words give a silent step
}

func (l *testLog) add(words ...string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.words = append(l.words, words...)
	if l.grown != nil {
		close(l.grown)
		l.grown = nil
	}
}

// fail ends all streams with an error.
func (l *testLog) fail(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.failed = err
	if l.grown != nil {
		close(l.grown)
		l.grown = nil
	}
}

// holdGroups stops the sources of groups from reading until the function that it returns is called.
func (l *testLog) holdGroups() (release func()) {
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

// pauseSilently has new streams wait after their first item until the channel is closed, and gives no
// items that have no words.
func (l *testLog) pauseSilently() chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.pause, l.silent = make(chan struct{}), true
	return l.pause
}

func (l *testLog) pausing() chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.pause
}

func (l *testLog) executions() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.executed
}

func (l *testLog) subscribe(ctx context.Context, field graphql.CollectedField) graphql.ResponseHandler {
	args := field.ArgumentMap(graphql.GetOperationContext(ctx).Variables)
	source := &logSource{log: l}
	if place, resumes := Begin(ctx).(logPlace); resumes {
		source.at, source.started, source.resumed = int64(place), true, true
	} else if args["after"] != nil {
		after, _ := graphql.UnmarshalInt(args["after"])
		source.at = int64(after)
	}
	items := Stream(ctx, source)
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
			fmt.Fprintf(&data, "{%q:%s}", field.Alias, quote(item))
			return &graphql.Response{Data: data.Bytes()}
		case <-ctx.Done():
			return nil
		}
	}
}

type logPlace int64

func (p logPlace) Order() int64 { return int64(p) }
func (p logPlace) ID() string   { return fmt.Sprintf("%d-a", p) }

type logSource struct {
	log     *testLog
	at      int64
	started bool
	resumed bool
}

func (s *logSource) Next(ctx context.Context, end int64) (string, Step, error) {
	for {
		words, step, wait, err := s.read(ctx, end)
		switch {
		case err != nil:
			return "", Step{}, err
		case wait == nil || !s.started:
			s.started = true
			s.at = step.Place.Order()
			if pause := s.log.pausing(); pause != nil && !s.resumed {
				<-pause
			}
			return strings.Join(words, " "), step, nil
		}
		select {
		case <-wait:
		case <-ctx.Done():
			return "", Step{}, ctx.Err()
		}
	}
}

// read returns the words after the source's place, or what to wait for when there are none.
func (s *logSource) read(ctx context.Context, end int64) ([]string, Step, <-chan struct{}, error) {
	l := s.log
	l.mu.Lock()
	defer l.mu.Unlock()
	if gate := l.hold; gate != nil && s.resumed {
		l.mu.Unlock()
		<-gate
		l.mu.Lock()
	}
	if l.failed != nil {
		return nil, Step{}, nil, l.failed
	}
	words := l.words[s.at:]
	if end > 0 && !l.exceed {
		words = l.words[s.at:end]
	}
	place := s.at + int64(len(words))
	step := Step{First: s.at + 1, Place: logPlace(place), CaughtUp: place == int64(len(l.words))}
	step.Silent = l.silent && len(words) == 0
	if len(words) > 0 {
		return words, step, nil, nil
	}
	if l.grown == nil {
		l.grown = make(chan struct{})
	}
	return nil, step, l.grown, nil
}
