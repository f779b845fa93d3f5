package edgetest

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"configapi/internal/config"
	"configapi/internal/configstore/configstoretest"
)

// Sets is implemented by edges that take change sets.
type Sets interface {
	// Apply sends a change set.
	Apply(t testing.TB, set ChangeSet) SetAnswer
	// Revert brings the configs below a prefix back to a position. members are further members of
	// the input, as JSON.
	Revert(t testing.TB, to, prefix, members string) SetAnswer
	// RevertSet undoes a change set.
	RevertSet(t testing.TB, changeSet, members string) SetAnswer
}

// ChangeSet is what a client says about a change set.
type ChangeSet struct {
	Changes []Change
	// Members are the other members of the input, as JSON, without the idempotency key, such as
	// `"dryRun":true`.
	Members string
	Key     string // "": none
}

// Change is one change of a [ChangeSet].
type Change struct {
	Kind  string // set, delete or restore
	Input string // the members of the change, as JSON, such as `"name":"a","value":"1"`
}

// SetAnswer is what a client receives for a [ChangeSet].
type SetAnswer struct {
	Revisions []string // each as its name, operation, value and version
	Unchanged []string
	Failures  []string // each as its code and its path
	Messages  []string // of the failures
	Position  string
	DryRun    bool
}

// setRow is a change set and its outcome. CREATED in a revision is short for the operation of a
// first value, and so on.
type setRow struct {
	name      string
	set       ChangeSet
	revisions []string
	unchanged []string
	failures  []string
	malformed bool // some of the failures do not depend on the history
}

func set(input string) Change     { return Change{"set", input} }
func del(input string) Change     { return Change{"delete", input} }
func restore(input string) Change { return Change{"restore", input} }

func (x table) runSets(t *testing.T, edge Sets) {
	x.mustDo(t, configstoretest.Set(t, "sets/here", "1"))
	seen := x.head().String()
	x.mustDo(t, configstoretest.Set(t, "sets/there", "2"))
	x.mustDo(t, configstoretest.Set(t, "sets/gone", "3"))
	x.mustDo(t, config.Delete{Name: configstoretest.Name(t, "sets/gone")})
	for _, row := range setRows(seen, x.store.MaxValueBytes()) {
		t.Run(row.name, func(t *testing.T) {
			if x.caller != Unlimited {
				x.unchanged(t, func() { row.checkRefused(t, x.caller, edge.Apply(t, row.set)) })
				return
			}
			before := x.head()
			got := edge.Apply(t, row.set)
			if diff := cmp.Diff([][]string{row.revisions, row.unchanged, row.failures}, [][]string{got.Revisions, got.Unchanged, got.Failures}); diff != "" {
				t.Errorf("revisions, unchanged, failures (-want +got)\n%s%q", diff, got.Messages)
			}
			head := x.head()
			if written := len(row.revisions) > 0 && !got.DryRun; written != (head != before) || got.Position != head.String() {
				t.Errorf("the position went from %s to %s; the answer has %s", before, head, got.Position)
			}
			if got.DryRun != strings.Contains(row.set.Members, `"dryRun":true`) && len(row.failures) == 0 {
				t.Errorf("the answer says dry run: %t", got.DryRun)
			}
		})
	}
}

// checkRefused checks the answer to a caller that may apply none of the rows. Input that is wrong
// for every history comes back as it does to others; else all names are FORBIDDEN, and nothing is
// said of what they have.
func (r setRow) checkRefused(t *testing.T, caller Caller, got SetAnswer) {
	t.Helper()
	var want []string
	switch {
	case caller == Unknown:
		want = []string{"UNAUTHENTICATED "}
	case r.malformed:
		want = slices.DeleteFunc(slices.Clone(r.failures), func(failure string) bool {
			return !strings.HasPrefix(failure, "INVALID_INPUT ") && !strings.HasPrefix(failure, "POSITION_UNKNOWN ")
		})
	default:
		for i, c := range r.set.Changes {
			want = append(want, fmt.Sprintf("FORBIDDEN changes.%d.%s.name", i, c.Kind))
		}
	}
	if diff := cmp.Diff(SetAnswer{Failures: want}, SetAnswer{got.Revisions, got.Unchanged, got.Failures, nil, "", got.DryRun}); diff != "" {
		t.Errorf("the answer (-want +got)\n%s", diff)
	}
}

// setRows are sets for a store that has sets/here since seen, sets/there, and sets/gone, deleted.
func setRows(seen string, maxValue int) []setRow {
	key := "edgetest sets"
	three := []Change{set(`"name":"sets/here","value":"one","expectedVersion":1`), del(`"name":"sets/there"`), restore(`"name":"sets/gone"`)}
	thousand := make([]Change, 1001)
	for i := range thousand {
		thousand[i] = del(`"name":"sets/none"`)
	}
	return append([]setRow{
		{name: "none", malformed: true, failures: []string{"INVALID_INPUT changes"}},
		{name: "1001", malformed: true, set: ChangeSet{Changes: thousand}, failures: []string{"INVALID_INPUT changes"}},
		{name: "every failure", malformed: true, set: ChangeSet{Changes: []Change{
			set(`"name":"sets/here","value":"x","expectedVersion":2`), set(`"name":"a//b","value":"x"`), set(`"name":"sets/new","value":"x"`),
			del(`"name":"sets/gone"`), restore(`"name":"sets/there"`), del(`"name":"sets/none"`), restore(`"name":"sets/none2"`)}},
			failures: []string{"VERSION_CONFLICT changes.0.set.expectedVersion", "INVALID_INPUT changes.1.set.name", "DELETED changes.3.delete.name",
				"NOT_DELETED changes.4.restore.name", "NOT_FOUND changes.5.delete.name", "NOT_FOUND changes.6.restore.name"}},
		{name: "every field of a change", malformed: true, set: ChangeSet{Changes: []Change{set(`"name":"","value":"\u0000","expectedVersion":-1`)}},
			failures: []string{"INVALID_INPUT changes.0.set.name", "INVALID_INPUT changes.0.set.value", "INVALID_INPUT changes.0.set.expectedVersion"}},
		{name: "a value that is too long", malformed: true, set: ChangeSet{Changes: []Change{set(`"name":"sets/new","value":"` + strings.Repeat("v", maxValue+1) + `"`)}},
			failures: []string{"INVALID_INPUT changes.0.set.value"}},
		{name: "one name twice", malformed: true, set: ChangeSet{Changes: []Change{set(`"name":"sets/here","value":"x"`), del(`"name":"sets/here"`)}},
			failures: []string{"INVALID_INPUT changes.1.delete.name"}},
		{name: "a revision of another history", set: ChangeSet{Changes: []Change{del(`"name":"sets/here","expectedRevision":"1-00c0ffee"`)}},
			failures: []string{"VERSION_CONFLICT changes.0.delete.expectedRevision"}},
		{name: "no revision", malformed: true, set: ChangeSet{Changes: []Change{del(`"name":"sets/here","expectedRevision":"x"`)}},
			failures: []string{"POSITION_UNKNOWN changes.0.delete.expectedRevision"}},
		{name: "changed since", set: ChangeSet{Changes: []Change{set(`"name":"sets/here","value":"x"`), set(`"name":"sets/there","value":"x"`)}, Members: `"asSeenAt":"` + seen + `"`},
			failures: []string{"STALE changes.1.set.name"}},
		{name: "seen in another history", set: ChangeSet{Changes: []Change{del(`"name":"sets/none"`)}, Members: `"asSeenAt":"1-00c0ffee"`},
			failures: []string{"NOT_FOUND changes.0.delete.name", "POSITION_UNKNOWN asSeenAt"}},
		{name: "seen beyond the head", set: ChangeSet{Changes: []Change{del(`"name":"sets/here"`)}, Members: `"asSeenAt":"999999-00c0ffee"`},
			failures: []string{"POSITION_UNKNOWN asSeenAt"}},
		{name: "seen nowhere", malformed: true, set: ChangeSet{Changes: []Change{del(`"name":"sets/here"`)}, Members: `"asSeenAt":"x"`},
			failures: []string{"POSITION_UNKNOWN asSeenAt"}},
		{name: "a long reason", malformed: true, set: ChangeSet{Changes: []Change{del(`"name":"sets/here"`)}, Members: `"reason":"` + strings.Repeat("r", 1025) + `"`},
			failures: []string{"INVALID_INPUT reason"}},
	}, appliedRows(three, key)...)
}

// appliedRows are sets that are carried out one after the other.
func appliedRows(three []Change, key string) []setRow {
	outcome := []string{"sets/here UPDATED one 2", "sets/there DELETED  2", "sets/gone RESTORED 3 3"}
	same := []Change{set(`"name":"sets/here","value":"one","onlyIfChanged":true`)}
	return []setRow{
		{name: "a dry run", set: ChangeSet{Changes: three, Members: `"dryRun":true`, Key: key}, revisions: outcome},
		{name: "the same", set: ChangeSet{Changes: three, Key: key}, revisions: outcome},
		{name: "another with its key", set: ChangeSet{Changes: same, Key: key}, failures: []string{"IDEMPOTENCY_MISMATCH idempotencyKey"}},
		{name: "nothing to do", set: ChangeSet{Changes: same}, unchanged: []string{"sets/here"}},
		{name: "little to do", set: ChangeSet{Changes: append(same, set(`"name":"sets/new","value":""`))},
			revisions: []string{"sets/new CREATED  1"}, unchanged: []string{"sets/here"}},
	}
}

// runReverts makes a change set, undoes it and goes back to the moment before it.
func (x table) runReverts(t *testing.T, edge Sets) {
	x.mustDo(t, configstoretest.Set(t, "reverts/here", "1"))
	x.mustDo(t, configstoretest.Set(t, "reverts/there", "2"))
	before := x.head().String()
	done := edge.Apply(t, ChangeSet{Changes: []Change{set(`"name":"reverts/here","value":"one"`), del(`"name":"reverts/there"`), set(`"name":"reverts/new","value":"n"`)}})
	check := func(what string, got, want SetAnswer) {
		t.Helper()
		got.Messages, want.Position, want.DryRun = nil, got.Position, got.DryRun
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got)\n%s", what, diff)
		}
	}
	undone := SetAnswer{Revisions: []string{"reverts/here UPDATED 1 3", "reverts/there RESTORED 2 3", "reverts/new DELETED  2"}}
	check("planning to undo", edge.RevertSet(t, done.Position, `"dryRun":true`), undone)
	check("planning to go back", edge.Revert(t, before, "reverts/", `"dryRun":true`),
		SetAnswer{Revisions: []string{"reverts/here UPDATED 1 3", "reverts/new DELETED  2", "reverts/there RESTORED 2 3"}})

	x.mustDo(t, configstoretest.Set(t, "reverts/here", "later"))
	check("undoing what has changed", edge.RevertSet(t, done.Position, `"onConflict":"FAIL"`), SetAnswer{Failures: []string{"REVERT_CONFLICT "}})
	check("going back from what has changed", edge.Revert(t, before, "reverts", `"asSeenAt":"`+done.Position+`"`), SetAnswer{Failures: []string{"STALE "}})
	check("skipping", edge.RevertSet(t, done.Position, `"onConflict":"SKIP","dryRun":true`),
		SetAnswer{Revisions: undone.Revisions[1:], Unchanged: []string{"reverts/here"}})
	undone.Revisions[0] = "reverts/here UPDATED 1 4"
	check("overwriting", edge.RevertSet(t, done.Position, `"onConflict":"OVERWRITE"`), undone)
	check("going back to what is", edge.Revert(t, before, "reverts/", `"reason":"none"`), SetAnswer{})

	for _, position := range []string{"1-00c0ffee", "999999-00c0ffee", "x"} {
		check("undoing "+position, edge.RevertSet(t, position, `"dryRun":false`), SetAnswer{Failures: []string{"POSITION_UNKNOWN changeSet"}})
		check("going back to "+position, edge.Revert(t, position, "reverts", `"dryRun":false`), SetAnswer{Failures: []string{"POSITION_UNKNOWN to"}})
	}
	check("a long reason", edge.Revert(t, before, "reverts", `"reason":"`+strings.Repeat("r", 1025)+`"`), SetAnswer{Failures: []string{"INVALID_INPUT reason"}})
}
