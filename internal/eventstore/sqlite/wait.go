package sqlite

import (
	"context"
	"sync"
	"time"

	"configapi/internal/eventstore"
)

// Wait returns after an own append at once, and after that of another store within the poll interval. It looks at the file
// once in a poll interval only, so that a server that appends all the time does not also read its own head all the time.
func (s *Store) Wait(ctx context.Context, after eventstore.Seq) error {
	known, appended, fresh := s.signal.state(s.opts.PollInterval)
	if known <= after && fresh <= 0 {
		if err := s.files.check(); err != nil {
			return err
		}
		head, err := s.Head(ctx)
		if err != nil {
			return err
		}
		s.signal.look(head.Seq)
		known, fresh = head.Seq, s.opts.PollInterval
	}
	if known > after {
		return ctx.Err()
	}
	tick := time.NewTimer(fresh)
	defer tick.Stop()
	select {
	case <-appended:
	case <-tick.C:
	case <-ctx.Done():
	}
	return ctx.Err()
}

// signal wakes all who wait for the next append, and knows how far the history goes at least.
type signal struct {
	mu     sync.Mutex // guards what is below
	known  eventstore.Seq
	looked time.Time     // when the file was last looked at
	ch     chan struct{} // closed, and replaced, by an own append
}

func newSignal() *signal { return &signal{ch: make(chan struct{})} }

// state returns the position that is known, what tells of the next append, and for how long what the file said is still
// taken for true.
func (s *signal) state(interval time.Duration) (eventstore.Seq, <-chan struct{}, time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.known, s.ch, interval - time.Since(s.looked)
}

// look notes what the file says.
func (s *signal) look(head eventstore.Seq) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.known, s.looked = max(s.known, head), time.Now()
}

func (s *signal) seq() eventstore.Seq {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.known
}

// correct says that nothing was found after p by a read that began when known was what is known. When that says otherwise
// still, somebody has cut the history: without this, Wait would return at once for ever.
func (s *signal) correct(known, p eventstore.Seq) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.known == known && known > p {
		s.known = p
	}
}

// fire tells of an own append.
func (s *signal) fire(head eventstore.Seq) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.known = max(s.known, head)
	close(s.ch)
	s.ch = make(chan struct{})
}
