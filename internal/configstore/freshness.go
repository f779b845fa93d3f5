package configstore

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"configapi/internal/auth"
	"configapi/internal/eventstore"
	"configapi/internal/projection"
)

// MaxPositionWait is the longest that anybody may have a position waited for.
const MaxPositionWait = 30 * time.Second

// Freshness is what a reader must have seen. The zero Freshness is content with what this node has applied.
type Freshness struct {
	// Linearizable: every change that was acknowledged, by any node, before the reader was asked for.
	Linearizable bool
	// AtLeast: this position. nil: none in particular.
	AtLeast *eventstore.Bookmark
	// Wait is how long AtLeast is waited for. 0: Options.PositionWait.
	Wait time.Duration
}

// FreshReader returns a reader that has seen what is asked for, and waits for it if need be. The errors: [ErrPositionUnknown]
// and [ErrPositionNotReached], or one of kind [Unavailable] when this node is not ready or cannot know how fresh it is.
func (s *Store) FreshReader(ctx context.Context, _ auth.Caller, f Freshness) (*Reader, error) {
	b, err := s.ready()
	if err != nil {
		return nil, err
	}
	view := b.view()
	if f.Linearizable {
		if view, err = b.linearizable(ctx); err != nil {
			return nil, err
		}
	}
	if f.AtLeast != nil {
		if view, err = b.await(ctx, view, f.AtLeast.Position, f.Wait); err != nil {
			return nil, err
		}
		if _, err := b.locate(ctx, view, *f.AtLeast); err != nil {
			return nil, err
		}
	}
	return &Reader{b, view}, nil
}

// Includes tells whether the reader has seen a position: nil when it has. It does not wait. The errors: [ErrPositionUnknown] and
// [ErrPositionNotReached], or one of kind [Unavailable].
func (r *Reader) Includes(ctx context.Context, at eventstore.Bookmark) error {
	if at.Position > r.view.Head().Position {
		return ErrPositionNotReached
	}
	_, err := r.branch.locate(ctx, r.view, at)
	return err
}

// linearizable returns a view that has everything that was in the history when it was called: it asks the head row, and waits
// until that is applied. Both together take Options.PositionWait at most.
func (b *branch) linearizable(ctx context.Context) (*projection.View, error) {
	deadline := time.Now().Add(b.opts.PositionWait)
	before := b.view().Head()
	head, err := b.heads.ask(ctx)
	if err != nil {
		return nil, storeAway(err)
	}
	if head.Position < before.Position {
		return nil, storeAway(fmt.Errorf("%w: its head is %s, applied is %s", projection.ErrDiverged, head.Bookmark(), before.Bookmark()))
	}
	view, err := b.await(ctx, b.view(), head.Position, max(time.Until(deadline), 1))
	if err != nil {
		return nil, err
	}
	if _, err = b.locate(ctx, view, head.Bookmark()); errors.Is(err, ErrPositionUnknown) {
		return nil, storeAway(fmt.Errorf("%w: position %d has another hash", projection.ErrDiverged, head.Position))
	}
	return view, err
}

// heads asks for the head of the history on behalf of many readers. A reader gets the answer to a question that was asked after
// the reader came, never to one that was under way: that answer may be older than a change which it has to see. Those who
// come while one question is under way share the next.
type heads struct {
	events  eventstore.Store
	timeout time.Duration
	turn    chan struct{} // holds an element while a question is under way

	mu   sync.Mutex // guards next
	next *question  // the one that was not asked yet; nil: nobody waits for one
}

// question is one question for the head, and its answer.
type question struct {
	answered chan struct{}
	head     eventstore.Head // once it is answered
	err      error
}

func newHeads(events eventstore.Store, timeout time.Duration) *heads {
	return &heads{events: events, timeout: timeout, turn: make(chan struct{}, 1)}
}

// ask returns the head that the history has at some moment between call and return. Whoever of those who share a question gets
// the turn asks it for all of them, so the end of one's ctx does not end it.
func (h *heads) ask(ctx context.Context) (eventstore.Head, error) {
	q := h.join()
	select {
	case <-q.answered:
		return q.head, q.err
	case <-ctx.Done():
		return eventstore.Head{}, ctx.Err()
	case h.turn <- struct{}{}:
	}
	defer func() { <-h.turn }()
	if h.take(q) {
		asking, cancel := context.WithTimeout(context.WithoutCancel(ctx), h.timeout)
		defer cancel()
		q.head, q.err = h.events.Head(asking)
		close(q.answered)
	}
	return q.head, q.err
}

// join returns the question that will be asked next.
func (h *heads) join() *question {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.next == nil {
		h.next = &question{answered: make(chan struct{})}
	}
	return h.next
}

// take makes a question that was not asked yet one that nobody joins any more.
func (h *heads) take(q *question) (mine bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.next != q {
		return false // it was answered while its turn came
	}
	h.next = nil
	return true
}
