package clientcmd

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"configapi/client/rest"
	"configapi/internal/config"
	"configapi/internal/fault"
)

// bulk is changes that may be more than one change set holds.
type bulk struct {
	changes  []rest.Change
	asSeenAt string // as in a change set, for all of them
	// restoreDeleted makes a set of a deleted config a restore with the value.
	restoreDeleted bool
}

// applyAll makes changes: as one change set, or when they are too many for one, as several, each
// of which is made as a whole. All of them are tried before the first is made, so what the server
// refuses is known while nothing is written. When it stops later, the error says how far it came;
// the same command again goes on, since what has its value already is left as it is.
func (s *session) applyAll(ctx context.Context, f writeFlags, b *bulk) error {
	if len(b.changes) == 0 {
		s.note("there is nothing to change")
		return nil
	}
	sets := split(b.changes, len(f.reason))
	if len(sets) > 1 {
		s.note("%s are more than one set holds: %d change sets, one after the other", count(len(b.changes), "change"), len(sets))
	}
	send := func(ctx context.Context, dryRun bool, asSeenAt, key string) (rest.Result, error) {
		w := bulkWrite{session: s, bulk: b, template: rest.ChangeSet{Reason: f.reason, AsSeenAt: firstOf(b.asSeenAt, asSeenAt)}}
		if !dryRun && len(sets) > 1 {
			if _, err := w.send(ctx, sets, true, ""); err != nil {
				return rest.Result{}, err
			}
		}
		return w.send(ctx, sets, dryRun, key)
	}
	result, err := s.write(ctx, f, send)
	if err != nil {
		return err
	}
	return s.showResult(f, result)
}

// bulkWrite sends the sets of a bulk.
type bulkWrite struct {
	*session
	*bulk
	template rest.ChangeSet // without its changes
}

// send makes or tries the sets in turn, and returns what all of them came to. The position is of
// the last one that was made, or of the first that was tried.
func (w *bulkWrite) send(ctx context.Context, sets [][]rest.Change, dryRun bool, key string) (rest.Result, error) {
	total := rest.Result{Revisions: []rest.Revision{}, Unchanged: []string{}, DryRun: dryRun}
	w.template.DryRun = dryRun
	bar := w.newProgressBar(len(w.changes), dryRun, len(sets) > 1)
	defer bar.end()
	done := 0
	for i, set := range sets {
		bar.show(done)
		ofSet := ""
		if key != "" {
			ofSet = key + "." + strconv.Itoa(i)
		}
		if err := w.sendSet(ctx, set, ofSet, &total); err != nil {
			bar.end()
			return total, w.stopped(ctx, err, &total)
		}
		done += len(set)
	}
	bar.show(done)
	return total, nil
}

// sendSet makes or tries one set. A set that turns out to be too large, since the values that it
// replaces count as well, is sent as two halves.
func (w *bulkWrite) sendSet(ctx context.Context, changes []rest.Change, key string, total *rest.Result) error {
	set := w.template
	set.Changes = changes
	result, err := w.client.Apply(ctx, set, key)
	failed, _ := errors.AsType[*rest.Error](err)
	switch {
	case err == nil:
		addResult(total, result)
		return nil
	case failed == nil:
		return err
	case failed.Status == http.StatusRequestEntityTooLarge && len(changes) > 1 && failed.Outcome == rest.Refused:
		middle := len(changes) / 2
		if err := w.sendSet(ctx, changes[:middle], extend(key, "a"), total); err != nil {
			return err
		}
		return w.sendSet(ctx, changes[middle:], extend(key, "b"), total)
	case w.restoreDeleted && restoreDeleted(changes, failed):
		return w.sendSet(ctx, changes, extend(key, "r"), total)
	}
	return err
}

func addResult(total *rest.Result, result rest.Result) {
	total.Revisions = append(total.Revisions, result.Revisions...)
	total.Unchanged = append(total.Unchanged, result.Unchanged...)
	if total.Position == "" || !total.DryRun {
		total.Position = result.Position
	}
}

func extend(key, suffix string) string {
	if key == "" {
		return ""
	}
	return key + suffix
}

// restoreDeleted makes restores of those sets that failed since their config is deleted. It reports
// whether that was all that failed.
func restoreDeleted(changes []rest.Change, failed *rest.Error) bool {
	for _, f := range failed.Errors {
		if f.Code != fault.Deleted.Code() || len(f.Path) < 2 {
			return false
		}
		i, err := strconv.Atoi(f.Path[1])
		if err != nil || i < 0 || i >= len(changes) || changes[i].Set == nil {
			return false
		}
		set := changes[i].Set
		changes[i] = rest.Change{Restore: &rest.Restore{Name: set.Name, Value: &set.Value}}
	}
	return len(failed.Errors) > 0
}

// stopped adds to an error what was made before it, and what to do about deleted configs.
func (w *bulkWrite) stopped(ctx context.Context, err error, total *rest.Result) error {
	text := w.explain(ctx, err).Error()
	failed, _ := errors.AsType[*rest.Error](err)
	if failed != nil && !w.restoreDeleted {
		deleted := 0
		for _, f := range failed.Errors {
			if f.Code == fault.Deleted.Code() {
				deleted++
			}
		}
		if deleted > 0 {
			text += fmt.Sprintf("\n%s deleted, and a deleted config takes no value; --restore-deleted brings it back with the value of the file",
				are(deleted, "config"))
		}
	}
	written := len(total.Revisions)
	if total.DryRun || written == 0 {
		return &explained{err, text}
	}
	text = strings.Replace(text, "nothing was written", "nothing of this set was written", 1)
	text += fmt.Sprintf("\n%s made before, up to position %s; run the same command again to go on: what was made is unchanged then",
		were(written, "change"), total.Position)
	if failed != nil && failed.Outcome == rest.NotSent && ctx.Err() == nil {
		return &ExitError{fault.ExitUnknown, &explained{err, text}} // 6 would say that nothing was written
	}
	return &explained{err, text}
}

func are(n int, noun string) string {
	if n == 1 {
		return "1 " + noun + " is"
	}
	return count(n, noun) + " are"
}

func were(n int, noun string) string {
	if n == 1 {
		return "1 " + noun + " was"
	}
	return count(n, noun) + " were"
}

// split returns changes as sets that the server takes, in their order.
func split(changes []rest.Change, reasonBytes int) [][]rest.Change {
	var sets [][]rest.Change
	start, size := 0, reasonBytes
	for i, c := range changes {
		n := bytesOf(c)
		if i-start == config.MaxChanges || i > start && size+n > config.MaxChangeSetBytes {
			sets = append(sets, changes[start:i])
			start, size = i, reasonBytes
		}
		size += n
	}
	return append(sets, changes[start:])
}

func bytesOf(c rest.Change) int {
	switch {
	case c.Set != nil:
		return len(c.Set.Name) + len(c.Set.Value)
	case c.Delete != nil:
		return len(c.Delete.Name)
	case c.Restore.Value != nil:
		return len(c.Restore.Name) + len(*c.Restore.Value)
	}
	return len(c.Restore.Name)
}
