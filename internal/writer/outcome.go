package writer

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"configapi/internal/eventstore"
	"configapi/internal/fault"
)

// resolve takes the error that the append of a batch returned, and returns one that is certain: it
// finds out whether the batch is in the history when the error does not say so.
func (w *Writer) resolve(ctx context.Context, b *batch, err error) error {
	switch {
	case err == nil, errors.Is(err, eventstore.ErrHeadMoved), errors.Is(err, eventstore.ErrKeyTaken):
		return err
	case errors.Is(err, eventstore.ErrNotWritten):
		return fault.NotWritten(err)
	case errors.Is(err, eventstore.ErrReplaced):
		return replaced(err)
	}
	w.opts.Log.Warn("the outcome of an append is unknown; finding out", "position", b.tip.Seq, "error", err)
	if len(b.records) == 0 {
		return w.resolveByKeys(ctx, err)
	}
	return w.resolveByHistory(ctx, b, err)
}

// replaced returns the error of an append that may be in a file that nobody finds any more. Whether
// it stays there depends on the operator, so the writer does not wait for that. The event store
// sends nothing afterwards: once the file is back, the next append either finds the head where it
// was or fails because it has moved.
func replaced(cause error) error { return fault.OutcomeUnknown(cause) }

// resolveByKeys resolves an append of receipts alone, which no event shows. It has everything
// decided again: when the receipts were written, their keys are found. When they were not, or are
// written later, these receipts and those of the new decision cannot both be written.
func (w *Writer) resolveByKeys(ctx context.Context, cause error) error {
	select {
	case <-time.After(w.opts.RetryMin):
		return eventstore.ErrKeyTaken
	case <-ctx.Done():
		return fault.OutcomeUnknown(cause)
	}
}

// resolveByHistory looks for the batch in the history until the outcome is known, or until ctx
// ends.
//
// While the head is where the batch begins, a delayed statement may still commit. Sending the same
// bytes again cannot write them twice, and moves the head if anything can. When the bytes are
// refused because a key is taken, the delayed statement will be refused, too.
func (w *Writer) resolveByHistory(ctx context.Context, b *batch, cause error) error {
	for pause := w.opts.RetryMin; ; pause = min(2*pause, retryMax) {
		known, err := w.events.lookUp(b)
		if known && err == nil { // found, but perhaps not durable yet
			_, err = w.events.durableHead()
			known = err == nil
		}
		if known {
			return err
		}
		if errors.Is(err, eventstore.ErrReplaced) {
			return replaced(err)
		}
		select {
		case <-time.After(pause/2 + rand.N(pause)):
		case <-ctx.Done():
			return fault.OutcomeUnknown(cause)
		}
		if err != nil {
			continue
		}
		switch err := w.events.send(b); {
		case err == nil, errors.Is(err, eventstore.ErrKeyTaken):
			return err
		case errors.Is(err, eventstore.ErrReplaced):
			return replaced(err)
		}
	}
}

// confirmHead checks that a batch without events was decided at the head of the history. When the
// batch acknowledges what is in the history, that is made durable first: what can be read may still
// be lost.
func (w *Writer) confirmHead(b *batch) error {
	read := w.events.head
	if b.acknowledges() {
		read = w.events.durableHead
	}
	head, err := read()
	if err == nil && !head.Same(b.from) {
		return eventstore.ErrHeadMoved
	}
	return err
}
