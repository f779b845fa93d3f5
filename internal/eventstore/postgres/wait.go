package postgres

import (
	"context"
	"errors"
	"sync"
	"time"

	"configapi/internal/eventstore"
)

var errClosed = errors.New("the store is closed")

// Wait returns when the history may have records after a seq: when the store knows of some, and
// at the latest after [Options.PollInterval]. The first Wait starts the listener, so a store
// without Wait needs no connection for it.
func (s *Store) Wait(ctx context.Context, after eventstore.Seq) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.listen()
	known, raised := s.appends.state()
	if known > after {
		return nil
	}
	tick := time.NewTimer(s.opts.PollInterval)
	defer tick.Stop()
	select {
	case <-raised:
		return nil
	case <-tick.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-s.closed:
		return errClosed
	}
}

// appendSignal wakes all waiters when the store learns of appends, and keeps the newest seq that it
// knows of. Without that seq, a notification between a reader's last read and its Wait would be
// lost.
type appendSignal struct {
	mu     sync.Mutex
	known  eventstore.Seq
	raised chan struct{} // closed, and replaced, when known grows
}

func newAppendSignal() *appendSignal { return &appendSignal{raised: make(chan struct{})} }

func (s *appendSignal) state() (known eventstore.Seq, raised <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.known, s.raised
}

// raise records that the history has a record at a seq.
func (s *appendSignal) raise(seq eventstore.Seq) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if seq <= s.known {
		return
	}
	s.known = seq
	close(s.raised)
	s.raised = make(chan struct{})
}

// lower corrects the known seq after a read that began when it was known and found nothing after
// seq. If the known seq is still the same, it came from a forged notification or from a tail that a
// failover has lost; without the correction Wait would return at once for ever.
func (s *appendSignal) lower(known, seq eventstore.Seq) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.known == known && known > seq {
		s.known = seq
	}
}
