package configstore

import (
	"errors"
	"fmt"

	"configapi/internal/config"
	"configapi/internal/eventstore"
	"configapi/internal/projection"
)

// lastValues are the values that configs had when they were deleted, by the bookmark of the deletion. The projection does not
// keep them, so a restore without a value needs them from the history.
type lastValues map[eventstore.Bookmark]config.Value

// bringsBack reports whether a request asks for the value that a config had last.
func bringsBack(r *request) bool {
	cmd, is := r.cmd.(config.Restore)
	return is && cmd.Value == nil
}

// lacksValue reports whether a request needs a value that was not read: its config was deleted by somebody else after the
// values were read, or too many bytes had to be read before it.
func (b *batch) lacksValue(r *request) bool {
	if !bringsBack(r) || b.answered(r) {
		return false
	}
	state := b.state(r.cmd.Target())
	if state == nil || state.Exists() {
		return false
	}
	_, known := b.last[state.Bookmark()]
	return !known
}

// answered reports whether an earlier request with the same key answers this one.
func (b *batch) answered(r *request) bool {
	_, before := b.known[r.key]
	_, twice := b.keyed[r.key]
	return before || twice
}

// readLastValues reads the values that requests bring back, all at once, before they are judged. It reads at most about
// Options.BatchBytes, and always the first value that is needed: the batch ends before a request whose value is missing, and
// the next one begins with it.
func (w *writer) readLastValues(requests []*request, known receipts) (lastValues, error) {
	last := make(lastValues)
	view := w.projection.View()
	deleted := deletedTargets(view, requests, known)
	if len(deleted) == 0 {
		return last, nil
	}
	if err := w.readDeletions(view, deleted, last); err != nil {
		return nil, &UnavailableError{Cause: err}
	}
	if first := deleted[0]; !last.has(first) {
		if err := w.readDeletions(view, deleted[:1], last); err != nil {
			return nil, &UnavailableError{Cause: err}
		}
		if !last.has(first) {
			return nil, &UnavailableError{Cause: errors.New("reading the value to restore: its deletion is not in the history")}
		}
	}
	return last, nil
}

func (v lastValues) has(deleted *projection.Config) bool {
	_, known := v[deleted.Bookmark()]
	return known
}

// deletedTargets returns the deleted configs whose values requests bring back, each once, in the order of the requests.
func deletedTargets(view *projection.View, requests []*request, known receipts) []*projection.Config {
	var deleted []*projection.Config
	seen := make(map[config.Name]bool)
	for _, r := range requests {
		if _, before := known[r.key]; before || !bringsBack(r) {
			continue
		}
		name := r.cmd.Target()
		if state := view.Get(name); state != nil && !state.Exists() && !seen[name] && len(deleted) < eventstore.MaxAsOfNames {
			seen[name] = true
			deleted = append(deleted, state)
		}
	}
	return deleted
}

// readDeletions reads the deletions that are the newest revisions in a view, and adds the values that they took away.
func (w *writer) readDeletions(view *projection.View, deleted []*projection.Config, values lastValues) error {
	ctx, cancel := w.bounded()
	defer cancel()
	names := make([]string, len(deleted))
	for i, c := range deleted {
		names[i] = c.Name.String()
	}
	records, err := w.events.ReadAsOf(ctx, view.Head().Position, names)
	if err != nil {
		return fmt.Errorf("reading the values to restore: %w", err)
	}
	for i := range records {
		revision, err := eventstore.Decode(&records[i])
		if err != nil {
			return fmt.Errorf("reading the values to restore: %w", err)
		}
		// Another history gives another bookmark, which no request asks for.
		values[revision.Bookmark()] = revision.OldValue
	}
	return nil
}
