package backup

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	"configapi/internal/eventstore"
)

// Target is an event store into which a backup can be restored.
//
// A store remembers, outside its history, that a restore has begun. A server must not use it until
// the restore has ended.
type Target interface {
	Source
	Append(ctx context.Context, expected eventstore.Head, records []eventstore.Record, receipts ...eventstore.Receipt) error

	// RestoreTarget returns the head to which a restore leads that has begun and not ended, without
	// its time. It returns the zero Head if there is none.
	RestoreTarget(ctx context.Context) (eventstore.Head, error)
	// BeginRestore notes that a restore to a head begins. It replaces what was noted before. The
	// error says so if a server uses the store.
	BeginRestore(ctx context.Context, target eventstore.Head) error
	// EndRestore removes the note.
	EndRestore(ctx context.Context) error
}

// RefusedError says why a backup is not restored into a store. The store was not changed.
type RefusedError struct{ Problem string }

func (e *RefusedError) Error() string { return e.Problem }

// Options of a restore. Zero fields have the defaults named.
type Options struct {
	// Progress is called after each batch. nil: nothing is called.
	Progress Progress
	// Tokens decides whether the tokens of the backup are kept or revoked. It is called once, when
	// the first one is found, and before that is appended; never if the backup has none. Its error
	// ends the restore. nil: they are kept.
	Tokens func() (Tokens, error)
}

// Restored is what a restore did.
type Restored struct {
	Head eventstore.Head
	// Found is how many events the store had before, and Added how many it got.
	Found, Added eventstore.Seq
	// HadTokens is whether the backup has tokens, also revoked ones. InForce is how many of them
	// are in force in the store, and Revoked how many the restore has revoked.
	HadTokens        bool
	InForce, Revoked int
}

// Restore appends the events of a backup to a store that is empty or holds a beginning of it. Each
// record is then what it was, byte for byte. The chain of hashes is verified before anything of a
// batch is appended, and a beginning that the store has is compared with the backup.
//
// When Restore fails on its way, the store stays marked as unfinished, and a further Restore of the
// same history goes on from there. Restore revokes tokens before it removes the mark, so that no
// server ever takes them. The error is a [*RefusedError] if the store holds anything else than a
// beginning of the backup.
func Restore(ctx context.Context, from *Reader, into Target, opts Options) (Restored, error) {
	target := from.Target()
	head, err := into.Head(ctx)
	if err == nil {
		err = checkLength(ctx, into, head, target)
	}
	if err != nil {
		return Restored{}, err
	}
	r := restoring{into: into, target: target, found: head, progress: opts.Progress, tokens: restoredTokens{codec: from.codec, decide: opts.Tokens}}
	if r.tokens.decide == nil {
		r.tokens.decide = func() (Tokens, error) { return KeepTokens, nil }
	}
	if err := r.all(ctx, from); err != nil {
		return Restored{}, err
	}
	var did Restored
	if err := r.endTokens(ctx, &did); err != nil {
		return Restored{}, err
	}
	if err := into.EndRestore(ctx); err != nil {
		return Restored{}, fmt.Errorf("ending the restore: %w", err)
	}
	did.Head, did.Found, did.Added = r.at, head.Seq, r.at.Seq-head.Seq
	return did, nil
}

// checkLength refuses a store that has more events than the backup, unless a restore of the same
// backup was interrupted while it revoked tokens.
func checkLength(ctx context.Context, into Target, head, target eventstore.Head) error {
	if head.Seq <= target.Seq {
		return nil
	}
	unfinished, err := into.RestoreTarget(ctx)
	if err != nil || unfinished.Same(target) {
		return err
	}
	return &RefusedError{fmt.Sprintf("the store has %d events, more than the %d of the backup; restore into an empty store", head.Seq, target.Seq)}
}

// restoring is one restore on its way.
type restoring struct {
	into     Target
	target   eventstore.Head
	found    eventstore.Head // of the store before
	at       eventstore.Head // how far the backup has been compared or appended
	tokens   restoredTokens
	progress Progress
}

// all compares or appends the whole backup. One batch is read while the one before is appended.
func (r *restoring) all(ctx context.Context, from *Reader) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	batches := make(chan readBatch)
	// It is not waited for: it may hang in a read of a pipe, and ends with that read.
	go readBatches(ctx, from, batches)
	for first := true; ; first = false {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case next := <-batches:
			if err := r.tokens.add(next.records); err != nil {
				return err
			}
			if first && r.found.Seq == 0 {
				if err := r.begin(ctx); err != nil {
					return err
				}
			}
			if errors.Is(next.err, io.EOF) {
				return nil
			}
			if next.err != nil {
				return next.err
			}
			if err := r.batch(ctx, next.records); err != nil {
				return err
			}
			r.progress.report(r.at.Seq, r.target.Seq)
		}
	}
}

// readBatch is what [Reader.Next] has returned.
type readBatch struct {
	records []eventstore.Record
	err     error
}

// readBatches sends all batches and then the error that ended them.
func readBatches(ctx context.Context, from *Reader, batches chan<- readBatch) {
	for {
		records, err := from.Next()
		select {
		case batches <- readBatch{records, err}:
		case <-ctx.Done():
			return
		}
		if err != nil {
			return
		}
	}
}

// batch compares what the store has of a batch already, and appends the rest.
func (r *restoring) batch(ctx context.Context, batch []eventstore.Record) error {
	if r.at.Seq < r.found.Seq {
		there := min(r.found.Seq-r.at.Seq, eventstore.Seq(len(batch)))
		if err := r.compare(ctx, batch[:there]); err != nil {
			return err
		}
		if batch = batch[there:]; r.at.Seq < r.found.Seq {
			return nil
		}
		if !r.at.Same(r.found) {
			return &eventstore.ChainError{Seq: r.at.Seq, Problem: "the head of the store has another hash than its record"}
		}
		if err := r.begin(ctx); err != nil {
			return err
		}
	}
	if len(batch) == 0 {
		return nil
	}
	if err := r.append(ctx, batch); err != nil {
		return err
	}
	r.at = eventstore.HeadOf(&batch[len(batch)-1])
	return nil
}

// begin notes the restore in the store, before the first append. A store that is whole already
// needs no note.
func (r *restoring) begin(ctx context.Context) error {
	if r.found.Seq >= r.target.Seq {
		return nil
	}
	return r.into.BeginRestore(ctx, r.target)
}

// compare refuses a store that does not hold these records. Comparing hashes would not do: a value
// that was erased after the store got it is still there, under the same hash.
func (r *restoring) compare(ctx context.Context, records []eventstore.Record) error {
	for len(records) > 0 {
		page, err := r.into.Read(ctx, r.at.Seq, eventstore.Limit{Records: len(records)})
		if err != nil {
			return err
		}
		if len(page) == 0 {
			return &eventstore.ChainError{Seq: r.at.Seq + 1, Problem: "it is missing in the store"}
		}
		for i := range page {
			if !same(&page[i], &records[i]) {
				return &RefusedError{fmt.Sprintf("the store has another event than the backup at position %d; restore into an empty store", records[i].Seq)}
			}
		}
		r.at = eventstore.HeadOf(&page[len(page)-1])
		records = records[len(page):]
	}
	return nil
}

// same reports whether two records have the same line in a backup.
func same(a, b *eventstore.Record) bool {
	lineA, errA := appendRecord(nil, a)
	lineB, errB := appendRecord(nil, b)
	return errA == nil && errB == nil && bytes.Equal(lineA, lineB)
}
