package feed

import (
	"context"
	"fmt"

	"configapi/internal/eventstore"
)

// DefaultPage is how many events [Cursor.Next] returns at most unless one change set is larger.
const DefaultPage = 1000

// PageBytes is how many bytes of values fill what [Cursor.Next] returns, unless one change set is
// larger: 1 MiB.
const PageBytes = 1 << 20

// Source is what a cursor needs of an event store: the events that are older than the ring.
type Source interface {
	ReadBranch(ctx context.Context, branch eventstore.Head, after eventstore.Seq, limit eventstore.Limit) ([]eventstore.Record, error)
}

// Cursor is one reader's place in the stream. It holds nothing but a position and is for one goroutine.
type Cursor struct {
	feed   *Feed
	source Source
	head   eventstore.Head // where the reader is: of the last event that Next returned
}

// Batch is what a cursor reads at once: whole change sets.
type Batch struct {
	// Events in order; empty when the cursor is at the head.
	Events []*eventstore.Revision
	// Head is where the batch ends.
	Head eventstore.Head
	// CaughtUp tells that there was nothing more when the batch was read.
	CaughtUp bool
}

// Cursor returns a cursor that starts after a position, which must be the end of a change set, at or before the feed's head.
func (f *Feed) Cursor(source Source, after eventstore.Head) *Cursor {
	return &Cursor{feed: f, source: source, head: after}
}

// Head is where the cursor is: behind the last event that it has returned.
func (c *Cursor) Head() eventstore.Head { return c.head }

// Poll returns the events that follow at once, at most limit of them (0: [DefaultPage]) or one whole change set, and moves
// the cursor behind them. An empty batch means that the cursor is at the head. more is closed when it may not be any longer:
// at once when the batch did not bring the cursor there.
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
		return Batch{Events: events, Head: c.head}, c.feed.closed, nil
	}
	return Batch{events, c.head, true}, now.changed, nil
}

// Next waits until there are events, and returns them as Poll does.
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

// Await waits as [Waiter.Wait] does, and moves the cursor over what the waiter's filter does not
// select. It is for a cursor that is at the head.
func (c *Cursor) Await(ctx context.Context, w *Waiter, b Progress) (err error) {
	c.head, err = w.Wait(ctx, c.head, b)
	return err
}

// readStore reads at least one whole change set, and nothing that is newer than the feed's head:
// nobody may hear of an event that cannot be read yet. Records that do not continue the history
// where the reader is are an error, and so are those of a history that does not lead to the feed's
// head.
func (c *Cursor) readStore(ctx context.Context, head eventstore.Head, limit int) ([]*eventstore.Revision, error) {
	var chain eventstore.Chain
	var records []eventstore.Record
	for at := c.head; ; {
		page, err := c.source.ReadBranch(ctx, head, at.Seq,
			eventstore.Limit{Records: min(limit, int(head.Seq-at.Seq)), Bytes: PageBytes})
		switch {
		case err != nil:
			return nil, fmt.Errorf("reading events after position %d: %w", at.Seq, err)
		case len(page) == 0:
			return nil, &eventstore.ChainError{Seq: at.Seq + 1, Problem: "its record is missing"}
		}
		if at, err = chain.Verify(at, page); err != nil {
			return nil, err
		}
		records = append(records, page...)
		if whole := eventstore.WholeSets(records); len(whole) > 0 {
			events, err := eventstore.DecodeAll(whole)
			return wholeSets(events, limit), err
		}
	}
}

// wholeSets cuts events down to limit and to [PageBytes], or to the first change set when that is
// larger, and never in the middle of one. It returns nothing when not even the first set is whole.
func wholeSets(events []*eventstore.Revision, limit int) []*eventstore.Revision {
	end, bytes := 0, 0
	for i, e := range events {
		bytes += Size(e)
		if (i >= limit || bytes > PageBytes) && end > 0 {
			break
		}
		if e.EndsSet() {
			end = i + 1
		}
	}
	return events[:end:end]
}
