package configstore_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"configapi/internal/auth"
	"configapi/internal/config"
	"configapi/internal/configstore"
	"configapi/internal/configstore/configstoretest"
	"configapi/internal/eventstore"
	"configapi/internal/eventstore/memory"
)

// TestNothingIsGranted has callers that may read nothing: not even their own changes.
func TestNothingIsGranted(t *testing.T) {
	store := configstoretest.New(t, configstore.Options{})
	at := store.MustSet(t, "a", "1").Position
	for name, caller := range map[string]auth.Caller{
		"the zero caller": {}, "WRITE": configstoretest.Caller(t, "ci", "WRITE:"), "ADMIN": configstoretest.Caller(t, "ci", "ADMIN:"),
	} {
		r := store.Reader(caller)
		page, err := r.Now().Configs(t.Context(), config.Filter{}, "", 10)
		changes, errOfChanges := r.Changes(t.Context(), eventstore.Position{}, config.Filter{}, 10)
		revision, errOfRevision := r.Revision(t.Context(), at)
		if err != nil || errOfChanges != nil || errOfRevision != nil || len(page.Configs)+len(changes.Revisions) > 0 || revision != nil ||
			r.State(configstoretest.Name(t, "a")) != nil || r.Head().Position() != at || changes.Position != at {
			t.Errorf("%s: got %+v, %+v, %+v, %v, %v, %v", name, page, changes, revision, err, errOfChanges, errOfRevision)
		}
	}
}

// TestProgressOfStreamsThatSeeNothing: a stream says how far the history has come, also to a caller
// that may read nothing of it.
func TestProgressOfStreamsThatSeeNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := configstoretest.On(t, memory.New(), configstore.Options{ClockInterval: -1})
		watch, err := store.Watch(t.Context(), auth.Caller{}, config.Filter{}, nil)
		if err != nil {
			t.Fatal(err)
		}
		if first, err := watch.Next(t.Context()); err != nil || len(first.Revisions) > 0 || !first.CaughtUp {
			t.Fatalf("first: got %+v, %v", first, err)
		}
		at, began := store.MustSet(t, "a", "1").Position, time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		if next, err := watch.Next(ctx); err != nil || len(next.Revisions) > 0 || next.Position != at || time.Since(began) != 10*time.Second {
			t.Errorf("after %v: got %+v, %v", time.Since(began), next, err)
		}
	})
}

// TestRecentChangesBehindHiddenOnes: one page looks behind hundreds of changes of others, also for
// a caller with several grants.
func TestRecentChangesBehindHiddenOnes(t *testing.T) {
	store := configstoretest.New(t, configstore.Options{})
	store.MustSet(t, "app/a", "1")
	for i := range 400 {
		store.MustSet(t, fmt.Sprint("other/", i%7), "1")
	}
	for _, grants := range [][]string{{"READ:app"}, {"READ:app", "READ:zoo"}} {
		page, err := store.Reader(configstoretest.Caller(t, "ci", grants...)).RecentChanges(t.Context(), configstore.ChangeFilter{}, 0, 5)
		if err != nil || len(page.Revisions) != 1 || page.More {
			t.Errorf("with %v: got %+v, %v", grants, page, err)
		}
	}
}

// TestOwnGrantsOfAPrefix: a caller with grants below the prefix that it compares with another one.
func TestOwnGrantsOfAPrefix(t *testing.T) {
	store := configstoretest.New(t, configstore.Options{})
	for _, name := range []string{"staging/a/x", "staging/b/x", "prod/a/x", "prod/b/x", "prod/a/y"} {
		store.MustSet(t, name, name)
	}
	for _, test := range []struct {
		grants []string
		want   string // names, and what there is on both sides
	}{
		{[]string{"READ:"}, "staging/a/x both, staging/a/y to, staging/b/x both, "},
		{[]string{"READ:staging/a", "READ:prod/a"}, "staging/a/x both, staging/a/y to, "},
		{[]string{"READ:staging"}, "staging/a/x from, staging/b/x from, "},
		{[]string{"READ:prod/b", "READ:staging/a"}, "staging/a/x from, staging/b/x to, "},
		{nil, ""},
	} {
		r := store.Reader(configstoretest.Caller(t, "ci", test.grants...))
		page, err := r.Diff(t.Context(), configstore.DiffQuery{From: r.Now(), To: r.Now(), Filter: mustFilter(t, "staging"), ToPrefix: "prod"}, "", 10, false)
		got := ""
		for _, d := range page.Differences {
			side := "both"
			if d.Before == nil {
				side = "to"
			} else if d.After == nil {
				side = "from"
			}
			got += fmt.Sprintf("%s %s, ", d.Name, side)
		}
		if err != nil || got != test.want {
			t.Errorf("with %v: got %q, %v, want %q", test.grants, got, err, test.want)
		}
	}
}
