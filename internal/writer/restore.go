package writer

import (
	"context"
	"fmt"

	"configapi/internal/config"
	"configapi/internal/eventstore"
	"configapi/internal/fault"
	"configapi/internal/projection"
)

// lastValues are the values that configs had when they were deleted, by the position of the
// deletion. The projection does not keep them, so a restore without a value needs them from the
// history.
type lastValues map[eventstore.Position]LastValue

// LastValue is the value that a config had when it was deleted.
type LastValue struct {
	Value  config.Value
	Erased bool // Value was erased
}

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

// readLastValues reads the last values of deleted configs, before the requests that restore them
// are decided, until they have so many bytes. It always reads those values that the first request
// needs: a batch ends before a request that lacks a value, and the next batch begins with it.
func readLastValues(events *monitoredStore, deleted []*projection.Config, needed, most int) (lastValues, error) {
	values := make(lastValues)
	if len(deleted) == 0 {
		return values, nil
	}
	ctx, cancel := events.context()
	defer cancel()
	for bytes := 0; len(values) < needed || len(values) < len(deleted) && bytes < most; {
		rest := deleted[len(values):]
		read, n, err := values.read(ctx, events, rest[:min(len(rest), eventstore.MaxAsOfNames/2)], max(most-bytes, 1))
		switch {
		case err != nil:
			return nil, fault.NotWritten(fmt.Errorf("reading the values to restore: %w", err))
		case n == 0 && len(values) < needed:
			return nil, fault.NotWritten(projection.ErrDiverged)
		case n == 0:
			return values, nil
		}
		bytes += read
		if bytes > config.MaxChangeSetBytes && needed > 1 {
			// The set is refused for what was read already.
			for _, c := range deleted[len(values):max(needed, len(values))] {
				values[c.Position()] = LastValue{}
			}
		}
	}
	return values, nil
}

// deletedTargets returns the deleted configs whose last values requests restore, each once: those
// of the first request first, of which there are so many as needed says.
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

// read adds the last values of the first of some deleted configs, as many as it finds in about so
// many bytes of records. It returns the bytes of these values, and how many they are.
//
// It reads each deletion, which holds no value, together with the version before: a deletion of
// another history has another position.
func (v lastValues) read(ctx context.Context, events *monitoredStore, deleted []*projection.Config, most int) (bytes, n int, err error) {
	asked := make([]eventstore.VersionOf, 0, 2*len(deleted))
	for _, c := range deleted {
		name, version := c.Name.String(), int(c.Version)
		asked = append(asked, eventstore.VersionOf{Name: name, Version: version}, eventstore.VersionOf{Name: name, Version: version - 1})
	}
	const deletionBytes = len(`{}`) // a page that they fill would have no value
	records, err := events.LookUp(ctx, asked, eventstore.Limit{Bytes: max(most, deletionBytes+1)})
	if err != nil {
		return 0, 0, err
	}
	for ; n < len(deleted) && 2*n+1 < len(records); n++ {
		deletion, before := &records[2*n], &records[2*n+1]
		at := eventstore.HeadOf(deletion).Position()
		if at != deleted[n].Position() || before.Name != deletion.Name || before.Version != deletion.Version-1 {
			break
		}
		last, err := eventstore.Decode(before)
		if err != nil {
			return 0, 0, err
		}
		v[at] = LastValue{last.Value, last.Erased}
		bytes += len(last.Value.String())
	}
	return bytes, n, nil
}
