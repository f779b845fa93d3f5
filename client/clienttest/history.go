package clienttest

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"configapi/client"
	"configapi/client/rest"
)

// history is all that was changed.
type history struct {
	revisions []rest.Revision        // in order; that at the index i has the number i+1
	salt      int                    // makes the positions after a rewind others than before
	salts     []int                  // of each revision
	outcomes  map[string]rest.Result // :: idempotency key → its first outcome
}

// tokenChanged is the operation of a change of a token, which no client sees.
const tokenChanged = "TOKEN"

// add adds a revision, and gives it its position.
func (h *history) add(r rest.Revision) rest.Revision {
	h.salts = append(h.salts, h.salt)
	h.revisions = append(h.revisions, r)
	r.Position = h.head()
	h.revisions[len(h.revisions)-1] = r
	return r
}

// at returns the position of a number.
func (h *history) at(n int64) string {
	if n == 0 {
		return "0-00000000"
	}
	sum := sha256.Sum256(fmt.Appendf(nil, "%d %d", n, h.salts[n-1]))
	return fmt.Sprintf("%d-%s", n, hex.EncodeToString(sum[:4]))
}

func (h *history) head() string { return h.at(int64(len(h.revisions))) }

// parse returns the number of a position, and whether the history has it.
func (h *history) parse(position string) (n int64, is bool) {
	number, _, _ := strings.Cut(position, "-")
	n, err := strconv.ParseInt(number, 10, 64)
	return n, err == nil && n >= 0 && n <= int64(len(h.revisions)) && h.at(n) == position
}

func (h *history) rewind(position string) {
	n, is := h.parse(position)
	if !is {
		panic("clienttest: the server does not have the position " + position)
	}
	h.revisions, h.salts = h.revisions[:n:n], h.salts[:n:n]
	h.salt++
	h.outcomes = nil
}

// state returns the newest revision of each name up to a number. Some are deletions.
func (h *history) state(upTo int64) map[string]rest.Revision {
	newest := map[string]rest.Revision{}
	for _, r := range h.revisions[:upTo] {
		if r.Operation != tokenChanged {
			newest[r.Name] = r
		}
	}
	return newest
}

// configs returns the configs at a number, by name.
func (h *history) configs(upTo int64, prefix string, t *token) []rest.Config {
	newest := h.state(upTo)
	configs := []rest.Config{}
	for _, name := range slices.Sorted(maps.Keys(newest)) {
		r := newest[name]
		if r.Operation == "DELETED" || !within(name, prefix) || !t.may(name) {
			continue
		}
		configs = append(configs, rest.Config{Name: name, Value: r.Value, Version: r.Version, Position: r.Position, CreatedAt: r.CommittedAt, UpdatedAt: r.CommittedAt})
	}
	return configs
}

// apply makes the changes of a set, or returns why it cannot.
func (h *history) apply(set client.ChangeSet, key string) (rest.Result, []rest.Failure) {
	if first, known := h.outcomes[key]; known && key != "" {
		return first, nil
	}
	newest := h.state(int64(len(h.revisions)))
	result := rest.Result{Unchanged: []string{}, Revisions: []rest.Revision{}, DryRun: set.DryRun}
	var failures []rest.Failure
	for i, change := range set.Changes {
		r, code := decide(newest, change)
		switch {
		case code == unchanged:
			result.Unchanged = append(result.Unchanged, r.Name)
		case code != "":
			failures = append(failures, rest.Failure{Code: code, Message: "the change " + strconv.Itoa(i) + " cannot be made: " + code, Path: []string{"changes", strconv.Itoa(i)}})
		default:
			result.Revisions = append(result.Revisions, r)
		}
	}
	result.Position = h.head()
	if len(failures) > 0 || set.DryRun {
		return result, failures
	}
	now := time.Now()
	for i := range result.Revisions {
		result.Revisions[i].CommittedAt = now
		result.Revisions[i] = h.add(result.Revisions[i])
	}
	result.Position = h.head()
	for i := range result.Revisions {
		result.Revisions[i].ChangeSet = result.Position
	}
	copy(h.revisions[len(h.revisions)-len(result.Revisions):], result.Revisions)
	if key != "" {
		if h.outcomes == nil {
			h.outcomes = map[string]rest.Result{}
		}
		h.outcomes[key] = result
	}
	return result, nil
}

// unchanged is the code of a change that changes nothing.
const unchanged = "UNCHANGED"

// decide returns the revision that a change comes to, or the code of why it cannot be made.
func decide(newest map[string]rest.Revision, change client.Change) (r rest.Revision, code string) {
	var expected *int64
	switch {
	case change.Set != nil:
		r = rest.Revision{Name: change.Set.Name, Operation: "UPDATED", Value: &change.Set.Value}
		expected = change.Set.ExpectedVersion
	case change.Delete != nil:
		r = rest.Revision{Name: change.Delete.Name, Operation: "DELETED"}
		expected = change.Delete.ExpectedVersion
	case change.Restore != nil:
		r = rest.Revision{Name: change.Restore.Name, Operation: "RESTORED", Value: change.Restore.Value}
		expected = change.Restore.ExpectedVersion
	}
	before, exists := newest[r.Name]
	deleted := before.Operation == "DELETED"
	r.Version, r.OldValue = before.Version+1, before.Value
	if deleted {
		r.OldValue = nil
	}
	switch {
	case r.Name == "":
		return r, rest.CodeInvalidInput
	case expected != nil && *expected != before.Version:
		return r, rest.CodeVersionConflict
	case change.Set != nil && deleted, change.Delete != nil && deleted:
		return r, rest.CodeDeleted
	case change.Set == nil && !exists:
		return r, rest.CodeNotFound
	case change.Restore != nil && !deleted:
		return r, rest.CodeNotDeleted
	case change.Set != nil && change.Set.OnlyIfChanged && exists && *before.Value == change.Set.Value:
		return r, unchanged
	case change.Set != nil && !exists:
		r.Operation = "CREATED"
	case change.Restore != nil && r.Value == nil:
		r.Value = before.OldValue
	}
	return r, ""
}
