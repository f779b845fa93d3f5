package goclient_test

import (
	"context"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"configapi/client"
)

// mustOpen opens a client until the end of the test.
func mustOpen(t *testing.T, o client.Options) *client.Client {
	t.Helper()
	if o.OnError == nil {
		o.OnError = func(err error) { t.Logf("the client reports: %v", err) }
	}
	c, err := client.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// mustApply gives configs values, as one change set, and returns its position.
func mustApply(t *testing.T, c *client.Client, namesAndValues ...string) string {
	t.Helper()
	var set client.ChangeSet
	for pair := range slices.Chunk(namesAndValues, 2) {
		set.Changes = append(set.Changes, client.Change{Set: &client.Set{Name: pair[0], Value: pair[1]}})
	}
	result, err := c.Apply(t.Context(), set)
	if err != nil {
		t.Fatal(err)
	}
	return result.Position
}

func mustWait(t *testing.T, c *client.Client, position string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	if err := c.Wait(ctx, position); err != nil {
		t.Fatalf("waiting for %s at %s: %v", position, c.Position(), err)
	}
}

func valuesOf(s *client.Snapshot) map[string]string {
	values := map[string]string{}
	for name, c := range s.All() {
		values[name] = c.Value
	}
	return values
}

// TestSnapshotsFollow opens a client, changes configs, and finds each change whole.
func TestSnapshotsFollow(t *testing.T) {
	a := newAPI(t, asUsual)
	c := mustOpen(t, client.Options{URL: a.URL, Prefix: "p"})
	first := c.Snapshot()
	at := mustApply(t, c, "p/a", "1", "p/b", "2", "q", "3")
	mustWait(t, c, at)
	<-first.Changed()
	if got := valuesOf(c.Snapshot()); len(got) != 2 || got["p/a"] != "1" || got["p/b"] != "2" {
		t.Errorf("got %v", got)
	}
	if got := valuesOf(first); len(got) != 0 {
		t.Errorf("the first snapshot has become %v", got)
	}
	if stale, _ := c.Stale(); stale {
		t.Error("the client is stale")
	}
}

// TestLayers reads two prefixes, of which the later one replaces.
func TestLayers(t *testing.T) {
	a := newAPI(t, asUsual)
	writer := mustOpen(t, client.Options{URL: a.URL})
	at := mustApply(t, writer, "base/a", "1", "base/b", "1", "prod/eu/b", "2", "other", "x")
	c := mustOpen(t, client.Options{URL: a.URL, Layers: []string{"base", "prod/eu/"}})
	if c.Position() != at {
		t.Errorf("got the position %s, want %s", c.Position(), at)
	}
	if got := valuesOf(c.Snapshot()); len(got) != 2 || got["a"] != "1" || got["b"] != "2" {
		t.Errorf("got %v", got)
	}
	mustWait(t, c, mustApply(t, writer, "prod/eu/a", "2", "base/b", "3"))
	if found, _ := c.Snapshot().Lookup("a"); found.Value != "2" || found.Layer != "prod/eu" {
		t.Errorf("got %+v", found)
	}
	result, err := writer.Apply(t.Context(), client.ChangeSet{Changes: []client.Change{{Delete: &client.Delete{Name: "prod/eu/b"}}}})
	if err != nil {
		t.Fatal(err)
	}
	mustWait(t, c, result.Position)
	if found, _ := c.Snapshot().Lookup("b"); found.Value != "3" || found.Layer != "base" {
		t.Errorf("got %+v", found)
	}
}

// TestStartsFromItsFile stops the server, opens a client from the file of another one, and starts
// the server again.
func TestStartsFromItsFile(t *testing.T) {
	a := newAPI(t, asUsual)
	o := client.Options{URL: a.URL, File: filepath.Join(t.TempDir(), "configs")}
	c := mustOpen(t, o)
	mustWait(t, c, mustApply(t, c, "a", "1"))
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	a.Server.Close()
	c = mustOpen(t, o)
	if got := valuesOf(c.Snapshot()); len(got) != 1 || got["a"] != "1" || !c.Snapshot().FromFile() {
		t.Errorf("got %v", got)
	}
	stale, since := c.Stale()
	if !stale || time.Since(since) > time.Hour {
		t.Errorf("got %t, %v", stale, since)
	}
}
