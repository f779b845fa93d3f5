package backup

import (
	"context"
	"errors"
	"fmt"
	"io"

	"golang.org/x/sync/errgroup"

	"configapi/internal/config"
	"configapi/internal/eventstore"
)

// Source is a history that can be backed up: every event store is one.
type Source interface {
	Head(ctx context.Context) (eventstore.Head, error)
	Read(ctx context.Context, after eventstore.Seq, limit eventstore.Limit) ([]eventstore.Record, error)
}

// Progress gets how many events are done, of how many. It is called often and must be quick. nil
// means that progress is not reported.
type Progress func(done, of eventstore.Seq)

func (p Progress) report(done, of eventstore.Seq) {
	if p != nil {
		p(done, of)
	}
}

// pageRecords is how many events one read of a history returns at most. The read is one short
// transaction, so a backup hardly delays the checkpoints of a server that runs beside it.
const pageRecords = 4096

// ErrErasedMeanwhile says that an event erased a value while the backup was made, so that the
// backup lacks the value and the event that says so. Another attempt may succeed.
var ErrErasedMeanwhile = errors.New("a value was erased while the backup was made; make the backup again")

// Write writes a backup of the history up to the head that it has now, and returns that head. It
// verifies the chain of hashes meanwhile, and that an event says so of each value that was erased:
// the error is an [*eventstore.ChainError] when the history is broken, and what was written is no
// whole backup then. Servers may write to the history meanwhile. The codec knows which events
// erase.
func Write(ctx context.Context, out io.Writer, from Source, codec config.Codec, progress Progress) (eventstore.Head, error) {
	head, err := from.Head(ctx)
	if err != nil {
		return eventstore.Head{}, err
	}
	if _, err := out.Write(appendHeader(nil, head)); err != nil {
		return eventstore.Head{}, err
	}
	// One page is read while the one before is written.
	pages := make(chan []eventstore.Record)
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		defer close(pages)
		return readPages(ctx, from, head, codec, pages)
	})
	group.Go(func() error { return writePages(out, head, pages, progress) })
	if err := group.Wait(); err != nil {
		return eventstore.Head{}, err
	}
	last, err := appendHead(nil, head)
	if err != nil {
		return eventstore.Head{}, fmt.Errorf("writing the head: %w", err)
	}
	_, err = out.Write(last)
	return head, err
}

// readPages sends all records up to a head, and checks that they lead to it.
func readPages(ctx context.Context, from Source, head eventstore.Head, codec config.Codec, pages chan<- []eventstore.Record) error {
	var chain eventstore.Chain
	var erasures eventstore.Erasures
	var at eventstore.Head
	for at.Seq < head.Seq {
		page, err := from.Read(ctx, at.Seq, eventstore.Limit{Records: min(pageRecords, int(head.Seq-at.Seq))})
		if err != nil {
			return err
		}
		if len(page) == 0 {
			return &eventstore.ChainError{Seq: at.Seq + 1, Problem: fmt.Sprintf("it is missing; the head is at %d", head.Seq)}
		}
		if at, err = chain.Verify(at, page); err != nil {
			return err
		}
		if err := erasures.AddRecords(codec, page); err != nil {
			return err
		}
		select {
		case pages <- page:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	if !at.Same(head) {
		return &eventstore.ChainError{Seq: head.Seq, Problem: "the head has another hash than the record"}
	}
	return explain(ctx, from, head, codec, &erasures)
}

// explain returns nil if all erased events are explained. If an event beyond the head explains the
// rest, it returns [ErrErasedMeanwhile].
func explain(ctx context.Context, from Source, head eventstore.Head, codec config.Codec, erasures *eventstore.Erasures) error {
	unexplained := erasures.Unexplained()
	for at := head.Seq; unexplained != nil; {
		page, err := from.Read(ctx, at, eventstore.Limit{Records: pageRecords})
		switch {
		case err != nil:
			return err
		case len(page) == 0:
			return unexplained
		}
		if err := erasures.AddRecords(codec, page); err != nil {
			return err
		}
		if erasures.Unexplained() == nil {
			return ErrErasedMeanwhile
		}
		at = page[len(page)-1].Seq
	}
	return nil
}

func writePages(out io.Writer, head eventstore.Head, pages <-chan []eventstore.Record, progress Progress) error {
	var lines []byte
	for page := range pages {
		lines = lines[:0]
		for i := range page {
			var err error
			if lines, err = appendRecord(lines, &page[i]); err != nil {
				return &eventstore.ChainError{Seq: page[i].Seq, Problem: err.Error()}
			}
			if len(lines) < flushBytes && i < len(page)-1 {
				continue
			}
			if _, err := out.Write(lines); err != nil {
				return err
			}
			lines = lines[:0]
		}
		progress.report(page[len(page)-1].Seq, head.Seq)
	}
	return nil
}

// flushBytes is how many bytes of lines are written at once.
const flushBytes = 256 << 10
