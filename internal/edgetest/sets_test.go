package edgetest_test

import (
	"fmt"
	"maps"
	"testing"

	"pgregory.net/rapid"

	"configapi/internal/auth"
	"configapi/internal/configstore"
	"configapi/internal/configstore/configstoretest"
)

// TestSetsAreAsTheirModel applies random change sets on each store, and compares them with a plain
// map, and a dry run of each with what it came to.
func TestSetsAreAsTheirModel(t *testing.T) {
	for name, open := range stores {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			store := configstoretest.On(t, open(t), configstore.Options{})
			round := 0
			rapid.Check(t, func(rt *rapid.T) {
				round++
				m := &configstoretest.Sets{Draw: func(n int) int { return rapid.IntRange(0, n-1).Draw(rt, "n") }}
				for _, name := range []string{"a", "a-b", "a/b", "a/b/c", "b"} {
					m.Names = append(m.Names, fmt.Sprint("round/", round, "/", name))
				}
				for range rapid.IntRange(1, 12).Draw(rt, "sets") {
					if err := m.Step(t.Context(), store.Store); err != nil {
						rt.Fatal(err)
					}
				}
				got := make(map[string]string)
				for _, name := range m.Names {
					if c := store.Reader(auth.Anonymous).Config(configstoretest.Name(t, name)); c != nil {
						got[name] = c.Value.String()
					}
				}
				if !maps.Equal(got, m.State()) {
					rt.Fatalf("got %v, want %v", got, m.State())
				}
			})
		})
	}
}
