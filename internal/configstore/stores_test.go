package configstore_test

import (
	"path/filepath"
	"testing"

	"configapi/internal/configstore/configstoretest"
	"configapi/internal/eventstore"
	"configapi/internal/eventstore/memory"
	"configapi/internal/eventstore/postgres"
	"configapi/internal/eventstore/sqlite"
	"configapi/internal/postgrestest"
)

func TestMain(m *testing.M) { postgrestest.Main(m) }

// stores are all event stores, each with an empty history.
var stores = map[string]func(t testing.TB) eventstore.Store{
	"memory": func(testing.TB) eventstore.Store { return memory.New() },
	"sqlite": func(t testing.TB) eventstore.Store {
		s, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "history.db"), sqlite.Options{})
		if err != nil {
			t.Fatal(err)
		}
		closeAtEnd(t, s.Close)
		return s
	},
	"postgres": func(t testing.TB) eventstore.Store {
		s, err := postgres.Open(t.Context(), postgrestest.NewDatabase(t), postgres.Options{CloseTimeout: configstoretest.Patience})
		if err != nil {
			t.Fatal(err)
		}
		closeAtEnd(t, s.Close)
		return s
	},
}

func closeAtEnd(t testing.TB, close func() error) {
	t.Cleanup(func() {
		if err := close(); err != nil {
			t.Error(err)
		}
	})
}
