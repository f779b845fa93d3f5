package writer

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"configapi/internal/config"
	"configapi/internal/eventstore"
	"configapi/internal/fault"
	"configapi/internal/projection"
)

// lastValues are the values that configs had when they were deleted, by the position of the
// deletion. The projection does not keep them, so a restore without a value needs them from the
// history.
type lastValues map[eventstore.Position]config.Value

// restoresLastValue reports whether a request asks for the value that its config had last.
func restoresLastValue(r *request) bool {
	cmd, is := r.cmd.(config.Restore)
	return is && cmd.Value == nil
}

// lacksLastValue reports whether a request needs a value that was not read: another node has
// deleted the config after the values were read, or too many bytes had to be read before it.
func (b *batch) lacksLastValue(r *request) bool {
	if !restoresLastValue(r) || b.isRepeated(r) {
		return false
	}
	state := b.state(r.cmd.Target())
	if state == nil || state.Exists() {
		return false
	}
	_, known := b.last[state.Position()]
	return !known
}

// maxRestoreReads is how many times the event store is read for the restores of one batch: other
// writes wait meanwhile.
const maxRestoreReads = 32

// readLastValues reads the last values of deleted configs, before the requests that restore them
// are decided. It stops at so many bytes of records or [maxRestoreReads], but always reads the
// first value: a batch ends before a request whose value is missing, and the next batch begins with
// it.
func readLastValues(events *monitoredStore, deleted []*projection.Config, most int) (lastValues, error) {
	values := make(lastValues)
	if len(deleted) == 0 {
		return values, nil
	}
	ctx, cancel := events.context()
	defer cancel()
	for reads, bytes := 0, 0; len(deleted) > 0 && reads < maxRestoreReads && bytes < most; reads++ {
		n := adjacent(deleted)
		read, err := readDeletions(ctx, events, deleted[:n], most-bytes, values)
		if err != nil {
			return nil, fault.NotWritten(err)
		}
		if reads == 0 && len(values) == 0 {
			return nil, fault.NotWritten(projection.ErrDiverged)
		}
		bytes += read
		deleted = deleted[n:]
	}
	return values, nil
}

// deletedTargets returns the deleted configs whose last values requests restore, each once: that of
// the first request first, the others by position.
func deletedTargets(view *projection.View, requests []*request, found receipts) []*projection.Config {
	var deleted []*projection.Config
	seen := make(map[config.Name]bool)
	for _, r := range requests {
		if _, known := found[r.key]; known || !restoresLastValue(r) {
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

// adjacent returns how many of the first configs were deleted so closely after one another that one
// read finds all of the deletions. Configs that are deleted together are often restored together.
func adjacent(deleted []*projection.Config) int {
	const gap = 8 // reading so many records in vain is cheaper than a second read
	n := 1
	for n < len(deleted) {
		if step := deleted[n].Seq - deleted[n-1].Seq; step <= 0 || step > gap {
			break
		}
		n++
	}
	return n
}

// readDeletions adds the last values of adjacent deletions to values, as many as it finds in so
// many bytes of records. Records of another history have other positions, which it ignores.
func readDeletions(ctx context.Context, events *monitoredStore, deleted []*projection.Config, bytes int, values lastValues) (read int, err error) {
	wanted := make(map[eventstore.Seq]eventstore.Position, len(deleted))
	for _, c := range deleted {
		wanted[c.Seq] = c.Position()
	}
	before, last := deleted[0].Seq-1, deleted[len(deleted)-1].Seq
	records, err := events.Read(ctx, before, eventstore.Limit{Records: int(last - before), Bytes: bytes})
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
