package postgres

import (
	"errors"
	"testing"

	"configapi/internal/eventstore"
	"configapi/internal/postgrestest"
	"configapi/internal/slowtest"
)

// TestQueriesDelayOnlyQueries makes reads of users hang, with a role that may have seven
// connections. What the node itself needs goes on.
func TestQueriesDelayOnlyQueries(t *testing.T) {
	slowtest.Only(t)
	t.Parallel()
	dsn := postgrestest.NewDatabase(t)
	mustOpen(t, dsn, Options{})
	admin := connect(t, dsn)
	role := admin.text(`select current_database() || '_tight'`)
	admin.exec(`create role ` + role + ` login connection limit 7`)
	defer func() { admin.exec(`drop owned by ` + role + `; drop role ` + role) }()
	admin.exec(`grant all on all tables in schema public to ` + role)
	s := mustOpen(t, with(t, dsn, "user", role), Options{queryTimeout: patience})
	defer s.Close()
	basis := mustAppend(t, s, eventstore.Head{}, 3)
	go func() { _ = s.Wait(t.Context(), basis.Seq+1) }() // makes the store listen
	admin.until("1", listeners)

	admin.exec(`begin; lock table events in access exclusive mode`)
	const readers = 300 // more than run and wait together
	errs := make(chan error, readers)
	for range readers {
		go func() {
			_, err := s.ReadHistory(t.Context(), basis, 0, eventstore.Limit{})
			errs <- err
		}()
	}
	for range readers - queryConnections {
		if err := <-errs; !errors.Is(err, eventstore.ErrBusy) {
			t.Errorf("a read beyond the bound: got %v, want %v", err, eventstore.ErrBusy)
		}
	}
	for range 20 {
		mustHaveHead(t, s, basis)
		if _, err := s.ReadReceipts(t.Context(), []eventstore.Key{{Text: "k"}}); err != nil {
			t.Errorf("ReadReceipts: %v", err)
		}
	}
	if _, err := s.DurableHead(t.Context()); err != nil {
		t.Errorf("the writer: %v", err)
	}
	if got := admin.text(`select count(*)::text from pg_stat_activity where usename = $1`, role); len(got) != 1 || got > "7" {
		t.Errorf("%s connections, want 7 at most", got)
	}
	admin.exec(`rollback`)
	for range queryConnections {
		if err := <-errs; err != nil {
			t.Errorf("a read that had its turn: %v", err)
		}
	}
}

// TestSizeOfTheQueryPool: the URL sets it, and the default is three.
func TestSizeOfTheQueryPool(t *testing.T) {
	t.Parallel()
	dsn := postgrestest.NewDatabase(t)
	for url, want := range map[string]int32{dsn: queryConnections, with(t, dsn, "pool_max_conns", "9"): 9} {
		s := mustOpen(t, url, Options{})
		if users, own := s.queryPool.Config().MaxConns, s.nodePool.Config().MaxConns; users != want || own != 2 {
			t.Errorf("%d connections for users and %d of its own, want %d and 2", users, own, want)
		}
	}
}
