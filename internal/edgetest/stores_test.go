package edgetest_test

import (
	"path/filepath"
	"testing"
	"time"

	"configapi/internal/configstore"
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

// stores are all that there are, each with an empty history.
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

// TestBadInput runs the table of bad input on every edge of every store.
func TestBadInput(t *testing.T) {
	for storeName, open := range stores {
		for edgeName, serve := range edges {
			t.Run(storeName+" "+edgeName, func(t *testing.T) {
				t.Parallel()
				store := configstoretest.On(t, open(t), configstore.Options{MaxValueBytes: 5000, PositionWait: time.Millisecond})
				edgetest.Run(t, store, serve(t, store))
			})
		}
	}
}

// TestErrors has every kind of error, so that no edge can forget one.
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
