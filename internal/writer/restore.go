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

// readLastValues reads the last values of deleted configs, before the requests that restore them
// are decided, until they have so many bytes. It always reads the first value: a batch ends before
// a request whose value is missing, and the next batch begins with it.
func readLastValues(events *monitoredStore, deleted []*projection.Config, most int) (lastValues, error) {
	values := make(lastValues)
	if len(deleted) == 0 {
		return values, nil
	}
	ctx, cancel := events.context()
	defer cancel()
	for bytes, rest := 0, deleted; len(rest) > 0 && bytes < most; {
		some := rest[:min(len(rest), eventstore.MaxAsOfNames/2)]
		read, err := values.read(ctx, events, some, most-bytes)
		if err != nil {
			return nil, fault.NotWritten(fmt.Errorf("reading the values to restore: %w", err))
		}
		bytes += read
		rest = rest[len(some):]
	}
	if _, read := values[deleted[0].Position()]; !read {
		return nil, fault.NotWritten(projection.ErrDiverged)
	}
	return values, nil
}

// deletedTargets returns the deleted configs whose last values requests restore, each once, in the
// order of the requests.
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
	return deleted
}

// read adds the last values of deleted configs, as many as it finds in so many bytes of records. It
// reads each deletion, which holds no value, together with the version before: a deletion of
// another history has another position, and is ignored.
func (v lastValues) read(ctx context.Context, events *monitoredStore, deleted []*projection.Config, most int) (bytes int, err error) {
	asked := make([]eventstore.VersionOf, 0, 2*len(deleted))
	byName := make(map[string]eventstore.Position, len(deleted))
	for _, c := range deleted {
		name, version := c.Name.String(), int(c.Version)
		asked = append(asked, eventstore.VersionOf{Name: name, Version: version}, eventstore.VersionOf{Name: name, Version: version - 1})
		byName[name] = c.Position()
	}
	const deletionBytes = len(`{}`) // a page that they fill would have no value
	records, err := events.LookUp(ctx, asked, eventstore.Limit{Bytes: max(most, deletionBytes+1)})
	if err != nil {
		return 0, err
	}
	for i := range records {
		bytes += len(records[i].Data)
		if i == 0 || records[i].Name != records[i-1].Name {
			continue
		}
		deletion := eventstore.HeadOf(&records[i-1]).Position()
		if deletion != byName[records[i].Name] {
			continue
		}
		before, err := eventstore.Decode(&records[i])
		if err != nil {
			return 0, err
		}
		v[deletion] = before.Value
	}
	return bytes, nil
}
