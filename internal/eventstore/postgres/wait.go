package postgres

import (
	"context"
	"errors"
	"sync"
	"time"

	"configapi/internal/eventstore"
)

var errClosed = errors.New("the store is closed")

// Wait returns when there may be records after the position: when the store has heard of some, and at the latest when
// [Options.PollInterval] has passed. The first Wait begins to listen; who never waits needs no connection for that.
func (s *Store) Wait(ctx context.Context, after eventstore.Seq) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.listen()
	newest, news := s.appends.state()
	if newest > after {
		return nil
	}
	tick := time.NewTimer(s.opts.PollInterval)
	defer tick.Stop()
	select {
	case <-news:
		return nil
	case <-tick.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-s.closed:
		return errClosed
	}
}

// look finds out how far the history has come.
func (s *Store) observeHead(ctx context.Context) error {
	head, err := s.Head(ctx)
	if err == nil {
		s.appends.raise(head.Seq)
	}
	return err
}

// hint is the newest position that the store has heard of. That it is kept, and not only passed on, is what makes a
// notification count that comes between a reader's look at the history and its Wait.
type appendSignal struct {
	mu     sync.Mutex
	known  eventstore.Seq
	raised chan struct{} // closed, and replaced, when newest grows
}

func newAppendSignal() *appendSignal { return &appendSignal{raised: make(chan struct{})} }

func (h *appendSignal) state() (newest eventstore.Seq, news <-chan struct{}) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.known, h.raised
}

// raise says that the history has a record at p.
func (h *appendSignal) raise(p eventstore.Seq) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if p <= h.known {
		return
	}
	h.known = p
	close(h.raised)
	h.raised = make(chan struct{})
}

// correct says that nothing was found after p by a read that began when newest was the newest position heard of. When
// newest still says otherwise it came from a notification that somebody made up, or from a tail that a failover lost:
// without this, Wait would return at once for ever.
func (h *appendSignal) lower(newest, p eventstore.Seq) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.known == newest && newest > p {
		h.known = p
	}
}
