package writer

import (
	"context"
	"errors"

	"configapi/internal/eventstore"
	"configapi/internal/fault"
	"configapi/internal/projection"
)

// lockAfter is how many attempts in a row must lose to other nodes until the writer locks the head
// first. unlockAfter is how many locked attempts in a row must then miss nothing until it stops
// doing so: after fewer of them the follower may just have been quick.
const lockAfter, unlockAfter = 2, 8

// commit decides requests, appends their events, and answers the requests. It takes more than one
// append when the events are large. A refusal waits for the append, too: it may rest on an event of
// the same batch, or on a state that another node has changed meanwhile. commit returns the last
// error that all requests of one append were answered with.
func (w *Writer) commit(ctx context.Context, requests []*request) (err error) {
	w.appending <- struct{}{}
	defer func() { <-w.appending }()
	for len(requests) > 0 {
		var b *batch
		b, requests, err = w.attempt(ctx, requests)
		switch {
		case errors.Is(err, eventstore.ErrKeyTaken):
			continue
		case errors.Is(err, eventstore.ErrHeadMoved):
			if err = w.catchUp(); err == nil {
				requests = w.gather(requests) // with those that came meanwhile
				continue
			}
		}
		if err == nil {
			err = w.apply(b)
		}
		if err == nil {
			b.recheckRefused(w.events, requests)
		}
		requests = b.answer(requests, err)
	}
	return err
}

// attempt decides requests, and further ones that it may take from the queue, and appends their
// events. It returns when the outcome is known:
//
//   - nil: the events are in the history.
//   - [eventstore.ErrHeadMoved] or [eventstore.ErrKeyTaken]: they are not, and everything must be
//     decided again.
//   - a [*fault.UnavailableError]: the answer to all requests.
func (w *Writer) attempt(ctx context.Context, requests []*request) (*batch, []*request, error) {
	looked := lookup{w.projection.View().Head(), len(requests)}
	found, err := findReceipts(w.events, requests)
	if err != nil {
		return failAll(requests), requests, err
	}
	deleted, needed := deletedTargets(w.projection.View(), requests, found)
	last, err := readLastValues(w.events, deleted, needed, w.opts.BatchBytes)
	if err != nil {
		return failAll(requests), requests, err
	}
	if w.conflicts >= lockAfter {
		b, requests, err := w.attemptLocked(ctx, requests, found, last)
		b.lookup = looked
		return b, requests, err
	}
	b := w.decide(w.projection.View(), requests, found, last)
	b.lookup = looked
	switch {
	case len(b.results) == 0: // the first one needs another last value than was read
		return b, requests, nil
	case b.isEmpty():
		err = w.confirmHead(b)
	default:
		err = w.resolve(ctx, b, w.events.send(b))
	}
	switch {
	case err == nil:
		w.conflicts = 0
	case errors.Is(err, eventstore.ErrHeadMoved):
		w.conflicts++
	}
	return b, requests, err
}

// attemptLocked is attempt with the head locked, so that no other node can be faster. The events of
// other nodes that this node has missed are applied before the requests are decided.
//
// While the writer waited for the lock, more requests were queued, and they are taken, too. Their
// keys were not looked up: the event store refuses a key that is taken. A restore whose last value
// was not read ends the batch.
func (w *Writer) attemptLocked(ctx context.Context, requests []*request, found receipts, last LastValues) (*batch, []*request, error) {
	b, from := (*batch)(nil), w.projection.View().Head()
	appending, cancel := w.events.context()
	defer cancel()
	err := w.events.AppendLocked(appending, from.Seq, func(head eventstore.Head, missed []eventstore.Record) ([]eventstore.Record, []eventstore.Receipt, error) {
		w.countUncontended(len(missed))
		if err := w.applyMissed(from.Seq, missed); err != nil {
			return nil, nil, err
		}
		view := w.projection.View()
		if !view.Head().Same(head) {
			return nil, nil, projection.ErrDiverged
		}
		requests = w.gather(requests)
		b = w.decide(view, requests, found, last)
		return b.records, b.receipts, nil
	})
	if b == nil {
		b = failAll(requests)
	}
	err = w.resolve(ctx, b, err)
	if err == nil && b.isEmpty() && b.acknowledges() {
		_, err = w.events.durableHead()
	}
	return b, requests, err
}

// countUncontended stops the locking of the head once other nodes write so seldom that it does not
// pay.
func (w *Writer) countUncontended(missed int) {
	w.uncontended++
	if missed > 0 {
		w.uncontended = 0
	}
	if w.uncontended >= unlockAfter {
		w.conflicts, w.uncontended = 0, 0
	}
}

// applyMissed applies the records that other nodes have committed after a seq. It leaves out those
// that the follower has applied meanwhile.
func (w *Writer) applyMissed(after eventstore.Seq, missed []eventstore.Record) error {
	applied := w.projection.View().Head()
	missed = missed[min(int(applied.Seq-after), len(missed)):]
	if _, err := new(eventstore.Chain).Verify(applied, missed); err != nil {
		return err
	}
	revisions, err := eventstore.DecodeFacts(w.opts.Codec, missed)
	if err != nil {
		return err
	}
	return w.projection.Apply(applied, revisions)
}

func (w *Writer) catchUp() error {
	ctx, cancel := w.events.context()
	defer cancel()
	if err := w.follower.CatchUp(ctx); err != nil {
		return fault.NotWritten(err)
	}
	return nil
}

// apply makes the batch readable, and records its changes in the audit log.
func (w *Writer) apply(b *batch) error {
	if err := w.projection.Apply(b.from, b.revisions); err != nil {
		w.opts.Log.Error("a committed append cannot be applied", "position", b.tip.Seq, "error", err)
		return fault.OutcomeUnknown(err)
	}
	if w.opts.Audit != nil {
		for i, r := range b.revisions {
			w.opts.Audit.Record(r, b.requestIDs[i])
		}
	}
	return nil
}
