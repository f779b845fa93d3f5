package sqlite

import (
	"context"
	"sync"
	"time"

	"configapi/internal/eventstore"
)

// Wait returns after an own append at once, and after that of another store within the poll interval.
func (s *Store) Wait(ctx context.Context, after eventstore.Position) error {
	appended := s.signal.next() // before the head is read, so that no append falls between the two
	head, err := s.Head(ctx)
	if err != nil || head.Position > after {
		return err
	}
	tick := time.NewTimer(s.opts.PollInterval)
	defer tick.Stop()
	select {
	case <-appended:
	case <-tick.C:
	case <-ctx.Done():
	}
	return ctx.Err()
}

// signal wakes all who wait for the next append.
type signal struct {
	mu sync.Mutex
	ch chan struct{} // guarded by mu; closed, and replaced, by an append
}

func newSignal() signal { return signal{ch: make(chan struct{})} }

func (s *signal) next() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.ch
}

func (s *signal) fire() {
	s.mu.Lock()
	defer s.mu.Unlock()
	close(s.ch)
	s.ch = make(chan struct{})
}
