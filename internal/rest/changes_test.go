package rest_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"configapi/internal/configstore"
	"configapi/internal/configstore/configstoretest"
)

// page is an answer of any route that has pages.
type page struct {
	Changes, Revisions []revision
	Differences        []difference
	Children           []child
	Position, From, To string
	CaughtUp           bool
	Unchanged          []string
	DryRun             bool
}

type revision struct {
	Name, Operation        string
	Value, OldValue        *string
	Version                int
	Position, ChangeSet    string
	CommittedAt            string
	Actor, Reason, Reverts *string
	Erased                 bool
}

// MustGet returns a page, and the address of the next one, "" when there is none.
func (s *service) MustGet(t testing.TB, path string, headers ...string) (p page, following string) {
	t.Helper()
	got := s.MustDo(t, "GET "+path, "", headers...)
	if got.status != 200 || got.header.Get("Content-Type") != "application/json" {
		t.Fatalf("GET %s: got %d %s %v", path, got.status, got.body, got.header)
	}
	mustDecode(t, got.body, &p)
	return p, next(t, path, got)
}

func mustDecode(t testing.TB, body string, into any) {
	t.Helper()
	if err := json.Unmarshal([]byte(body), into); err != nil {
		t.Fatalf("%.500s: %v", body, err)
	}
}

func numbersOf(all []revision) (numbers []string) {
	for _, r := range all {
		number, _, _ := strings.Cut(r.Position, "-")
		numbers = append(numbers, number)
	}
	return numbers
}

// TestChanges goes through the history in pages of all sizes. No page has a part of a change set.
func TestChanges(t *testing.T) {
	s := MustServe(t, configstoretest.On(t, mustHaveSet(t), configstore.Options{}))
	for _, base := range []string{"", "/v1"} {
		for first, want := range map[int]string{
			1: "[1] [2 3 4] [5]", 2: "[1 2 3 4] [5]", 4: "[1 2 3 4] [5]", 5: "[1 2 3 4 5]", 500: "[1 2 3 4 5]",
		} {
			got, last := "", page{}
			for path := fmt.Sprintf("%s/changes?first=%d", base, first); path != ""; {
				last, path = s.MustGet(t, path)
				got += fmt.Sprint(numbersOf(last.Changes), " ")
				if last.CaughtUp != (path == "") || last.Position != s.at(t, len(strings.Fields(got))) {
					t.Errorf("%s: %+v, next page %q", path, last, path)
				}
			}
			if strings.TrimSpace(got) != want || last.Position != s.head() {
				t.Errorf("pages of %d: got %s to %s, want %s to %s", first, got, last.Position, want, s.head())
			}
		}
	}
	for after, want := range map[string][]string{
		"": {"1", "2", "3", "4", "5"}, beginning: {"1", "2", "3", "4", "5"}, s.at(t, 1): {"2", "3", "4", "5"},
		s.at(t, 2): {"2", "3", "4", "5"}, s.at(t, 3): {"2", "3", "4", "5"}, s.at(t, 4): {"5"}, s.at(t, 5): nil,
	} {
		path := "/changes"
		if after != "" {
			path += "?after=" + after
		}
		if got, _ := s.MustGet(t, path); !slices.Equal(numbersOf(got.Changes), want) || got.Changes == nil || !got.CaughtUp {
			t.Errorf("after %s: got %+v, want %v", after, got, want)
		}
	}
}

// TestChangesByPrefix: a page says how far it has come, also through changes that it leaves out.
func TestChangesByPrefix(t *testing.T) {
	s := MustStart(t, configstore.Options{})
	for _, name := range []string{"p/a", "x", "p/b", "p2", "y"} {
		s.MustSet(t, name, "1")
	}
	got, following := s.MustGet(t, "/changes?prefix=p/&first=1")
	if !slices.Equal(numbersOf(got.Changes), []string{"1"}) || got.CaughtUp || !strings.HasSuffix(following, "prefix=p") {
		t.Errorf("got %+v, next page %s", got, following)
	}
	got, following = s.MustGet(t, following)
	if !slices.Equal(numbersOf(got.Changes), []string{"3"}) || got.CaughtUp {
		t.Errorf("got %+v, next page %s", got, following)
	}
	got, following = s.MustGet(t, following)
	if len(got.Changes) != 0 || !got.CaughtUp || got.Position != s.head() || following != "" {
		t.Errorf("got %+v, next page %s", got, following)
	}
}

// TestRevisionsAreThoseOfEvents: a revision has the same members on all routes.
func TestRevisionsAreThoseOfEvents(t *testing.T) {
	s := MustStart(t, configstore.Options{})
	s.MustSet(t, "a", "1")
	s.MustDo(t, "PUT /config/a", `{"value":"2\n\u0001é"}`, "Config-Reason: because")
	s.MustDelete(t, "a")
	s.MustRestore(t, "a")
	for n := 1; n <= 4; n++ {
		after := beginning
		if n > 1 {
			after = s.at(t, n-1)
		}
		stream := s.MustListen(t, "/events?after="+after)
		_, _, event, err := stream.event()
		if err != nil {
			t.Fatal(err)
		}
		got := s.MustDo(t, "GET /changes?first=1&after="+after, "")
		if diff := cmp.Diff(event, got.body); diff != "" {
			t.Errorf("event %d (-stream +page)\n%s", n, diff)
		}
	}
	var all page
	mustDecode(t, s.MustDo(t, "GET /changes", "").body, &all)
	one, two, because := "1", "2\n\u0001é", "because"
	want := []revision{
		{Name: "a", Operation: "CREATED", Value: &one, Version: 1},
		{Name: "a", Operation: "UPDATED", Value: &two, OldValue: &one, Version: 2, Reason: &because},
		{Name: "a", Operation: "DELETED", OldValue: &two, Version: 3},
		{Name: "a", Operation: "RESTORED", Value: &two, Version: 4},
	}
	for i := range want {
		want[i].Position, want[i].ChangeSet, want[i].CommittedAt = s.at(t, i+1), s.at(t, i+1), all.Changes[i].CommittedAt
	}
	if diff := cmp.Diff(want, all.Changes); diff != "" {
		t.Errorf("revisions (-want +got)\n%s", diff)
	}
}

// TestTagsOfPages: an answer that would be the same again is 304, and only that one.
func TestTagsOfPages(t *testing.T) {
	s := MustStart(t, configstore.Options{})
	s.MustSet(t, "a", "1")
	s.MustSet(t, "b", "1")
	s.MustDelete(t, "b")
	for _, path := range []string{"/changes?first=1", "/changes?first=3", "/deleted", "/children"} {
		got := s.MustDo(t, "GET "+path, "")
		tag := got.header.Get("Etag")
		if again := s.MustDo(t, "GET "+path, "", "If-None-Match: "+tag); tag == "" || again.status != 304 || again.body != "" {
			t.Errorf("%s: got %d %s with tag %s", path, again.status, again.body, tag)
		}
		if other := s.MustDo(t, "GET "+path, "", `If-None-Match: "1-00c0ffee"`); other.status != 200 || other.body != got.body {
			t.Errorf("%s: got %d %s with another tag", path, other.status, other.body)
		}
		head := s.MustDo(t, "HEAD "+path, "")
		got.body = ""
		if diff := cmp.Diff(got, head, cmp.AllowUnexported(answer{})); diff != "" {
			t.Errorf("HEAD %s (-GET without its body +HEAD)\n%s", path, diff)
		}
	}
	newest := s.MustDo(t, "GET /changes?first=3", "").header.Get("Etag")
	s.MustSet(t, "c", "1")
	if got := s.MustDo(t, "GET /changes?first=3", "", "If-None-Match: "+newest); got.status != 200 {
		t.Errorf("caughtUp has changed, and the answer is %d", got.status)
	}
}

// TestBadPages: parameters that are wrong are refused by name.
func TestBadPages(t *testing.T) {
	s := MustStart(t, configstore.Options{})
	for _, name := range []string{"a", "b", "p/a", "p/b"} {
		s.MustSet(t, name, "1")
		s.MustDelete(t, name)
		s.MustSet(t, name+"2", "1")
	}
	list := strings.TrimPrefix(next(t, "/config?first=1", s.MustDo(t, "GET /config?first=1", "")), "/config?")
	for path, unknown := range map[string]bool{
		"/changes": false, "/changes/recent": false, "/deleted": false, "/children": false, "/diff": true,
	} {
		base := path
		if unknown {
			path += "?from=" + beginning + "&"
		} else {
			path += "?"
		}
		for _, query := range []string{"first=0", "first=-1", "first=501", "first=01", "first=", "first=x", "first=1&first=2",
			"prefix=a//b", "prefix=%zz", "prefix=a&prefix=b", "unknown=1", "wait=0s", "consistency=x"} {
			MustBeProblem(t, "GET "+path+query, s.MustDo(t, "GET "+path+query, ""), 400, "INVALID_INPUT")
		}
		MustBeProblem(t, base, s.MustDo(t, "GET "+path+"_x=1", "", "Config-At-Least: 1-00c0ffee"), 400, "POSITION_UNKNOWN")
		if base == "/changes" {
			continue
		}
		for _, after := range []string{"x", "", s.head(), list} {
			MustBeProblem(t, "GET "+path+"after="+after, s.MustDo(t, "GET "+path+"after="+strings.TrimPrefix(after, "first=1&"), ""), 400, "INVALID_INPUT")
		}
	}
	for _, after := range []string{"x", "", "1-00c0ffee", "99-00c0ffee", list} {
		MustBeProblem(t, "after="+after, s.MustDo(t, "GET /changes?after="+after, ""), 400, "POSITION_UNKNOWN")
	}
	for _, query := range []string{"operation=", "operation=created", "operation=CREATED,", "operation=CREATED&operation=DELETED",
		"since=", "since=2026-01-01", "until=2026-01-01T00:00:00+02:00", "until=1-00c0ffee"} {
		MustBeProblem(t, query, s.MustDo(t, "GET /changes/recent?"+query, ""), 400, "INVALID_INPUT")
	}
	for _, query := range []string{"contains=", "contains=" + strings.Repeat("n", 256)} {
		MustBeProblem(t, query, s.MustDo(t, "GET /deleted?"+query, ""), 400, "INVALID_INPUT")
	}
}
