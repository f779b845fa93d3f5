package feed

import (
	"context"
	"fmt"
	"slices"

	"configapi/internal/eventstore"
)

// DefaultPage is how many events [Cursor.Next] returns at most, unless one change set is larger.
const DefaultPage = 1000

// PageBytes is how many bytes [Cursor.Next] returns at most, as [Size] counts them, unless one
// change set is larger: 1 MiB.
const PageBytes = 1 << 20

// Source is the part of an event store that a cursor uses: it reads events that are older than the
// ring.
type Source interface {
	eventstore.VersionReader
	ReadHistory(ctx context.Context, basis eventstore.Head, after eventstore.Seq, limit eventstore.Limit) ([]eventstore.Record, error)
}

// Cursor is one reader's place in the feed. It holds only a head, so it costs nothing while it is
// not used and needs no closing. It is for one goroutine at a time.
type Cursor struct {
	feed   *Feed
	source Source
	head   eventstore.Head // of the last event that Next returned
}

// Batch is what a cursor returns at once: whole change sets.
type Batch struct {
	// Events in order; empty when the cursor is at the head.
	Events []*eventstore.Revision
	// Head is the head after the last event of the batch.
	Head eventstore.Head
	// CaughtUp reports whether the batch ended at the feed's head when it was read.
	CaughtUp bool
}

// Cursor returns a cursor that starts after a head. The head must be the end of a change set. It
// may be ahead of the feed's head while a change is readable but not yet published. The cursor
// reads from source what the ring no longer has.
func (f *Feed) Cursor(source Source, after eventstore.Head) *Cursor {
	return &Cursor{feed: f, source: source, head: after}
}

// Head returns the head after the last event that the cursor has returned.
func (c *Cursor) Head() eventstore.Head { return c.head }

// Poll returns the events that follow, at most limit of them (0 means [DefaultPage]) or one whole
// change set, and moves the cursor behind them. The batch is empty if the cursor is at the head.
// more is closed as soon as another Poll may return events, which is at once unless the batch is
// caught up.
//
// The error is that of the source, a [*eventstore.ChainError] if the source's history does not lead
// to the feed's head, or the reason of [Feed.End]. After an error the cursor has not moved.
func (c *Cursor) Poll(ctx context.Context, limit int) (batch Batch, more <-chan struct{}, err error) {
	if limit == 0 {
		limit = DefaultPage
	}
	now := c.feed.after(c.head.Seq, limit)
	if now.ended != nil {
		return Batch{}, nil, now.ended
	}
	events := now.events
	if !now.onRing {
		if events, err = c.readStore(ctx, now.head, limit); err != nil {
			return Batch{}, nil, err
		}
	}
	if len(events) > 0 {
		c.head = events[len(events)-1].Head()
	}
	if c.head.Seq < now.head.Seq {
		return Batch{Events: events, Head: c.head}, c.feed.alwaysReady, nil
	}
	return Batch{events, c.head, true}, now.changed, nil
}

// Next waits until there are events, and returns them as Poll does. The error may also be that of
// ctx.
func (c *Cursor) Next(ctx context.Context, limit int) (Batch, error) {
	for {
		batch, more, err := c.Poll(ctx, limit)
		if err != nil || len(batch.Events) > 0 {
			return batch, err
		}
		select {
		case <-more:
		case <-ctx.Done():
			return Batch{}, ctx.Err()
		}
	}
}

// Await waits as [Waiter.Wait] does, and moves the cursor over the events that the waiter's filter
// does not select. The cursor must be at the head.
func (c *Cursor) Await(ctx context.Context, w *Waiter, progress Progress) (err error) {
	c.head, err = w.Wait(ctx, c.head, progress)
	return err
}

// readStore reads at least one whole change set, and nothing newer than head, so that a reader
// never sees an event before it is published. It returns an error if the records do not continue
// the history from where the cursor is, or if that history does not lead to head.
func (c *Cursor) readStore(ctx context.Context, head eventstore.Head, limit int) ([]*eventstore.Revision, error) {
	var chain eventstore.Chain
	var records []eventstore.Record
	for at, next := c.head, limit; ; {
		page, err := c.source.ReadHistory(ctx, head, at.Seq,
			eventstore.Limit{Records: min(next, int(head.Seq-at.Seq)), Bytes: PageBytes})
		switch {
		case err != nil:
			return nil, fmt.Errorf("reading events after seq %d: %w", at.Seq, err)
		case len(page) == 0:
			return nil, &eventstore.ChainError{Seq: at.Seq + 1, Problem: "its record is missing"}
		}
		if at, err = chain.Verify(at, page); err != nil {
			return nil, err
		}
		records = append(records, page...)
		if whole := eventstore.WholeSets(records); len(whole) > 0 {
			events, err := eventstore.DecodeFacts(c.feed.opts.Codec, whole)
			if err != nil {
				return nil, err
			}
			return c.complete(ctx, head, wholeSets(events, limit))
		}
		next = max(1, int(page[len(page)-1].ChangeSet-at.Seq)) // the rest of the set
	}
}

// complete gives whole change sets their old values. It returns as many of the sets as [PageBytes]
// then still allows.
func (c *Cursor) complete(ctx context.Context, head eventstore.Head, events []*eventstore.Revision) ([]*eventstore.Revision, error) {
	first := 1 + slices.IndexFunc(events, (*eventstore.Revision).EndsChangeSet)
	complete, err := eventstore.CompleteOldValues(ctx, c.source, head, eventstore.OldValuePage{Revisions: events, Bytes: PageBytes, Least: first})
	if err != nil {
		return nil, err
	}
	return wholeSets(events[:complete], complete), nil
}

// wholeSets returns as many events as limit and [PageBytes] allow, or the first change set if that
// is larger. It never splits a change set, and returns nothing if the first one is not whole.
func wholeSets(events []*eventstore.Revision, limit int) []*eventstore.Revision {
	end, bytes := 0, 0
	for i, e := range events {
		bytes += Size(e)
		if (i >= limit || bytes > PageBytes) && end > 0 {
			break
		}
		if e.EndsChangeSet() {
			end = i + 1
		}
	}
	return events[:end:end]
}
