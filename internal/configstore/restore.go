package configstore

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"configapi/internal/config"
	"configapi/internal/eventstore"
	"configapi/internal/projection"
)

// lastValues are the values that configs had when they were deleted, by the position of the
// deletion. The projection does not keep them, so a restore without a value needs them from the
// history.
type lastValues map[eventstore.Position]config.Value

// bringsBack reports whether a request asks for the value that a config had last.
func bringsBack(r *request) bool {
	cmd, is := r.cmd.(config.Restore)
	return is && cmd.Value == nil
}

// lacksValue reports whether a request needs a value that was not read: its config was deleted by
// another node after the values were read, or too many bytes had to be read before it.
func (b *batch) lacksValue(r *request) bool {
	if !bringsBack(r) || b.answered(r) {
		return false
	}
	state := b.state(r.cmd.Target())
	if state == nil || state.Exists() {
		return false
	}
	_, known := b.last[state.Position()]
	return !known
}

// answered reports whether an earlier request with the same key answers this one.
func (b *batch) answered(r *request) bool {
	_, before := b.known[r.key]
	_, twice := b.keyed[r.key]
	return before || twice
}

// maxRestoreReads is how many times the event store is read for the restores of one batch: other
// writes wait meanwhile.
const maxRestoreReads = 32

// readLastValues reads the values that requests bring back before they are decided. It reads until
// it has Options.BatchBytes, or [maxRestoreReads] times, and always the first value that is needed:
// the batch ends before a request whose value is missing, and the next one begins with it.
func (w *writer) readLastValues(requests []*request, known receipts) (lastValues, error) {
	values := make(lastValues)
	deleted := deletedTargets(w.projection.View(), requests, known)
	if len(deleted) == 0 {
		return values, nil
	}
	ctx, cancel := w.bounded()
	defer cancel()
	for reads, bytes := 0, 0; len(deleted) > 0 && reads < maxRestoreReads && bytes < w.opts.BatchBytes; reads++ {
		n := run(deleted)
		read, err := w.readDeletions(ctx, deleted[:n], w.opts.BatchBytes-bytes, values)
		if err != nil {
			return nil, &UnavailableError{Cause: err}
		}
		if reads == 0 && len(values) == 0 {
			return nil, &UnavailableError{Cause: projection.ErrDiverged}
		}
		bytes += read
		deleted = deleted[n:]
	}
	return values, nil
}

// deletedTargets returns the deleted configs whose values requests bring back, each once: that of
// the first request first, the others by position.
func deletedTargets(view *projection.View, requests []*request, known receipts) []*projection.Config {
	var deleted []*projection.Config
	seen := make(map[config.Name]bool)
	for _, r := range requests {
		if _, before := known[r.key]; before || !bringsBack(r) {
			continue
		}
		name := r.cmd.Target()
		if state := view.Get(name); state != nil && !state.Exists() && !seen[name] {
			seen[name] = true
			deleted = append(deleted, state)
		}
	}
	if len(deleted) > 1 {
		slices.SortFunc(deleted[1:], func(a, b *projection.Config) int { return cmp.Compare(a.Seq, b.Seq) })
	}
	return deleted
}

// run returns how many of the first configs were deleted so shortly after one another that one read
// finds all of the deletions. Configs that are deleted together are often restored together.
func run(deleted []*projection.Config) int {
	const gap = 8 // records that are read in vain rather than reading once more
	n := 1
	for n < len(deleted) {
		if step := deleted[n].Seq - deleted[n-1].Seq; step <= 0 || step > gap {
			break
		}
		n++
	}
	return n
}

// readDeletions adds the values that a run of deletions took away, as many as it finds in so many
// bytes of records. Records of another history have other positions, which are not asked for.
func (w *writer) readDeletions(ctx context.Context, deleted []*projection.Config, bytes int, values lastValues) (read int, err error) {
	wanted := make(map[eventstore.Seq]eventstore.Position, len(deleted))
	for _, c := range deleted {
		wanted[c.Seq] = c.Position()
	}
	before, last := deleted[0].Seq-1, deleted[len(deleted)-1].Seq
	records, err := w.events.Read(ctx, before, eventstore.Limit{Records: int(last - before), Bytes: bytes})
	if err != nil {
		return 0, fmt.Errorf("reading the values to restore: %w", err)
	}
	for i := range records {
		r := &records[i]
		read += len(r.Data)
		if eventstore.HeadOf(r).Position() != wanted[r.Seq] {
			continue
		}
		deletion, err := eventstore.Decode(r)
		if err != nil {
			return 0, fmt.Errorf("reading the values to restore: %w", err)
		}
		values[deletion.Position()] = deletion.OldValue
	}
	return read, nil
}
