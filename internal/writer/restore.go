package writer

import (
	"context"
	"fmt"

	"configapi/internal/config"
	"configapi/internal/eventstore"
	"configapi/internal/fault"
	"configapi/internal/projection"
)

// LastValue is the value that a config had when it was deleted.
type LastValue struct {
	config.Value
	Erased bool // for good; there is no Value then
}

// LastValues are the values that configs had when they were deleted, by the position of the
// deletion. The projection does not keep them, so a restore without a value needs them from the
// history.
type LastValues map[eventstore.Position]LastValue

// restoresLastValue reports whether a command asks for the value that its config had last.
func restoresLastValue(cmd config.Command) bool {
	restore, is := cmd.(config.Restore)
	return is && restore.Value == nil
}

// readLastValues reads the last values of deleted configs, before the requests that restore them
// are decided, until they have so many bytes. Of those that the first request needs it reads all,
// or as many as no set may have: a batch ends before a request that lacks a value, and the next
// batch begins with it.
func readLastValues(events *monitoredStore, deleted []*projection.Config, needed, most int) (LastValues, error) {
	values := make(LastValues)
	if len(deleted) == 0 {
		return values, nil
	}
	ctx, cancel := events.context()
	defer cancel()
	for bytes := 0; len(values) < len(deleted); {
		if len(values) < needed && bytes > config.MaxChangeSetBytes || len(values) >= needed && bytes >= most {
			break
		}
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
	}
	return values, nil
}

// deletedTargets returns the deleted configs whose last values requests restore, each once: those
// of the first request first, of which there are so many as needed says.
func deletedTargets(view *projection.View, requests []*request, found receipts) (deleted []*projection.Config, needed int) {
	seen := make(map[*projection.Config]bool)
	for i, r := range requests {
		if _, known := found[r.key]; !known {
			for _, state := range ToRestore(view, &r.set) {
				if !seen[state] {
					seen[state] = true
					deleted = append(deleted, state)
				}
			}
		}
		if i == 0 {
			needed = len(deleted)
		}
	}
	return deleted, needed
}

// ToRestore returns the deleted configs whose last values a set restores.
func ToRestore(view *projection.View, set *config.ChangeSet) (deleted []*projection.Config) {
	for i := range set.Changes {
		cmd := set.Changes[i].Command
		if !restoresLastValue(cmd) {
			continue
		}
		if state := view.Get(cmd.Target()); state != nil && !state.Exists() {
			deleted = append(deleted, state)
		}
	}
	return deleted
}

// read adds the last values of the first of some deleted configs, as many as it finds in about so
// many bytes of records. It returns the bytes of these values, and how many they are.
//
// It reads each deletion, which holds no value, together with the version before: a deletion of
// another history has another position.
func (v LastValues) read(ctx context.Context, events *monitoredStore, deleted []*projection.Config, most int) (bytes, n int, err error) {
	asked := make([]eventstore.VersionOf, 0, 2*len(deleted))
	for _, c := range deleted {
		name, version := c.Name.String(), int(c.Version)
		asked = append(asked, eventstore.VersionOf{Name: name, Version: version}, eventstore.VersionOf{Name: name, Version: version - 1, Next: c.Seq})
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
		last, err := LastValueOf(before)
		if err != nil {
			return 0, 0, err
		}
		v[at] = last
		bytes += len(last.String())
	}
	return bytes, n, nil
}

// LastValueOf returns the value that a record before a deletion holds.
func LastValueOf(r *eventstore.Record) (LastValue, error) {
	if r.Erased {
		return LastValue{Erased: true}, nil
	}
	revision, err := eventstore.Decode(r)
	if err != nil {
		return LastValue{}, err
	}
	return LastValue{Value: revision.Value}, nil
}
