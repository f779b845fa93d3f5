package rest_test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"configapi/internal/config"
	"configapi/internal/configstore"
	"configapi/internal/configstore/configstoretest"
	"configapi/internal/feed"
)

// TestRecent goes through the newest changes in pages of all sizes while others write. All pages
// are of the position of the first.
func TestRecent(t *testing.T) {
	for query, want := range map[string]string{
		"":                                   "8 7 6 5 4 3 2 1",
		"prefix=":                            "8 7 6 5 4 3 2 1",
		"prefix=p":                           "8 7 4 3 2",
		"prefix=p/&operation=UPDATED":        "4",
		"operation=DELETED,RESTORED":         "8 7",
		"operation=CREATED":                  "6 5 3 2 1",
		"actor=ci":                           "",
		"since=SIX":                          "8 7 6",
		"until=SIX":                          "5 4 3 2 1",
		"since=THREE&until=SIX&prefix=p":     "4 3",
		"since=SIX&until=THREE":              "",
		"until=0001-01-01T00:00:00Z":         "",
		"since=0001-01-01T00:00:00Z":         "8 7 6 5 4 3 2 1",
		"operation=RESTORED,UPDATED,CREATED": "8 6 5 4 3 2 1",
	} {
		for _, first := range []int{1, 2, 3, 500} {
			testRecent(t, query, first, want)
		}
	}
}

func testRecent(t *testing.T, query string, first int, want string) {
	clock := newClock(time.Unix(1_700_000_000, 0).UTC())
	s := MustStart(t, configstore.Options{Now: clock.now, Feed: feed.Options{RingEvents: 2}})
	var at [9]string
	for i, write := range []func(){
		func() { s.MustSet(t, "a", "1") }, func() { s.MustSet(t, "p/a", "1") }, func() { s.MustSet(t, "p/b", "1") }, func() { s.MustSet(t, "p/b", "2") },
		func() { s.MustSet(t, "p2", "1") }, func() { s.MustSet(t, "q", "1") }, func() { s.MustDelete(t, "p/a") }, func() { s.MustRestore(t, "p/a") },
	} {
		clock.tick()
		at[i+1] = url.QueryEscape(config.FormatInstant(clock.now()))
		write()
	}
	query = strings.NewReplacer("SIX", at[6], "THREE", at[3]).Replace(query)
	position := s.head()
	got := ""
	for path := fmt.Sprintf("/changes/recent?first=%d&%s", first, query); path != ""; {
		var p page
		p, path = s.MustGet(t, path)
		got += " " + strings.Join(numbersOf(p.Revisions), " ")
		if p.Revisions == nil || p.Position != position {
			t.Errorf("%s: %+v", query, p)
		}
		s.MustSet(t, "p/later", position)
	}
	if strings.Join(strings.Fields(got), " ") != want {
		t.Errorf("%s in pages of %d: got %s, want %s", query, first, got, want)
	}
}

// TestRecentOfAnotherSelection: a page goes on only with what it began with.
func TestRecentOfAnotherSelection(t *testing.T) {
	s := MustServe(t, configstoretest.On(t, mustHaveSet(t), configstore.Options{}))
	first, following := s.MustGet(t, "/v1/changes/recent?first=2")
	if fmt.Sprint(numbersOf(first.Revisions)) != "[5 4]" { // pages may split a change set
		t.Errorf("got %v", numbersOf(first.Revisions))
	}
	for _, query := range []string{"prefix=a", "actor=", "operation=CREATED", "since=2020-01-01T00:00:00Z", "until=2999-01-01T00:00:00Z"} {
		MustBeProblem(t, query, s.MustDo(t, "GET "+following+"&"+query, ""), 400, "INVALID_INPUT")
	}
	other := MustStart(t, configstore.Options{})
	MustBeProblem(t, "another history", other.MustDo(t, "GET "+following, ""), 400, "INVALID_INPUT")
}
