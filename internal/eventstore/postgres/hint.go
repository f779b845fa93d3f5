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
	newest, news := s.hint.get()
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
func (s *Store) look(ctx context.Context) error {
	head, err := s.Head(ctx)
	if err == nil {
		s.hint.raise(head.Seq)
	}
	return err
}

// hint is the newest position that the store has heard of. That it is kept, and not only passed on, is what makes a
// notification count that comes between a reader's look at the history and its Wait.
type hint struct {
	mu     sync.Mutex
	newest eventstore.Seq
	news   chan struct{} // closed, and replaced, when newest grows
}

func newHint() *hint { return &hint{news: make(chan struct{})} }

func (h *hint) get() (newest eventstore.Seq, news <-chan struct{}) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.newest, h.news
}

// raise says that the history has a record at p.
func (h *hint) raise(p eventstore.Seq) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if p <= h.newest {
		return
	}
	h.newest = p
	close(h.news)
	h.news = make(chan struct{})
}

// correct says that nothing was found after p by a read that began when newest was the newest position heard of. When
// newest still says otherwise it came from a notification that somebody made up, or from a tail that a failover lost:
// without this, Wait would return at once for ever.
func (h *hint) correct(newest, p eventstore.Seq) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.newest == newest && newest > p {
		h.newest = p
	}
}
