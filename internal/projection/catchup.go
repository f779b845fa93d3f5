package projection

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"configapi/internal/eventstore"
)

// CatchUp applies everything that the store holds now. Before the follower is ready, an empty
// projection gets the state before the newest events first, unless reading all events is as cheap.
// Later nothing is loaded: readers wait for each event, and others apply events, too.
//
// Reading, checking and applying run in parallel, each one page ahead of the next, because this
// takes most of the start of a server with many names: see "Start" in docs/figures.md.
func (f *Follower) CatchUp(ctx context.Context) error {
	if f.projection.View().Head().Seq == 0 && !f.isReady() {
		if err := f.load(ctx); err != nil {
			return err
		}
	}
	ctx, cancel := context.WithCancel(ctx)
	var stages sync.WaitGroup
	defer stages.Wait()
	defer cancel()

	from := f.projection.View().Head()
	read, checked := make(chan page), make(chan page)
	stages.Go(func() { f.readPages(ctx, from.Seq, read) })
	stages.Go(func() { f.checkPages(ctx, from, read, checked) })
	var held held
	for page := range checked {
		if page.err != nil {
			return f.diagnose(ctx, page.err)
		}
		if err := f.apply(page, &held); err != nil {
			return fmt.Errorf("following the history: %w", err)
		}
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if held.why != nil {
		return f.diagnose(ctx, held.why)
	}
	if err := f.projection.CheckErasures(); err != nil {
		return f.diagnose(ctx, err)
	}
	return f.compareHead(ctx)
}

// held are pages that are not applied yet, as one: after them a view would show a present value
// that was erased. The version that follows is in a later page.
type held struct {
	page
	why   *presentErasedError
	bytes int
}

// maxHeldBytes is how many bytes of names and values are held at most.
const maxHeldBytes = 64 << 20

// apply applies a page, or holds it.
func (f *Follower) apply(p page, h *held) error {
	if !f.isReady() {
		return f.projection.ApplyUnseen(p.from, p.revisions)
	}
	if h.why != nil {
		awaited := slices.ContainsFunc(p.revisions, func(r *eventstore.Revision) bool { return r.Name == h.why.name })
		p.from, p.revisions = h.from, append(h.revisions, p.revisions...)
		if !awaited {
			return h.hold(p, h.why)
		}
	}
	err := f.projection.Apply(p.from, p.revisions)
	if why := (*presentErasedError)(nil); errors.As(err, &why) {
		return h.hold(p, why)
	}
	*h = held{}
	return err
}

// hold holds a page. Too much of it is an error that wraps [ErrDiverged]: all is applied anew, and
// nobody reads meanwhile.
func (h *held) hold(p page, why *presentErasedError) error {
	for _, r := range p.revisions[len(h.revisions):] {
		h.bytes += r.Bytes()
	}
	h.page, h.why = p, why
	if h.bytes > maxHeldBytes {
		return fmt.Errorf("%w: too much follows the erased value at position %d", ErrDiverged, why.Seq)
	}
	return nil
}

func (f *Follower) isReady() bool {
	select {
	case <-f.ready:
		return true
	default:
		return false
	}
}

// compareHead checks that the head of the store continues what was applied. The records alone
// cannot show that: a store that is behind, that has another hash at the same seq, or that has lost
// its newest records just has no more of them.
func (f *Follower) compareHead(ctx context.Context) error {
	applied, asked := f.projection.View().Head(), time.Now()
	head, err := f.source.Head(ctx)
	if err != nil {
		return fmt.Errorf("reading the head: %w", err)
	}
	f.ObserveHead(head.Seq, asked)
	switch {
	case head.Same(applied):
		return nil
	case head.Seq <= applied.Seq:
		return fmt.Errorf("%w: its head is %s, applied is %s", ErrDiverged, head.Position(), applied.Position())
	}
	records, err := f.source.Read(ctx, applied.Seq, eventstore.Limit{Records: 1})
	switch {
	case err != nil:
		return fmt.Errorf("reading events: %w", err)
	case len(records) == 0:
		return f.diagnose(ctx, fmt.Errorf("following the history: %w", missing(applied.Seq+1)))
	}
	return nil
}

// diagnose returns an error that wraps [ErrDiverged] if the store holds another history. It returns
// err itself if the newest applied record is unchanged: the history is then broken after it, and
// applying it again from the start would not help.
func (f *Follower) diagnose(ctx context.Context, err error) error {
	applied := f.projection.View().Head()
	var broken *eventstore.ChainError
	if !errors.As(err, &broken) || applied.Seq == 0 {
		return err
	}
	records, readErr := f.source.Read(ctx, applied.Seq-1, eventstore.Limit{Records: 1})
	if readErr != nil {
		return fmt.Errorf("reading events: %w", readErr)
	}
	if len(records) == 1 && records[0].Seq == applied.Seq && records[0].Hash != applied.Hash {
		return fmt.Errorf("%w: seq %d has another hash", ErrDiverged, applied.Seq)
	}
	return err
}

func missing(seq eventstore.Seq) error {
	return &eventstore.ChainError{Seq: seq, Problem: "its record is missing"}
}

// page is what one stage of catching up passes to the next: records, then their revisions, or the
// error that ends it.
type page struct {
	from      eventstore.Head // the head that the page follows
	records   []eventstore.Record
	revisions []*eventstore.Revision
	err       error
}

// send passes the page on. It reports whether more pages follow.
func (p page) send(ctx context.Context, to chan<- page) bool {
	select {
	case to <- p:
		return p.err == nil
	case <-ctx.Done():
		return false
	}
}

// checkPages checks that the pages follow one another from a head on, and decodes them.
func (f *Follower) checkPages(ctx context.Context, from eventstore.Head, read <-chan page, checked chan<- page) {
	defer close(checked)
	var chain eventstore.Chain
	for p := range read {
		p.from = from
		if p.err == nil {
			from, p.err = chain.Verify(from, p.records)
		}
		if p.err == nil {
			p.revisions, p.err = eventstore.DecodeFacts(f.opts.Codec, p.records)
			p.records = nil
		}
		if p.err != nil {
			p.err = fmt.Errorf("following the history: %w", p.err)
		}
		if !p.send(ctx, checked) {
			return
		}
	}
}

// readPages sends the records after a seq in pages, until there are no more or ctx ends. A page
// never splits a change set, because it must become readable as a whole.
func (f *Follower) readPages(ctx context.Context, after eventstore.Seq, pages chan<- page) {
	defer close(pages)
	var rest []eventstore.Record // of a change set whose end was not in the page
	for last := false; !last; {
		limit := eventstore.Limit{Records: f.opts.PageSize}
		records, err := f.source.Read(ctx, after, limit)
		full := limit.Fills(records) // a page that is not full is the last one
		switch {
		case err == nil && len(records) == 0 && len(rest) == 0:
			return
		case err == nil && len(records) == 0:
			err = missing(after + 1)
		case err == nil:
			after = records[len(records)-1].Seq
			if len(rest) > 0 {
				records = append(rest, records...)
			}
			whole := eventstore.WholeSets(records)
			records, rest = whole, records[len(whole):]
			last = !full && len(rest) == 0
			if len(whole) == 0 {
				continue
			}
		}
		if err != nil {
			err = fmt.Errorf("reading events: %w", err)
		}
		if !(page{records: records, err: err}).send(ctx, pages) {
			return
		}
	}
}
