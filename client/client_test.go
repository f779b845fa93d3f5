package client_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"configapi/client"
	"configapi/client/clienttest"
)

// errorList are the errors that a client reports.
type errorList struct {
	mu   sync.Mutex
	list []error
}

func (l *errorList) add(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.list = append(l.list, err)
}

// has reports whether an error is in the list. It empties the list.
func (l *errorList) has(want error) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	found := slices.ContainsFunc(l.list, func(err error) bool { return errors.Is(err, want) })
	l.list = nil
	return found
}

func mustOpen(t *testing.T, o client.Options) *client.Client {
	t.Helper()
	c, err := client.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func mustWait(t *testing.T, c *client.Client, position string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := c.Wait(ctx, position); err != nil {
		t.Fatalf("waiting for %s at %s: %v", position, c.Position(), err)
	}
}

// namesOf returns the names and values of a snapshot, in one text.
func namesOf(s *client.Snapshot) string {
	var all []string
	for name, c := range s.All() {
		all = append(all, name+"="+c.Value)
	}
	return strings.Join(all, " ")
}

func mustWrite(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestTokenIsRevokedAndAnotherGiven revokes a token, whose file later has another one that may read
// less: what was read stays until then, and what is gone is dropped.
func TestTokenIsRevokedAndAnotherGiven(t *testing.T) {
	path := filepath.Join(t.TempDir(), "token")
	mustWrite(t, path, "one\n")
	synctest.Test(t, func(t *testing.T) {
		server := clienttest.New(t)
		server.Issue("one", "")
		server.Set("a/x", "1")
		server.Set("b/x", "1")
		o := server.Options()
		o.TokenFile = path
		c := mustOpen(t, o)
		defer c.Close()
		value := client.Int(c, "b/x", 7)
		server.Revoke("one")
		time.Sleep(10 * time.Minute)
		if got := namesOf(c.Snapshot()); got != "a/x=1 b/x=1" || value.Get() != 1 {
			t.Errorf("after the revocation: got %q", got)
		}
		if asked := server.Requests(); asked > 40 {
			t.Errorf("a token that is refused was sent in %d requests", asked)
		}
		server.Issue("two", "a")
		mustWrite(t, path, "two\n")
		mustWait(t, c, server.Set("a/x", "2"))
		if got := namesOf(c.Snapshot()); got != "a/x=2" || value.Get() != 7 {
			t.Errorf("with another token: got %q and %d", got, value.Get())
		}
	})
}

// TestRotatedTokenIsTaken puts another token into the file while the old one is still good.
func TestRotatedTokenIsTaken(t *testing.T) {
	path := filepath.Join(t.TempDir(), "token")
	mustWrite(t, path, "one")
	synctest.Test(t, func(t *testing.T) {
		server := clienttest.New(t)
		server.Issue("one", "")
		server.Issue("two", "")
		o := server.Options()
		o.TokenFile = path
		c := mustOpen(t, o)
		defer c.Close()
		mustWrite(t, path, "two")
		time.Sleep(time.Minute)
		before := server.Requests()
		server.Revoke("one")
		mustWait(t, c, server.Set("a", "1"))
		if after := server.Requests(); after != before {
			t.Errorf("the revocation of the old token cost %d requests", after-before)
		}
	})
}

// TestScopeIsReadAnew changes what a token may read, while the client is connected and while it is
// not.
func TestScopeIsReadAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := clienttest.New(t)
		server.Issue("one", "a", "b")
		server.Set("a/x", "1")
		server.Set("b/x", "1")
		server.Set("c/x", "1")
		o := server.Options()
		o.Token = "one"
		c := mustOpen(t, o)
		defer c.Close()
		server.Issue("one", "b", "c")
		mustWait(t, c, server.Set("c/y", "1"))
		time.Sleep(time.Minute)
		if got := namesOf(c.Snapshot()); got != "b/x=1 c/x=1 c/y=1" {
			t.Errorf("got %q", got)
		}
		server.Stop()
		server.Set("b/x", "2")
		server.Issue("one", "a", "b")
		server.Start()
		time.Sleep(time.Minute)
		if got := namesOf(c.Snapshot()); got != "a/x=1 b/x=2" {
			t.Errorf("after an outage: got %q", got)
		}
	})
}

// TestReplacedHistoryIsReported takes changes back, as the restore of an older backup does.
func TestReplacedHistoryIsReported(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := clienttest.New(t)
		at := server.Set("a", "1")
		server.Set("a", "2")
		server.Set("b", "2")
		var failed errorList
		o := server.Options()
		o.OnError = failed.add
		c := mustOpen(t, o)
		defer c.Close()
		value := client.Int(c, "a", 0)
		waited := make(chan error, 1)
		lost := server.Set("c", "3")
		mustWait(t, c, lost)
		number, _, _ := strings.Cut(lost, "-")
		go func() { waited <- c.Wait(t.Context(), number+"9-00000000") }()
		synctest.Wait()
		server.Rewind(at)
		if err := <-waited; !errors.Is(err, client.ErrHistoryReplaced) {
			t.Errorf("who waits for a position of the old history: got %v", err)
		}
		time.Sleep(time.Minute)
		if got := namesOf(c.Snapshot()); got != "a=1" || value.Get() != 1 || !failed.has(client.ErrHistoryReplaced) {
			t.Errorf("got %q and %d", got, value.Get())
		}
	})
}

// TestTooManyBytes has the configs outgrow MaxBytes: what was read before stays.
func TestTooManyBytes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := clienttest.New(t)
		server.Set("a", "1")
		var failed errorList
		o := server.Options()
		o.MaxBytes, o.OnError = 1000, failed.add
		c := mustOpen(t, o)
		defer c.Close()
		server.Set("b", strings.Repeat("x", 1000))
		time.Sleep(time.Minute)
		if got := namesOf(c.Snapshot()); got != "a=1" || !failed.has(client.ErrTooLarge) {
			t.Errorf("got %q", got)
		}
		if stale, _ := c.Stale(); !stale {
			t.Error("the client is not stale")
		}
		if _, err := client.Open(t.Context(), o); !errors.Is(err, client.ErrTooLarge) {
			t.Errorf("got %v", err)
		}
		before := server.Requests()
		time.Sleep(10 * time.Minute)
		if asked := server.Requests() - before; asked < 5 || asked > 12 {
			t.Errorf("in 10 minutes it was read %d times", asked)
		}
		server.Delete("b")
		time.Sleep(2 * time.Minute)
		if stale, _ := c.Stale(); stale {
			t.Error("the client is still stale")
		}
	})
}

// TestOptionsAreChecked gives options that cannot be used.
func TestOptionsAreChecked(t *testing.T) {
	for want, o := range map[string]client.Options{
		"must be a URL":              {},
		"one of Token":               {Token: "a", TokenFile: "b"},
		"Prefix or Layers":           {Prefix: "a", Layers: []string{"b"}},
		"at most 10":                 {Layers: make([]string, 11)},
		"must have a prefix":         {Layers: []string{"a", ""}},
		"given twice":                {Layers: []string{"a", "a/"}},
		"must not be negative":       {MaxStale: -1},
		"getting the token":          {TokenFile: "/nowhere/token"},
		"what was found is no token": {TokenFunc: func(context.Context) (string, error) { return "a b", nil }},
		"it is empty":                {TokenFunc: func(context.Context) (string, error) { return " \n", nil }},
	} {
		if _, err := client.Open(t.Context(), o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}

// TestWaitTakesPositions waits for what is no position.
func TestWaitTakesPositions(t *testing.T) {
	server := clienttest.New(t)
	c := mustOpen(t, server.Options())
	defer c.Close()
	for text, good := range map[string]bool{server.Position(): true, "": false, "now": false, "0": false, "-1-0a": false, "x-00000000": false, "0-": false} {
		if err := c.Wait(t.Context(), text); (err == nil) != good {
			t.Errorf("%q: got %v", text, err)
		}
	}
}

// TestApplyWithKey sends a set twice: it has one effect.
func TestApplyWithKey(t *testing.T) {
	server := clienttest.New(t)
	c := mustOpen(t, server.Options())
	defer c.Close()
	set := client.ChangeSet{Changes: []client.Change{{Set: &client.Set{Name: "a", Value: "1"}}}}
	key := client.NewKey()
	first, err := c.ApplyWithKey(t.Context(), set, key)
	if err != nil {
		t.Fatal(err)
	}
	again, err := c.ApplyWithKey(t.Context(), set, key)
	if err != nil || again.Position != first.Position || server.Position() != first.Position {
		t.Errorf("got %s, %v, and the server is at %s; want %s", again.Position, err, server.Position(), first.Position)
	}
	if other, err := c.Apply(t.Context(), set); err != nil || other.Position == first.Position {
		t.Errorf("with another key: got %s, %v", other.Position, err)
	}
}
