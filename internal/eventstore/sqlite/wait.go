package sqlite

import (
	"context"
	"sync"
	"time"

	"configapi/internal/eventstore"
)

// Wait returns at once after an append of this store, and within the poll interval after one of
// another store. It reads the head only once in a poll interval, so that a busy server does not
// read its own head all the time.
func (s *Store) Wait(ctx context.Context, after eventstore.Seq) error {
	known, appended, fresh := s.appends.state(s.opts.PollInterval)
	if known <= after && fresh <= 0 {
		if err := s.files.check(); err != nil {
			return err
		}
		head, err := s.Head(ctx)
		if err != nil {
			return err
		}
		s.appends.observe(head.Seq)
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

// appendSignal wakes all waiters at each append of this store, and knows a seq that the history has
// reached.
type appendSignal struct {
	mu       sync.Mutex // guards what is below
	known    eventstore.Seq
	observed time.Time     // when the head was last read from the file
	raised   chan struct{} // closed, and replaced, by each own append
}

func newAppendSignal() *appendSignal { return &appendSignal{raised: make(chan struct{})} }

// state returns the known seq, the channel that the next append closes, and how long the last read
// of the head counts as fresh.
func (s *appendSignal) state(interval time.Duration) (eventstore.Seq, <-chan struct{}, time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.known, s.raised, interval - time.Since(s.observed)
}

// observe records a head that was read from the file.
func (s *appendSignal) observe(head eventstore.Seq) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.known, s.observed = max(s.known, head), time.Now()
}

func (s *appendSignal) seq() eventstore.Seq {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.known
}

// lower corrects the known seq after a read that began when it was known and found nothing after
// seq. If the known seq is still the same, the history was cut; without the correction Wait would
// return at once for ever.
func (s *appendSignal) lower(known, seq eventstore.Seq) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.known == known && known > seq {
		s.known = seq
	}
}

// raise wakes all waiters after an own append.
func (s *appendSignal) raise(head eventstore.Seq) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.known = max(s.known, head)
	close(s.raised)
	s.raised = make(chan struct{})
}
