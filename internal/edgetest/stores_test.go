package edgetest_test

import (
	"path/filepath"
	"testing"

	"configapi/internal/configstore/configstoretest"
	"configapi/internal/edgetest"
	"configapi/internal/eventstore"
	"configapi/internal/eventstore/memory"
	"configapi/internal/eventstore/postgres"
	"configapi/internal/eventstore/sqlite"
	"configapi/internal/fault"
	"configapi/internal/postgrestest"
)

func TestMain(m *testing.M) { postgrestest.Main(m) }

// stores are all stores, each with an empty history.
var stores = map[string]func(t *testing.T) eventstore.Store{
	"memory": func(*testing.T) eventstore.Store { return memory.New() },
	"sqlite": func(t *testing.T) eventstore.Store {
		s, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "configapi.db"), sqlite.Options{Lock: true})
		if err != nil {
			t.Fatal(err)
		}
		closeAtEnd(t, s.Close)
		return s
	},
	"postgres": func(t *testing.T) eventstore.Store {
		s, err := postgres.Open(t.Context(), postgrestest.NewDatabase(t), postgres.Options{CloseTimeout: configstoretest.Patience})
		if err != nil {
			t.Fatal(err)
		}
		closeAtEnd(t, s.Close)
		return s
	},
}

func closeAtEnd(t *testing.T, close func() error) {
	t.Cleanup(func() {
		if err := close(); err != nil {
			t.Error(err)
		}
	})
}

// TestErrors tries an error of each kind on each edge.
func TestErrors(t *testing.T) {
	for i, failure := range edgetest.Errors() {
		if failure.Kind != fault.Kind(i) || fault.KindOf(failure.Err) != failure.Kind {
			t.Errorf("row %d is of kind %d, its error of kind %d", i, failure.Kind, fault.KindOf(failure.Err))
		}
	}
	if got, want := len(edgetest.Errors()), int(fault.Unavailable)+1; got != want {
		t.Errorf("%d rows, want %d", got, want)
	}
}
