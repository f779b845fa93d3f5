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
	AtLeast *eventstore.Position
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
		if view, err = b.await(ctx, view, f.AtLeast.Seq, f.Wait); err != nil {
			return nil, err
		}
		if _, err := b.endOf(ctx, view, *f.AtLeast); err != nil {
			return nil, err
		}
	}
	return newReader(b, view), nil
}

// Includes reports whether the reader has seen a position: nil when it has. It does not wait for
// the position. The errors: [ErrPositionUnknown] and [ErrPositionNotReached], or one of kind
// [Unavailable].
func (r *Reader) Includes(ctx context.Context, at eventstore.Position) error {
	if at.Seq > r.view.Head().Seq {
		if err := r.branch.checkExists(ctx, at.Seq); err != nil {
			return err
		}
		return ErrPositionNotReached
	}
	_, err := r.branch.endOf(ctx, r.view, at)
	return err
}

// linearizable returns a view that has everything that was in the history when it was called: it
// asks the head row, and waits until that is applied. Both together take Options.PositionWait at
// most; then the error is [ErrPositionNotReached].
func (b *branch) linearizable(ctx context.Context) (*projection.View, error) {
	waiting, cancel := context.WithTimeout(ctx, b.opts.PositionWait)
	defer cancel()
	head, err := b.newestHead(waiting)
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case errors.Is(err, context.DeadlineExceeded):
		return nil, ErrPositionNotReached
	case err != nil:
		return nil, err
	}
	view := b.view()
	if head.Seq > view.Head().Seq {
		if view, err = b.awaitApplied(ctx, waiting, head.Seq); err != nil {
			return nil, err
		}
	}
	if _, err = b.endOf(ctx, view, head.Position()); errors.Is(err, ErrPositionUnknown) {
		return nil, b.failed(fmt.Errorf("%w: position %d has another hash", projection.ErrDiverged, head.Seq))
	}
	return view, err
}

// heads asks for the head of the history on behalf of many readers. A reader gets the answer to a question that was asked after
// the reader came, never to one that was under way: that answer may be older than a change which it has to see. Those who
// come while one question is under way share the next.
type heads struct {
	events  eventstore.Store
	timeout time.Duration

	mu     sync.Mutex // guards what is below
	next   *question  // the one that was not asked yet; nil: there is none
	asking bool       // a goroutine asks one question after the other until there is none
}

// question is one question for the head, and its answer.
type question struct {
	ctx      context.Context // of the asking; it ends when nobody waits for the answer any more
	cancel   context.CancelFunc
	waiting  int           // readers; guarded by the mutex of heads
	answered chan struct{} // closed when head and err are there
	head     eventstore.Head
	err      error
}

func newHeads(events eventstore.Store, timeout time.Duration) *heads {
	return &heads{events: events, timeout: timeout}
}

// ask returns the head that the history has at some moment between call and return. The end of one
// reader's ctx ends its waiting alone.
func (h *heads) ask(ctx context.Context) (eventstore.Head, error) {
	if err := ctx.Err(); err != nil {
		return eventstore.Head{}, err
	}
	q := h.join()
	select {
	case <-q.answered:
		return q.head, q.err
	case <-ctx.Done():
		h.leave(q)
		return eventstore.Head{}, ctx.Err()
	}
}

// join returns the question that will be asked next.
func (h *heads) join() *question {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.next == nil {
		h.next = &question{answered: make(chan struct{})}
		h.next.ctx, h.next.cancel = context.WithCancel(context.Background())
	}
	h.next.waiting++
	if !h.asking {
		h.asking = true
		go h.run()
	}
	return h.next
}

// leave ends the waiting of one reader.
func (h *heads) leave(q *question) {
	h.mu.Lock()
	defer h.mu.Unlock()
	q.waiting--
	if q.waiting > 0 {
		return
	}
	q.cancel()
	if h.next == q {
		h.next = nil
	}
}

// run asks until no reader waits for a question.
func (h *heads) run() {
	for q := h.take(); q != nil; q = h.take() {
		ctx, cancel := context.WithTimeout(q.ctx, h.timeout)
		q.head, q.err = h.events.Head(ctx)
		cancel()
		q.cancel()
		close(q.answered)
	}
}

// take returns the next question, which nobody joins any more; nil when there is none, and then it
// is no longer asking.
func (h *heads) take() *question {
	h.mu.Lock()
	defer h.mu.Unlock()
	q := h.next
	h.next = nil
	h.asking = q != nil
	return q
}
