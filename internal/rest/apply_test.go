package rest_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"configapi/internal/budget"
	"configapi/internal/configstore"
	"configapi/internal/configstore/configstoretest"
	"configapi/internal/rest"
)

// rejected is a problem with failures.
type rejected struct {
	problemDetails
	Position string
	Errors   []failure
}

type failure struct {
	Code, Message   string
	Path            []string
	Current, Change *revision
}

func (f failure) String() string {
	current := "-"
	if f.Current != nil {
		current = fmt.Sprintf("%s v%d", f.Current.Operation, f.Current.Version)
	}
	return fmt.Sprintf("%s %s %s", f.Code, strings.Join(f.Path, "."), current)
}

// MustReject sends a request that must be rejected, and leave the history as it is.
func (s *service) MustReject(t testing.TB, request, body string, status int, code string, headers ...string) (r rejected) {
	t.Helper()
	before := s.head()
	got := s.MustDo(t, request, body, headers...)
	MustBeProblem(t, request, got, status, code)
	mustDecode(t, got.body, &r)
	if got.header.Get("Config-Position") != r.Position || s.head() != before {
		t.Errorf("%s: position %s in the headers, %s in the body, and the history went from %s to %s",
			request, got.header.Get("Config-Position"), r.Position, before, s.head())
	}
	return r
}

// MustApply sends a request that must be carried out.
func (s *service) MustApply(t testing.TB, request, body string, headers ...string) (p page) {
	t.Helper()
	got := s.MustDo(t, request, body, headers...)
	if got.status != 200 || got.header.Get("Content-Type") != "application/json" {
		t.Fatalf("%s: got %d %s", request, got.status, got.body)
	}
	mustDecode(t, got.body, &p)
	if got.header.Get("Config-Position") != p.Position || got.header.Get("Etag") != "" {
		t.Errorf("%s: headers %v, position %s in the body", request, got.header, p.Position)
	}
	return p
}

// mustHaveFour starts a service with the configs here and there, and gone, which is deleted.
func mustHaveFour(t *testing.T) *service {
	t.Helper()
	s := MustStart(t, configstore.Options{})
	s.MustSet(t, "here", "1")
	s.MustSet(t, "there", "2")
	s.MustSet(t, "gone", "3")
	s.MustDelete(t, "gone")
	return s
}

const changeThree = `{"set":{"name":"here","value":"one","expectedVersion":1}},{"delete":{"name":"there"}},{"restore":{"name":"gone"}}`

// TestApply changes three configs as one.
func TestApply(t *testing.T) {
	for _, path := range []string{"/changes", "/v1/changes"} {
		s := mustHaveFour(t)
		got := s.MustApply(t, "POST "+path, `{"changes":[`+changeThree+`],"reason":"because é"}`)
		one, first, two, three, because := "one", "1", "2", "3", "because é"
		want := []revision{
			{Name: "here", Operation: "UPDATED", Value: &one, OldValue: &first, Version: 2},
			{Name: "there", Operation: "DELETED", OldValue: &two, Version: 2},
			{Name: "gone", Operation: "RESTORED", Value: &three, Version: 3},
		}
		for i := range want {
			want[i].Position, want[i].ChangeSet, want[i].Reason = s.at(t, 5+i), s.head(), &because
			want[i].CommittedAt = got.Revisions[i].CommittedAt
		}
		if diff := cmp.Diff(want, got.Revisions); diff != "" {
			t.Errorf("revisions (-want +got)\n%s", diff)
		}
		if got.Unchanged == nil || len(got.Unchanged) > 0 || got.DryRun || got.Position != s.head() {
			t.Errorf("got %+v", got)
		}
		if all, _ := s.MustGet(t, "/changes?after="+s.at(t, 4)); !cmp.Equal(all.Changes, got.Revisions) {
			t.Errorf("the history has %+v, want %+v", all.Changes, got.Revisions)
		}
		if b := s.MustListen(t, "/events?after="+s.at(t, 5)).changes(); len(b.Changes) != 3 {
			t.Errorf("the stream has %+v", b)
		}
	}
}

// TestNothingToDo: names that are as asked for are listed, and when all are nothing is written.
func TestNothingToDo(t *testing.T) {
	s := mustHaveFour(t)
	before := s.head()
	same := `{"set":{"name":"here","value":"1","onlyIfChanged":true}},{"set":{"name":"there","value":"2","onlyIfChanged":true}}`
	got := s.MustApply(t, "POST /changes", `{"changes":[`+same+`]}`)
	if len(got.Revisions) > 0 || got.Revisions == nil || !slices.Equal(got.Unchanged, []string{"here", "there"}) || got.Position != before || s.head() != before {
		t.Errorf("got %+v at %s", got, s.head())
	}
	got = s.MustApply(t, "POST /changes", `{"changes":[`+same+`,{"set":{"name":"new","value":""}}]}`)
	if len(got.Revisions) != 1 || !slices.Equal(got.Unchanged, []string{"here", "there"}) || got.Position != s.head() {
		t.Errorf("got %+v at %s", got, s.head())
	}
}

// TestRejections: one answer has all failures, each with its path and the config as it is.
func TestRejections(t *testing.T) {
	s := mustHaveFour(t)
	many := strings.Repeat(`{"delete":{"name":"x"}},`, 1000) + `{"delete":{"name":"y"}}`
	for _, row := range []struct {
		changes, more string
		status        int
		code          string
		failures      []string
	}{
		{`{"set":{"name":"here","value":"x","expectedVersion":2}},{"set":{"name":"a//b","value":"x"}},{"set":{"name":"new","value":"x"}},` +
			`{"delete":{"name":"gone"}},{"restore":{"name":"there"}},{"delete":{"name":"none"}},{"set":{"name":"n2","value":"\u0000"}}`, "",
			409, "VERSION_CONFLICT", []string{
				"VERSION_CONFLICT changes.0.set.expectedVersion CREATED v1", "INVALID_INPUT changes.1.set.name -",
				"DELETED changes.3.delete.name DELETED v2", "NOT_DELETED changes.4.restore.name CREATED v1", "NOT_FOUND changes.5.delete.name -",
				"INVALID_INPUT changes.6.set.value -"}},
		{`{"set":{"name":"a//b","value":"x"}}`, "", 409, "INVALID_INPUT", []string{"INVALID_INPUT changes.0.set.name -"}},
		{`{"set":{"name":"a//b","value":"\u0000","expectedVersion":-1}}`, "", 409, "INVALID_INPUT",
			[]string{"INVALID_INPUT changes.0.set.name -", "INVALID_INPUT changes.0.set.value -", "INVALID_INPUT changes.0.set.expectedVersion -"}},
		{`{"set":{"name":"here","value":"x"}},{"delete":{"name":"here"}}`, "", 409, "INVALID_INPUT", []string{"INVALID_INPUT changes.1.delete.name -"}},
		{`{"set":{"name":"here","value":"x","expectedRevision":"1-00c0ffee"}}`, "", 409, "VERSION_CONFLICT",
			[]string{"VERSION_CONFLICT changes.0.set.expectedRevision CREATED v1"}},
		{`{"restore":{"name":"gone","expectedRevision":"x"}}`, "", 409, "POSITION_UNKNOWN", []string{"POSITION_UNKNOWN changes.0.restore.expectedRevision -"}},
		{`{"set":{"name":"gone","value":"x"}},{"set":{"name":"there","value":"x"}}`, `,"asSeenAt":"` + s.at(t, 1) + `"`, 409, "STALE", []string{
			"STALE changes.0.set.name DELETED v2", "DELETED changes.0.set.name DELETED v2", "STALE changes.1.set.name CREATED v1"}},
		{`{"delete":{"name":"none"}}`, `,"asSeenAt":"1-00c0ffee"`, 400, "POSITION_UNKNOWN",
			[]string{"NOT_FOUND changes.0.delete.name -", "POSITION_UNKNOWN asSeenAt -"}},
		{`{"delete":{"name":"here"}}`, `,"asSeenAt":"99-00c0ffee"`, 400, "POSITION_UNKNOWN", []string{"POSITION_UNKNOWN asSeenAt -"}},
		{`{"delete":{"name":"here"}}`, `,"asSeenAt":""`, 400, "POSITION_UNKNOWN", []string{"POSITION_UNKNOWN asSeenAt -"}},
		{"", "", 400, "INVALID_INPUT", []string{"INVALID_INPUT changes -"}},
		{many, "", 413, "INVALID_INPUT", []string{"INVALID_INPUT changes -"}},
	} {
		for _, dryRun := range []string{"", `,"dryRun":true`} {
			body := `{"changes":[` + row.changes + `]` + row.more + dryRun + `}`
			got := s.MustReject(t, "POST /changes", body, row.status, row.code)
			var failures []string
			for _, f := range got.Errors {
				failures = append(failures, f.String())
				if f.Message == "" || f.Current != nil && (f.Current.Position == "" || (f.Current.OldValue != nil) != (f.Current.Name == "gone")) {
					t.Errorf("%.200s: %+v", body, f)
				}
			}
			if diff := cmp.Diff(row.failures, failures); diff != "" || got.Position != s.head() {
				t.Errorf("%.200s at %s: failures (-want +got)\n%s", body, got.Position, diff)
			}
		}
	}
}

// TestSizes: what is over a limit of size is refused with 413, and named.
func TestSizes(t *testing.T) {
	s := MustStart(t, configstore.Options{})
	megabyte := strings.Repeat("v", 1<<20)
	set := func(n int, value string) string {
		var all []string
		for i := range n {
			all = append(all, fmt.Sprintf(`{"set":{"name":"n%d","value":"%s"}}`, i, value))
		}
		return `{"changes":[` + strings.Join(all, ",") + `]}`
	}
	got := s.MustReject(t, "POST /changes", set(1, megabyte+"v"), 413, "INVALID_INPUT")
	if len(got.Errors) != 1 || !slices.Equal(got.Errors[0].Path, []string{"changes", "0", "set", "value"}) {
		t.Errorf("a value that is too long: %+v", got.Errors)
	}
	got = s.MustReject(t, "POST /changes", set(4, megabyte), 413, "INVALID_INPUT") // and four names
	if len(got.Errors) != 1 || !slices.Equal(got.Errors[0].Path, []string{"changes"}) || !strings.Contains(got.Detail, "4194304") {
		t.Errorf("a set that is too large: %s, %+v", got.Detail, got.Errors)
	}
	if got := s.MustApply(t, "POST /changes", set(3, megabyte)); len(got.Revisions) != 3 {
		t.Errorf("a set that is not too large: %d revisions", len(got.Revisions))
	}
	if got := s.MustApply(t, "POST /changes", set(1000, "v")); len(got.Revisions) != 1000 || got.Revisions[0].OldValue == nil {
		t.Errorf("a set of 1000: %d revisions", len(got.Revisions))
	}
	// All values that a rejection shows are 8 MiB at most.
	for i := range 12 {
		s.MustSet(t, fmt.Sprintf("n%d", i), megabyte)
	}
	got = s.MustReject(t, "POST /changes", strings.ReplaceAll(set(12, "v"), `"v"`, `"v","expectedVersion":1`), 409, "VERSION_CONFLICT")
	shown := 0
	for _, f := range got.Errors {
		if f.Current != nil {
			shown++
		}
	}
	if len(got.Errors) != 12 || shown != 7 {
		t.Errorf("%d failures show %d values of 1 MiB", len(got.Errors), shown)
	}
}

// TestDryRun: what a dry run shows is applied exactly so, or is refused because something has
// changed.
func TestDryRun(t *testing.T) {
	s := mustHaveFour(t)
	before := s.head()
	key := "Idempotency-Key: k"
	plan := s.MustApply(t, "POST /changes", `{"changes":[`+changeThree+`],"dryRun":true}`, key)
	if !plan.DryRun || plan.Position != before || s.head() != before || len(plan.Revisions) != 3 || plan.Revisions[0].Position != before {
		t.Errorf("got %+v at %s", plan, s.head())
	}
	asSeen := `{"changes":[` + changeThree + `],"asSeenAt":"` + plan.Position + `"}`
	got := s.MustApply(t, "POST /changes", asSeen, key) // which the dry run has not used
	for i := range got.Revisions {
		r, p := got.Revisions[i], plan.Revisions[i]
		r.Position, r.ChangeSet, r.CommittedAt = p.Position, p.ChangeSet, p.CommittedAt
		if diff := cmp.Diff(p, r); diff != "" {
			t.Errorf("revision %d (-planned +done)\n%s", i, diff)
		}
	}
	if again := s.MustReject(t, "POST /changes", asSeen, 409, "STALE"); len(again.Errors) < 3 {
		t.Errorf("again: %v", again.Errors)
	}
}

// TestSetsWithKeys: the same set with the same key gets all of the first outcome again.
func TestSetsWithKeys(t *testing.T) {
	s := mustHaveFour(t)
	body := `{"changes":[` + changeThree + `,{"set":{"name":"same","value":"x"}}]}`
	key := "Idempotency-Key: k"
	first := s.MustDo(t, "POST /changes", body, key, "Config-Reason: why%20not")
	s.MustSet(t, "here", "later")
	head := s.head()
	again := s.MustDo(t, "POST /v1/changes", strings.Replace(body, `]}`, `],"reason":"why not"}`, 1), key)
	if diff := cmp.Diff(first, again, cmp.AllowUnexported(answer{})); first.status != 200 || diff != "" || s.head() != head {
		t.Errorf("got %d %s, then (-first +again)\n%s", first.status, first.body, diff)
	}
	for _, other := range []string{body, strings.Replace(body, `"x"`, `"y"`, 1), `{"changes":[{"delete":{"name":"here"}}],"reason":"why not"}`} {
		got := s.MustReject(t, "POST /changes", other, 422, "IDEMPOTENCY_MISMATCH", key)
		if len(got.Errors) == 0 || !slices.Equal(got.Errors[len(got.Errors)-1].Path, []string{"idempotencyKey"}) {
			t.Errorf("%s: %+v", other, got.Errors)
		}
	}
}

// TestNoMemoryForAnOutcome: nothing is written when there is no memory for the answer.
func TestNoMemoryForAnOutcome(t *testing.T) {
	store := configstoretest.New(t, configstore.Options{})
	answers := budget.New(budget.Options{Bytes: 1 << 20, Wait: budget.NoWait})
	edge := rest.New(store.Store, rest.Options{Answers: answers})
	s := serve(t, store, edge)
	s.MustSet(t, "a", "1")
	long := strings.Repeat("v", 600<<10)
	before := s.head()
	p := MustBeProblem(t, "POST /changes", s.MustDo(t, "POST /changes", `{"changes":[{"set":{"name":"a","value":"`+long+`"}}]}`), 503, "UNAVAILABLE")
	if !strings.HasPrefix(p.Detail, "nothing was written") || s.head() != before {
		t.Errorf("got %q, position %s after %s", p.Detail, s.head(), before)
	}
	s.MustApply(t, "POST /changes", `{"changes":[{"set":{"name":"a","value":"2"}}]}`)
	if answers.Held() != 0 {
		t.Errorf("%d bytes are held", answers.Held())
	}
}
