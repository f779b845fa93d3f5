package configstore

import (
	"context"
	"time"

	"configapi/internal/auth"
	"configapi/internal/eventstore"
	"configapi/internal/fault"
)

// MaxPositionWait is the longest wait for a position that a caller may ask for.
const MaxPositionWait = 30 * time.Second

// Freshness is what a reader must include. The zero Freshness is what this node has applied.
type Freshness struct {
	// Linearizable asks for every change that any node had acknowledged before the call.
	Linearizable bool
	// AtLeast asks for this position. nil: for none in particular.
	AtLeast *eventstore.Position
	// Wait is how long to wait for AtLeast. 0: Options.PositionWait.
	Wait time.Duration
}

// FreshReader returns a reader that includes what is asked for, and waits for it if necessary. The
// reader has the rights that its caller has after the wait. The errors: [fault.ErrPositionUnknown]
// and [fault.ErrPositionNotReached], [auth.ErrNotValid], or one of kind [fault.Unavailable] when
// this node is not ready or cannot know how fresh it is.
func (s *Store) FreshReader(ctx context.Context, caller auth.Caller, f Freshness) (*Reader, error) {
	g, _, err := s.readyFor(caller) // who may do nothing does not wait
	if err != nil {
		return nil, err
	}
	view := g.view()
	if f.Linearizable {
		if view, err = g.linearizable(ctx); err != nil {
			return nil, err
		}
	}
	if f.AtLeast != nil {
		if view, err = g.await(ctx, view, f.AtLeast.Seq, f.Wait); err != nil {
			return nil, err
		}
		if _, err := g.endOf(ctx, view, *f.AtLeast); err != nil {
			return nil, err
		}
	}
	return g.reader(view, caller)
}

// Includes returns nil when the reader includes a position. It does not wait for the position. The
// errors: [fault.ErrPositionUnknown] and [fault.ErrPositionNotReached], or one of kind
// [fault.Unavailable].
func (r *Reader) Includes(ctx context.Context, at eventstore.Position) error {
	if at.Seq > r.view.Head().Seq {
		if err := r.generation.checkExists(ctx, at.Seq); err != nil {
			return err
		}
		return fault.ErrPositionNotReached
	}
	_, err := r.generation.endOf(ctx, r.view, at)
	return err
}
