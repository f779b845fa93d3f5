package sqlite

import (
	"context"
	"sync"
	"time"

	"configapi/internal/eventstore"
)

// Wait returns within the poll interval. An append of this store does not end it sooner: its caller
// knows of it, and to wake up a goroutine took a twentieth of the CPU of a write by one client.
// Wait reads the head only once in a poll interval, so that a busy server does not read its own
// head all the time.
func (s *Store) Wait(ctx context.Context, after eventstore.Seq) error {
	known, fresh := s.newest.state(s.opts.PollInterval)
	if known <= after && fresh <= 0 {
		if err := s.files.check(); err != nil {
			return err
		}
		head, err := s.Head(ctx)
		if err != nil {
			return err
		}
		s.newest.observe(head.Seq)
		known, fresh = head.Seq, s.opts.PollInterval
	}
	if known > after {
		return ctx.Err()
	}
	tick := time.NewTimer(fresh)
	defer tick.Stop()
	select {
	case <-tick.C:
	case <-ctx.Done():
	}
	return ctx.Err()
}

// newestSeq is a seq that the history is known to have reached.
type newestSeq struct {
	mu       sync.Mutex // guards what is below
	known    eventstore.Seq
	observed time.Time // when the head was last read from the file
}

// state returns the known seq, and how long the last read of the head counts as fresh.
func (s *newestSeq) state(interval time.Duration) (eventstore.Seq, time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.known, interval - time.Since(s.observed)
}

// observe records a head that was read from the file.
func (s *newestSeq) observe(head eventstore.Seq) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.known, s.observed = max(s.known, head), time.Now()
}

// raise records the head after an own append.
func (s *newestSeq) raise(head eventstore.Seq) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.known = max(s.known, head)
}

func (s *newestSeq) seq() eventstore.Seq {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.known
}

// lower corrects the known seq after a read that began when it was known and found nothing after
// seq. If the known seq is still the same, the history was cut; without the correction Wait would
// return at once for ever.
func (s *newestSeq) lower(known, seq eventstore.Seq) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.known == known && known > seq {
		s.known = seq
	}
}
