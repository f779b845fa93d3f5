package backup

import (
	"context"
	"fmt"
	"io"

	"golang.org/x/sync/errgroup"

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

// Write writes a backup of the history up to the head that it has now, and returns that head. It
// verifies the chain of hashes meanwhile: the error is an [*eventstore.ChainError] when the history
// is broken, and what was written is no whole backup then. Servers may write to the history
// meanwhile.
func Write(ctx context.Context, out io.Writer, from Source, progress Progress) (eventstore.Head, error) {
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
		return readPages(ctx, from, head, pages)
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
func readPages(ctx context.Context, from Source, head eventstore.Head, pages chan<- []eventstore.Record) error {
	var chain eventstore.Chain
	var at eventstore.Head
	for at.Seq < head.Seq {
		most := min(pageRecords, int(head.Seq-at.Seq))
		page, err := from.Read(ctx, at.Seq, eventstore.Limit{Records: most})
		if err != nil {
			return err
		}
		if len(page) == 0 {
			return &eventstore.ChainError{Seq: at.Seq + 1, Problem: fmt.Sprintf("it is missing; the head is at %d", head.Seq)}
		}
		if at, err = chain.Verify(at, page); err != nil {
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
