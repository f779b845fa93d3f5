package edgetest_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"configapi/internal/auth"
	"configapi/internal/config"
	"configapi/internal/configstore"
	"configapi/internal/configstore/configstoretest"
	"configapi/internal/eventstore"
	"configapi/internal/eventstore/memory"
	"configapi/internal/eventstore/postgres"
	"configapi/internal/eventstore/sqlite"
	"configapi/internal/postgrestest"
)

// BenchmarkChangeSets applies sets of 1,000 changes, and makes dry runs of sets of 100, on 10,000
// names with values of 64 bytes.
func BenchmarkChangeSets(b *testing.B) {
	for _, kind := range []struct {
		name string
		open func(b *testing.B) (eventstore.Store, error)
	}{
		{"memory", func(*testing.B) (eventstore.Store, error) { return memory.New(), nil }},
		{"sqlite", func(b *testing.B) (eventstore.Store, error) {
			return sqlite.Open(b.Context(), filepath.Join(b.TempDir(), "configapi.db"), sqlite.Options{Lock: true})
		}},
		{"postgres", func(b *testing.B) (eventstore.Store, error) {
			return postgres.Open(b.Context(), postgrestest.NewDatabase(b), postgres.Options{})
		}},
	} {
		b.Run(kind.name, func(b *testing.B) {
			events, err := kind.open(b)
			if err != nil {
				b.Fatal(err)
			}
			if closer, is := events.(interface{ Close() error }); is {
				b.Cleanup(func() { _ = closer.Close() })
			}
			benchmarkSets(b, configstoretest.On(b, events, configstore.Options{}))
		})
	}
}

func benchmarkSets(b *testing.B, store *configstoretest.Store) {
	n := 0
	next := func(size int, dryRun bool) {
		set := config.ChangeSet{DryRun: dryRun, Changes: make([]config.Change, size)}
		for i := range set.Changes {
			n++
			name := fmt.Sprintf("payments/service/%d/timeout", n%10_000)
			set.Changes[i].Command = configstoretest.Set(b, name, fmt.Sprint(strings.Repeat("v", 56), n))
		}
		if _, err := store.Apply(b.Context(), auth.Anonymous, set); err != nil {
			b.Fatal(err)
		}
	}
	for range 10 {
		next(1000, false)
	}
	b.Run("apply=1000", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			next(1000, false)
		}
	})
	b.Run("dryrun=100", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			next(100, true)
		}
	})
}
