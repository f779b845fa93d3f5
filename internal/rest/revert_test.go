package rest_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"configapi/internal/config"
	"configapi/internal/configstore"
)

// brief writes revisions as their names, operations and values.
func brief(all []revision) string {
	var texts []string
	for _, r := range all {
		value := "-"
		if r.Value != nil {
			value = *r.Value
		}
		texts = append(texts, fmt.Sprintf("%s %s %s", r.Name, r.Operation, value))
	}
	slices.Sort(texts)
	return strings.Join(texts, ", ")
}

// TestRevertSet undoes a change set, and what has undone it.
func TestRevertSet(t *testing.T) {
	for _, base := range []string{"", "/v1"} {
		s := mustHaveFour(t)
		done := s.MustApply(t, "POST /changes", `{"changes":[`+changeThree+`]}`)
		s.MustSet(t, "other", "later")
		for _, position := range []string{done.Position, done.Revisions[0].Position} { // of the end, or inside
			plan := s.MustApply(t, "POST "+base+"/changes/"+position+"/revert", `{"dryRun":true}`)
			if got, want := brief(plan.Revisions), "gone DELETED -, here UPDATED 1, there RESTORED 2"; got != want || !plan.DryRun || plan.Position != s.head() {
				t.Errorf("a dry run: got %s, want %s; %+v", got, want, plan)
			}
		}
		undone := s.MustApply(t, "POST "+base+"/changes/"+done.Position+"/revert", "", "Config-Reason: a%20mistake", "Idempotency-Key: k")
		if got, want := brief(undone.Revisions), "gone DELETED -, here UPDATED 1, there RESTORED 2"; got != want || undone.DryRun || undone.Position != s.head() {
			t.Errorf("got %s, want %s; %+v", got, want, undone)
		}
		for _, r := range undone.Revisions {
			if r.Reverts == nil || *r.Reverts != done.Position || r.Reason == nil || *r.Reason != "a mistake" {
				t.Errorf("got %+v, which reverts %s", r, done.Position)
			}
		}
		again := s.MustApply(t, "POST /changes/"+done.Position+"/revert", `{"reason":"a mistake"}`, "Idempotency-Key: k")
		if diff := cmp.Diff(undone, again); diff != "" {
			t.Errorf("again (-first +again)\n%s", diff)
		}
		redone := s.MustApply(t, "POST /changes/"+undone.Position+"/revert", "{}")
		if got, want := brief(redone.Revisions), "gone RESTORED 3, here UPDATED one, there DELETED -"; got != want {
			t.Errorf("undoing the undoing: got %s, want %s", got, want)
		}
		got := s.MustReject(t, "POST /changes/"+done.Position+"/revert", `{"onConflict":"SKIP"}`, 422, "IDEMPOTENCY_MISMATCH", "Idempotency-Key: k")
		if len(got.Errors) != 1 {
			t.Errorf("got %v", got.Errors)
		}
	}
}

// TestRevertOfWhatHasChanged: a config that has changed since is refused, skipped or overwritten.
func TestRevertOfWhatHasChanged(t *testing.T) {
	s := mustHaveFour(t)
	done := s.MustApply(t, "POST /changes", `{"changes":[`+changeThree+`]}`)
	s.MustSet(t, "here", "later")
	path := "POST /changes/" + done.Position + "/revert"
	for _, body := range []string{"", `{"onConflict":"FAIL"}`, `{"onConflict":null,"dryRun":true}`} {
		got := s.MustReject(t, path, body, 409, "REVERT_CONFLICT")
		if len(got.Errors) != 1 || got.Errors[0].Path != nil || got.Errors[0].Change == nil || got.Errors[0].Current == nil ||
			got.Errors[0].Change.Position != done.Revisions[0].Position || *got.Errors[0].Current.Value != "later" || *got.Errors[0].Current.OldValue != "one" {
			t.Errorf("%s: got %+v", body, got)
		}
	}
	skipped := s.MustApply(t, path, `{"onConflict":"SKIP","dryRun":true}`)
	if got, want := brief(skipped.Revisions), "gone DELETED -, there RESTORED 2"; got != want || !slices.Equal(skipped.Unchanged, []string{"here"}) {
		t.Errorf("SKIP: got %s, unchanged %v", got, skipped.Unchanged)
	}
	overwritten := s.MustApply(t, path, `{"onConflict":"OVERWRITE"}`)
	if got, want := brief(overwritten.Revisions), "gone DELETED -, here UPDATED 1, there RESTORED 2"; got != want {
		t.Errorf("OVERWRITE: got %s, want %s", got, want)
	}
}

func TestRevertOfUnknownSets(t *testing.T) {
	s := mustHaveFour(t)
	for _, position := range []string{"x", "1", "1-00c0ffee", "99-00c0ffee", "recent", "", "%2F", beginning} {
		path := "POST /changes/" + position + "/revert"
		got := s.MustReject(t, path, "", 400, "POSITION_UNKNOWN")
		if len(got.Errors) != 1 || !slices.Equal(got.Errors[0].Path, []string{"changeSet"}) {
			t.Errorf("%s: got %+v", path, got.Errors)
		}
	}
}

// TestRevert goes back to positions and instants.
func TestRevert(t *testing.T) {
	clock := newClock(time.Unix(1_700_000_000, 0).UTC())
	s := MustStart(t, configstore.Options{Now: clock.now})
	var instants []string
	for _, change := range []func(){
		func() { s.MustSet(t, "p/a", "1") }, func() { s.MustSet(t, "b", "1") }, func() { s.MustSet(t, "p/a", "2") },
		func() { s.MustDelete(t, "b") }, func() { s.MustSet(t, "c", "1") },
	} {
		clock.tick()
		instants = append(instants, config.FormatInstant(clock.now()))
		change()
	}
	for _, row := range []struct{ to, more, want string }{
		{s.at(t, 2), "", "b RESTORED 1, c DELETED -, p/a UPDATED 1"},
		{instants[1], "", "b RESTORED 1, c DELETED -, p/a UPDATED 1"},
		{s.at(t, 2), `,"prefix":"p/"`, "p/a UPDATED 1"},
		{instants[3], `,"prefix":null,"asSeenAt":null`, "c DELETED -"},
		{beginning, "", "c DELETED -, p/a DELETED -"},
		{"2999-01-01T00:00:00+02:00", "", ""},
		{s.head(), "", ""},
		{s.at(t, 2), `,"prefix":"none"`, ""},
		{s.at(t, 2), `,"asSeenAt":"` + s.head() + `"`, "b RESTORED 1, c DELETED -, p/a UPDATED 1"},
		{s.at(t, 2), `,"prefix":"p","asSeenAt":"` + s.at(t, 3) + `"`, "p/a UPDATED 1"},
	} {
		plan := s.MustApply(t, "POST /revert", `{"to":"`+row.to+`"`+row.more+`,"dryRun":true}`)
		if got := brief(plan.Revisions); got != row.want || !plan.DryRun || plan.Position != s.head() {
			t.Errorf("to %s%s: got %s, want %s; %+v", row.to, row.more, got, row.want, plan)
		}
	}
	stale := s.MustReject(t, "POST /v1/revert", `{"to":"`+s.at(t, 1)+`","asSeenAt":"`+s.at(t, 3)+`"}`, 409, "STALE")
	if len(stale.Errors) != 2 || stale.Errors[0].Path != nil || stale.Errors[0].Current == nil {
		t.Errorf("got %+v", stale.Errors)
	}
	for field, body := range map[string]string{"to": `{"to":"1-00c0ffee"}`, "asSeenAt": `{"to":"` + s.at(t, 1) + `","asSeenAt":"x"}`} {
		got := s.MustReject(t, "POST /revert", body, 400, "POSITION_UNKNOWN")
		if len(got.Errors) != 1 || !slices.Equal(got.Errors[0].Path, []string{field}) {
			t.Errorf("%s: got %+v", body, got.Errors)
		}
	}
	all := s.MustReject(t, "POST /revert", `{"to":"2026-01-01T00:00:00","prefix":"a//b","asSeenAt":"","reason":"\u0000"}`, 400, "INVALID_INPUT")
	if got, want := fmt.Sprint(all.Errors), "[INVALID_INPUT to - INVALID_INPUT prefix - POSITION_UNKNOWN asSeenAt - INVALID_INPUT reason -]"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	all = s.MustReject(t, "POST /changes/x/revert", `{"onConflict":"","reason":"\u0000"}`, 400, "POSITION_UNKNOWN")
	if got, want := fmt.Sprint(all.Errors), "[POSITION_UNKNOWN changeSet - INVALID_INPUT onConflict - INVALID_INPUT reason -]"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	got := s.MustApply(t, "POST /v1/revert", `{"to":"`+s.at(t, 2)+`","reason":"back"}`)
	if brief(got.Revisions) != "b RESTORED 1, c DELETED -, p/a UPDATED 1" || got.Position != s.head() || got.Revisions[0].Reverts != nil {
		t.Errorf("got %+v", got)
	}
}

// TestRevertOfTooMuch: when more differs than a set can hold, the answer says how many do.
func TestRevertOfTooMuch(t *testing.T) {
	s := MustStart(t, configstore.Options{})
	for n := range 2 {
		var all []string
		for i := range 600 {
			all = append(all, fmt.Sprintf(`{"set":{"name":"n/%d-%d","value":""}}`, n, i))
		}
		s.MustApply(t, "POST /changes", `{"changes":[`+strings.Join(all, ",")+`]}`)
	}
	got := s.MustReject(t, "POST /revert", `{"to":"`+beginning+`","prefix":"n"}`, 413, "INVALID_INPUT")
	if len(got.Errors) != 1 || !slices.Equal(got.Errors[0].Path, []string{"prefix"}) || !strings.Contains(got.Errors[0].Message, "1200") ||
		strings.Contains(got.body(), "filter") {
		t.Errorf("got %+v", got)
	}
}

func (r rejected) body() string { return fmt.Sprint(r) }
