package postgres

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"configapi/internal/eventstore"
	"configapi/internal/postgrestest"
	"configapi/internal/slowtest"
)

// leadTo makes new connections to the proxy go to another database. Existing connections stay.
func (p *proxy) leadTo(t *testing.T, dsn string) {
	t.Helper()
	config, err := pgconn.ParseConfig(dsn)
	if err != nil {
		t.Fatal(err)
	}
	network, address := pgconn.NetworkAddress(config.Host, config.Port)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.target = func() (net.Conn, error) { return net.Dial(network, address) }
}

// promoted makes a standby of a primary and promotes it, while the old primary goes on.
func promoted(t *testing.T, old *postgrestest.Cluster, head eventstore.Head) (dsn string, admin *session) {
	t.Helper()
	next := postgrestest.NewStandby(t, old)
	dsn = next.DSN("postgres")
	admin = connect(t, dsn)
	admin.until(head.Position().String(), `select position || '-' || encode(substr(hash, 1, 4), 'hex') from history_head`)
	admin.exec(`select pg_promote()`)
	return dsn, admin
}

// TestTwoPrimaries promotes a standby while its primary goes on, as in a failover that did not stop
// the old one. A proxy leads to either. When any connection of a store has seen the new primary,
// the store neither reads from the old one nor writes to it.
func TestTwoPrimaries(t *testing.T) {
	slowtest.Only(t)
	t.Parallel()
	c := postgrestest.NewCluster(t)
	oldDSN := c.DSN("postgres")
	oldAdmin := connect(t, oldDSN)
	proxies := []*proxy{newProxy(t, oldDSN), newProxy(t, oldDSN)}
	logs := make([]bytes.Buffer, len(proxies))
	var stores []*Store
	for i, proxy := range proxies {
		stores = append(stores, mustOpen(t, proxy.dsn, Options{
			PollInterval: never, listenRetryMin: time.Millisecond, listenPing: 500 * time.Millisecond,
			Log: slog.New(slog.NewTextHandler(&logs[i], nil)),
		}))
	}
	head := mustAppend(t, stores[0], eventstore.Head{}, 1)
	for _, s := range stores {
		mustHear(t, s, 0)
	}
	oldAdmin.until("2", listeners)
	newDSN, newAdmin := promoted(t, c, head)
	lost := mustAppend(t, stores[0], head, 1) // on the old primary, which still runs
	mustBeDurable(t, stores[1], lost)
	kept := mustAppend(t, mustOpen(t, newDSN, Options{}), head, 2)
	for _, s := range stores {
		mustHaveHead(t, s, lost)
	}

	for i, proxy := range proxies {
		proxy.leadTo(t, newDSN)
		s := stores[i]
		if i == 0 { // the writer sees it first
			oldAdmin.exec(`select pg_terminate_backend($1::int)`, sessionOf(t, s))
			mustBeDurable(t, s, kept)
			mustHaveHead(t, s, kept)
		} else { // a reader sees it first
			oldAdmin.exec(`select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'configapi'`)
			mustHaveHeadSoon(t, s, kept)
		}
		kept = mustAppend(t, s, kept, 1)
	}
	newAdmin.until("2", listeners)
	oldAdmin.until("0", `select count(*)::text from pg_stat_activity where application_name like 'configapi%'`)

	for i, s := range stores {
		proxies[i].leadTo(t, oldDSN)
		untilSuperseded(t, newAdmin, func() error { return mustNotBeOld(t, s, kept) })
		untilSuperseded(t, newAdmin, func() error { return s.Append(t.Context(), lost, records(lost, 1)) })
		proxies[i].leadTo(t, newDSN)
		mustHaveHeadSoon(t, s, kept)
		kept = mustAppend(t, s, kept, 1)
		if err := s.Close(); err != nil { // no goroutine logs after this
			t.Fatal(err)
		}
		if text := logs[i].String(); strings.Count(text, "has a new primary") != 1 || strings.Count(text, "a connection to an old primary is refused") == 0 {
			t.Errorf("the log should name the new primary once, and that the old one was refused:\n%s", text)
		}
	}
}

// mustNotBeOld returns the error of a read, which must return the head of the new primary or fail.
func mustNotBeOld(t *testing.T, s *Store, want eventstore.Head) error {
	t.Helper()
	got, err := s.Head(t.Context())
	if err == nil && got != want {
		t.Errorf("Head: got %v of the old primary", got)
	}
	return err
}

// untilSuperseded ends the sessions on the new primary until a connection is made to the old one
// alone.
func untilSuperseded(t *testing.T, newAdmin *session, do func() error) {
	t.Helper()
	var err error
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); {
		endSessions(newAdmin, "configapi%")
		if err = do(); errors.Is(err, eventstore.ErrSuperseded) {
			return
		}
	}
	t.Fatalf("got %v for too long, want %v", err, eventstore.ErrSuperseded)
}

// TestTimelineNeedsNoRights reads the timeline as a role without special rights.
func TestTimelineNeedsNoRights(t *testing.T) {
	t.Parallel()
	dsn := postgrestest.NewDatabase(t)
	admin := connect(t, dsn)
	role := admin.plainRole()
	conn := connect(t, with(t, dsn, "user", role)).conn.PgConn()
	p, err := askPrimary(t.Context(), conn)
	if err != nil || p.timeline == 0 || p.system == "" {
		t.Errorf("got %+v, %v, want a timeline", p, err)
	}
}

// plainRole makes a role that may use the schema public and nothing else. It is dropped with the
// test.
func (s *session) plainRole() (name string) {
	s.t.Helper()
	name = s.text(`select current_database() || '_role'`)
	s.exec(`create role ` + name + ` login`)
	s.exec(`grant all on schema public to ` + name)
	s.t.Cleanup(func() { dropRole(s.t, s.conn.Config().ConnString(), name) })
	return name
}

// dropRole first ends all sessions of the database: a failed test may have left locks.
func dropRole(t *testing.T, dsn, name string) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		t.Error(err)
		return
	}
	defer conn.Close(ctx)
	for _, sql := range []string{
		`select pg_terminate_backend(pid, 10000) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()`,
		`drop owned by ` + name + ` cascade`, `drop role ` + name,
	} {
		if _, err := conn.Exec(ctx, sql); err != nil {
			t.Error(err)
		}
	}
}

// TestOtherDatabasesHaveOtherTimelines: another server may have a lower timeline.
func TestOtherDatabasesHaveOtherTimelines(t *testing.T) {
	t.Parallel()
	f := newFence(slog.New(slog.DiscardHandler))
	for _, step := range []struct {
		primary
		refused bool
	}{
		{primary{"a", 3}, false}, {primary{"a", 3}, false}, {primary{"a", 2}, true}, {primary{"b", 1}, false},
		{primary{}, false}, {primary{"a", 2}, true}, {primary{"a", 4}, false}, {primary{"a", 3}, true}, {primary{"b", 1}, false},
	} {
		if err := f.check(step.primary); errors.Is(err, eventstore.ErrSuperseded) != step.refused {
			t.Errorf("%+v: got %v, want it refused: %t", step.primary, err, step.refused)
		}
	}
}

// TestReadOnlyAndBack makes a database read-only for a while, and keeps all sessions open when that
// is over.
func TestReadOnlyAndBack(t *testing.T) {
	slowtest.Only(t)
	t.Parallel()
	dsn := postgrestest.NewDatabase(t)
	admin := connect(t, dsn)
	s := mustOpen(t, dsn, Options{})
	head := mustAppend(t, s, eventstore.Head{}, 1)
	tries := map[string]func() error{
		"Append": func() error {
			return s.Append(t.Context(), head, nil, eventstore.Receipt{Key: eventstore.Key{Text: rand.Text()}})
		},
		"AppendLocked": func() error {
			return s.AppendLocked(t.Context(), head.Seq, func(eventstore.Head, []eventstore.Record) ([]eventstore.Record, []eventstore.Receipt, error) {
				return nil, []eventstore.Receipt{{Key: eventstore.Key{Text: rand.Text()}}}, nil
			})
		},
		"DurableHead":   func() error { _, err := s.DurableHead(t.Context()); return err },
		"PruneReceipts": func() error { _, err := s.PruneReceipts(t.Context(), time.Now(), 1); return err },
	}
	for what, try := range tries {
		spoil(admin, [2]string{"default_transaction_read_only", "on"})
		endSessions(admin, "configapi%")
		_, _ = s.Head(t.Context()) // notices that its connection has ended
		var err error
		for range 6 { // more than the pool's connections
			err = try()
		}
		if err == nil || !strings.Contains(err.Error(), "read-only transaction") {
			t.Errorf("%s while the database is read-only: got %v", what, err)
		}
		admin.exec(`alter database ` + admin.text(`select current_database()`) + ` reset default_transaction_read_only`)
		if err := try(); err != nil {
			t.Errorf("%s after the database was read-only: %v", what, err)
		}
	}
}
