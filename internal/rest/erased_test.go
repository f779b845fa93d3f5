package rest_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"configapi/internal/config"
	"configapi/internal/configstore"
	"configapi/internal/configstore/configstoretest"
	"configapi/internal/eventstore/memory"
	"configapi/internal/feed"
)

// mustHaveErased starts a service whose history has lost the values of a at position 2 and of b at
// position 3, which its event at position 6 says. The instants are those of the positions.
func mustHaveErased(t *testing.T) (s *service, instants []string) {
	t.Helper()
	clock := newClock(time.Unix(1_700_000_000, 0).UTC())
	whole := configstoretest.New(t, configstore.Options{Now: clock.now})
	for _, change := range []func(){
		func() { whole.MustSet(t, "a", "1") }, func() { whole.MustSet(t, "a", "2") }, func() { whole.MustSet(t, "b", "x") },
		func() { whole.MustDelete(t, "b") }, func() { whole.MustSet(t, "a", "3") },
	} {
		clock.tick()
		instants = append(instants, config.FormatInstant(clock.now()))
		change()
	}
	configstoretest.MustAppendErasure(t, whole.Events, "$erasure/1", 1, 2, 3)
	events := memory.New()
	configstoretest.MustCopy(t, whole.Events, events, 2, 3)
	s = MustServe(t, configstoretest.On(t, events, configstore.Options{Codec: configstoretest.Codec(), Feed: feed.Options{RingEvents: 1}}))
	return s, instants
}

// TestErased: what was erased is null and says so, and nothing else is lost. An answer that would
// be an erased value is a problem.
func TestErased(t *testing.T) {
	s, instants := mustHaveErased(t)
	show := func(r revision) string {
		text := r.Name + " " + r.Operation
		for _, value := range []*string{r.Value, r.OldValue} {
			if value == nil {
				text += " -"
			} else {
				text += " " + *value
			}
		}
		return text + map[bool]string{true: " erased"}[r.Erased]
	}
	brief := func(all []revision) (texts []string) {
		for _, r := range all {
			texts = append(texts, show(r))
		}
		return texts
	}
	all := []string{"a CREATED 1 -", "a UPDATED - 1 erased", "b CREATED - - erased", "b DELETED - -", "a UPDATED 3 -"}
	got, _ := s.MustGet(t, "/changes")
	if diff := cmp.Diff(all, brief(got.Changes)); diff != "" || !strings.HasPrefix(got.Position, "6-") {
		t.Errorf("/changes (-want +got)\n%s to %s", diff, got.Position)
	}
	slices.Reverse(all)
	got, _ = s.MustGet(t, "/changes/recent")
	if diff := cmp.Diff(all, brief(got.Revisions)); diff != "" {
		t.Errorf("/changes/recent (-want +got)\n%s", diff)
	}
	got, _ = s.MustGet(t, "/deleted")
	if diff := cmp.Diff([]string{"b DELETED - -"}, brief(got.Revisions)); diff != "" {
		t.Errorf("/deleted (-want +got)\n%s", diff)
	}
	got, _ = s.MustGet(t, "/diff?from="+beginning+"&to="+s.at(t, 2))
	if after := got.Differences[0].After; after == nil || show(*after) != "a UPDATED - - erased" {
		t.Errorf("/diff: got %+v", got.Differences)
	}
	for _, name := range []string{"a", "b"} {
		p := MustBeProblem(t, name, s.MustDo(t, "GET /config/"+name+"/at/"+instants[2], ""), 409, "ERASED")
		if !strings.Contains(p.Detail, "erased") {
			t.Errorf("%s at %s: %s", name, instants[2], p.Detail)
		}
	}
	if got := s.MustDo(t, "GET /config/a/at/"+instants[0], ""); got.status != 200 || got.body != "1" {
		t.Errorf("a before: got %d %s", got.status, got.body)
	}
	rejection := s.MustReject(t, "POST /changes", `{"changes":[{"restore":{"name":"b"}},{"set":{"name":"a","value":"4","expectedVersion":1}}]}`, 409, "ERASED")
	if len(rejection.Errors) != 2 || rejection.Errors[0].Code != "ERASED" || show(*rejection.Errors[0].Current) != "b DELETED - -" ||
		show(*rejection.Errors[1].Current) != "a UPDATED 3 -" {
		t.Errorf("got %+v", rejection)
	}
	if got := s.MustApply(t, "POST /changes", `{"changes":[{"restore":{"name":"b","value":"new"}}]}`); len(got.Revisions) != 1 {
		t.Errorf("got %+v", got)
	}
}

// TestRevertToErased: a value that is gone cannot come back.
func TestRevertToErased(t *testing.T) {
	s, _ := mustHaveErased(t)
	for request, body := range map[string]string{
		"POST /revert": `{"to":"` + s.at(t, 2) + `","prefix":"a"}`,
		"POST /changes/" + s.at(t, 5) + "/revert": "",
		"POST /changes/" + s.at(t, 4) + "/revert": "",
	} {
		got := s.MustReject(t, request, body, 409, "ERASED")
		if len(got.Errors) != 1 || got.Errors[0].Path != nil || got.Errors[0].Current == nil {
			t.Errorf("%s %s: got %+v", request, body, got.Errors)
		}
	}
}
