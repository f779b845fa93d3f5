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
)

// leadTo has connections that come to the proxy from now on go to another database. Those that there are stay.
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

// promoted makes a standby of a primary, and a primary of that, while the old one goes on.
func promoted(t *testing.T, old *postgrestest.Cluster, head eventstore.Head) (dsn string, admin *session) {
	t.Helper()
	next := postgrestest.NewStandby(t, old)
	dsn = next.DSN("postgres")
	admin = connect(t, dsn)
	admin.until(head.Bookmark().String(), `select position || '-' || encode(substr(hash, 1, 4), 'hex') from history_head`)
	admin.exec(`select pg_promote()`)
	return dsn, admin
}

// TestTwoPrimaries promotes a standby whose primary goes on, as in a failover that did not fence the old one. A proxy leads to
// either. Once a store has seen the new primary, it neither reads from the old one nor writes to it, by whatever connection.
func TestTwoPrimaries(t *testing.T) {
	t.Parallel()
	c := postgrestest.NewCluster(t)
	oldDSN := c.DSN("postgres")
	var log bytes.Buffer
	proxy := newProxy(t, oldDSN)
	s := mustOpen(t, proxy.dsn, Options{PollInterval: never, ListenRetryMin: time.Millisecond, ListenPing: 50 * time.Millisecond, Log: slog.New(slog.NewTextHandler(&log, nil))})
	head := mustAppend(t, s, eventstore.Head{}, 1)
	mustHear(t, s, 0)
	oldAdmin := connect(t, oldDSN)
	oldAdmin.until("true", listening)
	newDSN, newAdmin := promoted(t, c, head)
	lost := mustAppend(t, s, head, 1) // on the old one, which nobody has stopped
	mustHaveHead(t, s, lost)

	proxy.leadTo(t, newDSN)
	kept := mustAppend(t, mustOpen(t, newDSN, Options{}), head, 2)
	endReaders(oldAdmin, s)
	mustHaveHeadSoon(t, s, kept)
	if got := s.writer.conn.PgConn(); s.writer.fence.holds(got) {
		t.Error("the connection that appends still leads to the old primary, and would be used")
	}
	kept = mustAppend(t, s, kept, 1) // by way of a new connection
	newAdmin.until("true", listening)
	oldAdmin.until("0", `select count(*)::text from pg_stat_activity where application_name like 'configapi%'`)

	proxy.leadTo(t, oldDSN)
	endSessions(newAdmin, "configapi%")
	untilSuperseded(t, func() error { _, err := s.Head(t.Context()); return err })
	untilSuperseded(t, func() error { return s.Append(t.Context(), lost, records(lost, 1)) })
	for range 3 {
		if _, err := s.Head(t.Context()); !errors.Is(err, eventstore.ErrSuperseded) {
			t.Errorf("Head by way of the old primary: got %v, want %v", err, eventstore.ErrSuperseded)
		}
		if err := s.Append(t.Context(), lost, records(lost, 1)); !errors.Is(err, eventstore.ErrSuperseded) || !errors.Is(err, eventstore.ErrNotWritten) {
			t.Errorf("Append by way of the old primary: got %v, want %v", err, eventstore.ErrSuperseded)
		}
	}
	proxy.leadTo(t, newDSN)
	mustHaveHeadSoon(t, s, kept)
	mustAppend(t, s, kept, 1)
	if err := s.Close(); err != nil { // so that nobody logs any more
		t.Fatal(err)
	}
	if text := log.String(); strings.Count(text, "has a new primary") != 1 || strings.Count(text, "a connection to the database is refused") != 1 {
		t.Errorf("the log should tell of the new primary once, and once that the old one was refused:\n%s", text)
	}
}

// untilSuperseded waits until something has found out that its connection was ended, and tried to make another.
func untilSuperseded(t *testing.T, do func() error) {
	t.Helper()
	var err error
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); {
		if err = do(); errors.Is(err, eventstore.ErrSuperseded) {
			return
		}
	}
	t.Fatalf("got %v for too long, want %v", err, eventstore.ErrSuperseded)
}

// endReaders ends the sessions on which a store reads.
func endReaders(admin *session, s *Store) {
	admin.t.Helper()
	admin.exec(`select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'configapi' and pid <> $1`, s.writer.conn.PgConn().PID())
	admin.until("1", `select count(*)::text from pg_stat_activity where application_name = 'configapi'`)
}

// TestTimelineNeedsNoRights reads it as a role that may do nothing special.
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

// plainRole makes a role that may use the schema public and no more. It ends with the test.
func (s *session) plainRole() (name string) {
	s.t.Helper()
	name = s.text(`select current_database() || '_role'`)
	s.exec(`create role ` + name + ` login`)
	s.exec(`grant all on schema public to ` + name)
	s.t.Cleanup(func() { dropRole(s.t, s.conn.Config().ConnString(), name) })
	return name
}

func dropRole(t *testing.T, dsn, name string) {
	conn, err := pgx.Connect(context.Background(), dsn)
	if err != nil {
		t.Error(err)
		return
	}
	defer conn.Close(context.Background())
	for _, sql := range []string{
		`select pg_terminate_backend(pid, 10000) from pg_stat_activity where usename = '` + name + `'`,
		`drop owned by ` + name + ` cascade`, `drop role ` + name,
	} {
		if _, err := conn.Exec(context.Background(), sql); err != nil {
			t.Error(err)
		}
	}
}

// TestOtherDatabasesHaveOtherTimelines: after a move to another server the timeline may be any.
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
		if err := f.judge(step.primary); errors.Is(err, eventstore.ErrSuperseded) != step.refused {
			t.Errorf("%+v: got %v, want it refused: %t", step.primary, err, step.refused)
		}
	}
}

// TestReadOnlyAndBack has a database take no writes for a while, and leaves all sessions as they are when that is over.
func TestReadOnlyAndBack(t *testing.T) {
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
			return s.AppendLocked(t.Context(), head.Position, func(eventstore.Head, []eventstore.Record) ([]eventstore.Record, []eventstore.Receipt, error) {
				return nil, []eventstore.Receipt{{Key: eventstore.Key{Text: rand.Text()}}}, nil
			})
		},
		"DurableHead":   func() error { _, err := s.DurableHead(t.Context()); return err },
		"PruneReceipts": func() error { _, err := s.PruneReceipts(t.Context(), time.Now(), 1); return err },
	}
	for what, try := range tries {
		spoil(admin, [2]string{"default_transaction_read_only", "on"})
		endSessions(admin, "configapi%")
		_, _ = s.Head(t.Context()) // finds out that its connection has ended
		var err error
		for range 6 { // as many as the pool may have connections, and more
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
