package postgres

import (
	"errors"
	"testing"

	"configapi/internal/eventstore"
	"configapi/internal/postgrestest"
	"configapi/internal/slowtest"
)

// TestReadsForUsersDelayNobody has reads for users that hang, with a role that may have eight
// connections. What keeps a node going does not notice.
func TestReadsForUsersDelayNobody(t *testing.T) {
	slowtest.Only(t)
	t.Parallel()
	dsn := postgrestest.NewDatabase(t)
	mustOpen(t, dsn, Options{})
	admin := connect(t, dsn)
	role := admin.text(`select current_database() || '_tight'`)
	admin.exec(`create role ` + role + ` login connection limit 8`)
	defer func() { admin.exec(`drop owned by ` + role + `; drop role ` + role) }()
	admin.exec(`grant all on all tables in schema public to ` + role)
	s := mustOpen(t, with(t, dsn, "user", role), Options{QueryTimeout: patience})
	defer s.Close()
	branch := mustAppend(t, s, eventstore.Head{}, 3)
	go func() { _ = s.Wait(t.Context(), branch.Seq+1) }() // which begins to listen

	admin.exec(`begin; lock table events in access exclusive mode`)
	const readers = 300 // more than run and wait together
	errs := make(chan error, readers)
	for range readers {
		go func() {
			_, err := s.ReadBranch(t.Context(), branch, 0, eventstore.Limit{})
			errs <- err
		}()
	}
	for range readers - userConnections {
		if err := <-errs; !errors.Is(err, eventstore.ErrBusy) {
			t.Errorf("a read that has no room: got %v, want %v", err, eventstore.ErrBusy)
		}
	}
	for range 20 {
		mustHaveHead(t, s, branch)
		if _, err := s.ReadReceipts(t.Context(), []eventstore.Key{{Text: "k"}}); err != nil {
			t.Errorf("ReadReceipts: %v", err)
		}
	}
	if _, err := s.DurableHead(t.Context()); err != nil {
		t.Errorf("the writer: %v", err)
	}
	admin.until("true", `select (count(*) > 0)::text from pg_stat_activity where usename = $1 and application_name = 'configapi-listener'`, role)
	if got := admin.text(`select count(*)::text from pg_stat_activity where usename = $1`, role); len(got) != 1 || got > "8" {
		t.Errorf("%s connections, want 8 at most", got)
	}
	admin.exec(`rollback`)
	for range userConnections {
		if err := <-errs; err != nil {
			t.Errorf("a read that had its turn: %v", err)
		}
	}
}

// TestSizeOfThePoolOfUsers is what the URL says, and three unless it does.
func TestSizeOfThePoolOfUsers(t *testing.T) {
	t.Parallel()
	dsn := postgrestest.NewDatabase(t)
	for url, want := range map[string]int32{dsn: userConnections, with(t, dsn, "pool_max_conns", "9"): 9} {
		s := mustOpen(t, url, Options{})
		if users, own := s.users.Config().MaxConns, s.pool.Config().MaxConns; users != want || own != 2 {
			t.Errorf("%d connections for users and %d of its own, want %d and 2", users, own, want)
		}
	}
}
