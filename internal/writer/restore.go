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

// restoresLastValue reports whether a command asks for the value that its config had last.
func restoresLastValue(cmd config.Command) bool {
	restore, is := cmd.(config.Restore)
	return is && restore.Value == nil
}

// lacksLastValue reports whether a request needs a value that was not read: another node has
// deleted the config after the values were read, or too many bytes had to be read before it.
func (b *batch) lacksLastValue(r *request) bool {
	for i := range r.set.Changes {
		cmd := r.set.Changes[i].Command
		if !restoresLastValue(cmd) {
			continue
		}
		state := b.state(cmd.Target())
		if state == nil || state.Exists() {
			continue
		}
		if _, known := b.last[state.Position()]; !known {
			return !b.isRepeated(r)
		}
	}
	return false
}

// maxRestoreReads is how many times the event store is read for the restores of one batch: other
// writes wait meanwhile.
const maxRestoreReads = 32

// readLastValues reads the last values of deleted configs, before the requests that restore them
// are decided. It stops at so many bytes of records or [maxRestoreReads], but always reads those
// values that the first request needs: a batch ends before a request that lacks a value, and the
// next batch begins with it.
func readLastValues(events *monitoredStore, deleted []*projection.Config, needed, most int) (lastValues, error) {
	values := make(lastValues)
	if len(deleted) == 0 {
		return values, nil
	}
	ctx, cancel := events.context()
	defer cancel()
	for reads, bytes := 0, 0; len(deleted) > 0 && (len(values) < needed || reads < maxRestoreReads && bytes < most); reads++ {
		room := most - bytes
		if len(values) < needed {
			room = most
		}
		read, err := readDeletions(ctx, events, deleted[:adjacent(deleted)], room, values)
		if err != nil {
			return nil, fault.NotWritten(err)
		}
		found := 0
		for found < len(deleted) && has(values, deleted[found]) {
			found++
		}
		switch {
		case found > 0:
			deleted = deleted[found:]
		case reads == 0 || len(values) < needed:
			return nil, fault.NotWritten(projection.ErrDiverged)
		default:
			return values, nil
		}
		bytes += read
	}
	return values, nil
}

func has(values lastValues, deleted *projection.Config) bool {
	_, known := values[deleted.Position()]
	return known
}

// deletedTargets returns the deleted configs whose last values requests restore, each once: those
// of the first request first, of which there are so many as needed says, the others by position.
func deletedTargets(view *projection.View, requests []*request, found receipts) (deleted []*projection.Config, needed int) {
	seen := make(map[config.Name]bool)
	for i, r := range requests {
		if _, known := found[r.key]; !known {
			deleted = appendDeleted(deleted, seen, view, r)
		}
		if i == 0 {
			needed = len(deleted)
		}
	}
	for _, part := range [][]*projection.Config{deleted[:needed], deleted[needed:]} {
		if len(part) > 1 {
			slices.SortFunc(part, func(a, b *projection.Config) int { return cmp.Compare(a.Seq, b.Seq) })
		}
	}
	return deleted, needed
}

func appendDeleted(deleted []*projection.Config, seen map[config.Name]bool, view *projection.View, r *request) []*projection.Config {
	for i := range r.set.Changes {
		if cmd := r.set.Changes[i].Command; restoresLastValue(cmd) {
			name := cmd.Target()
			if state := view.Get(name); state != nil && !state.Exists() && !seen[name] {
				seen[name] = true
				deleted = append(deleted, state)
			}
		}
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
