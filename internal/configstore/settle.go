package configstore

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"configapi/internal/eventstore"
	"configapi/internal/projection"
)

// settle says what is certain about the batch after its append returned an error, and finds out
// what is not.
func (w *writer) settle(ctx context.Context, b *batch, err error) error {
	switch {
	case err == nil, errors.Is(err, eventstore.ErrHeadMoved), errors.Is(err, eventstore.ErrKeyTaken):
		return err
	case errors.Is(err, eventstore.ErrNotWritten):
		return &UnavailableError{Cause: err}
	case errors.Is(err, eventstore.ErrReplaced):
		return unknownWhileReplaced(err)
	}
	w.opts.Log.Warn("the outcome of an append is unknown; finding out", "position", b.tip.Seq, "error", err)
	if len(b.records) == 0 {
		return w.again(ctx, err)
	}
	return w.resolve(ctx, b, err)
}

// unknownWhileReplaced is the answer when an append may be in a file that nobody finds any more. Whether it stays depends on
// the operator, so nobody waits for that. The store sends nothing late: when the file is back, the next append either finds
// the head where it was or is told that it has moved.
func unknownWhileReplaced(cause error) error {
	return &UnavailableError{OutcomeUnknown: true, Cause: cause}
}

// again is what comes after an append of nothing but receipts whose outcome is unknown. No event
// tells of it, but its keys do: they are found when it was written, and when it was not, or comes
// later, it and what is decided now cannot both be written.
func (w *writer) again(ctx context.Context, cause error) error {
	select {
	case <-time.After(w.opts.RetryMin):
		return eventstore.ErrKeyTaken
	case <-ctx.Done():
		return &UnavailableError{OutcomeUnknown: true, Cause: cause}
	}
}

// resolve finds out what became of an append whose outcome is unknown. While the head is where it
// was, a delayed statement may still commit: sending the same bytes again cannot write them twice,
// and moves the head if anything can. When they are refused because a key is taken, the delayed
// statement will be, too.
func (w *writer) resolve(ctx context.Context, b *batch, cause error) error {
	for pause := w.opts.RetryMin; ; pause = min(2*pause, w.opts.RetryMax) {
		known, err := w.lookUp(b)
		if known && err == nil { // it is there, but perhaps not yet where it is safe
			_, err = w.durableHead()
			known = err == nil
		}
		if known {
			return err
		}
		if errors.Is(err, eventstore.ErrReplaced) {
			return unknownWhileReplaced(err)
		}
		select {
		case <-time.After(pause/2 + rand.N(pause)):
		case <-ctx.Done():
			return &UnavailableError{OutcomeUnknown: true, Cause: cause}
		}
		if err != nil {
			continue
		}
		switch err := w.send(b); {
		case err == nil, errors.Is(err, eventstore.ErrKeyTaken):
			return err
		case errors.Is(err, eventstore.ErrReplaced):
			return unknownWhileReplaced(err)
		}
	}
}

// lookUp reads what the history says of a batch that was sent. It knows when the batch is there, or
// when the head has left the place where the batch would have to go. A head before that place says
// nothing: it may still come there.
func (w *writer) lookUp(b *batch) (known bool, err error) {
	ctx, cancel := w.bounded()
	defer cancel()
	head, err := w.events.Head(ctx)
	switch {
	case err != nil || head.Same(b.from):
		return false, err
	case head.Seq < b.from.Seq:
		return false, projection.ErrDiverged
	}
	records, err := w.events.Read(ctx, b.tip.Seq-1, eventstore.Limit{Records: 1})
	if err != nil {
		return false, err
	}
	if len(records) == 1 && eventstore.HeadOf(&records[0]).Same(b.tip) {
		return true, nil
	}
	return true, eventstore.ErrHeadMoved
}

// confirm checks that judgements that led to no event were made at the head of the history. When
// they acknowledge what was found there, that is made durable first: it may be there without being
// safe.
func (w *writer) confirm(b *batch) error {
	ask := w.head
	if b.acknowledges() {
		ask = w.durableHead
	}
	head, err := ask()
	if err == nil && !head.Same(b.from) {
		return eventstore.ErrHeadMoved
	}
	return err
}

func (w *writer) head() (eventstore.Head, error) {
	ctx, cancel := w.bounded()
	defer cancel()
	head, err := w.events.Head(ctx)
	if err != nil {
		err = &UnavailableError{Cause: err}
	}
	return head, err
}

// durableHead returns the head once all that can be read is as safe as an acknowledged append.
// Before that it is not known whether what was found will stay.
func (w *writer) durableHead() (eventstore.Head, error) {
	ctx, cancel := w.bounded()
	defer cancel()
	head, err := w.events.DurableHead(ctx)
	if err != nil {
		err = &UnavailableError{OutcomeUnknown: true, Cause: err}
	}
	return head, err
}
