package postgrestest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"
)

// sqlTimeout bounds what is done to a database before and after a test.
const sqlTimeout = 30 * time.Second

// NewDatabase makes an empty database for a test and returns its URL. The URL is not valid after
// the test.
//
// Creating and dropping a database takes longer than most tests. So the database is cleared and
// renamed after the test, for another test: its schema public is made again, its settings are
// reset, and its connections are ended. Anything else that a test makes in it stays.
func NewDatabase(t testing.TB) (dsn string) {
	t.Helper()
	if err := startShared(context.WithoutCancel(t.Context())); err != nil {
		t.Fatal(err)
	}
	name, ok := reuseCleared()
	if !ok {
		name = newName()
		mustExec(t, `create database `+name+` template template0 encoding 'UTF8' lc_collate 'C' lc_ctype 'C'`)
	}
	database := *shared.url
	database.Path = "/" + name
	t.Cleanup(func() { recycle(t, name, database.String()) })
	return database.String()
}

// recycle clears a database for another test, or drops it if that fails.
func recycle(t testing.TB, name, dsn string) {
	t.Helper()
	if err := clearDatabase(dsn); err != nil {
		t.Logf("clearing a database: %v", err)
		mustExec(t, `drop database `+name+` with (force)`)
		return
	}
	cleared := newName()
	mustExec(t, `alter database `+name+` reset all`)
	mustExec(t, `alter database `+name+` rename to `+cleared)
	shared.Lock()
	defer shared.Unlock()
	shared.cleared = append(shared.cleared, cleared)
}

func reuseCleared() (name string, ok bool) {
	shared.Lock()
	defer shared.Unlock()
	last := len(shared.cleared) - 1
	if last < 0 {
		return "", false
	}
	name, shared.cleared = shared.cleared[last], shared.cleared[:last]
	return name, true
}

func newName() string { return "configapi_test_" + randomText() }

// clearing empties the database of the connection. The schema is that of a new database of
// PostgreSQL 15 or newer.
const clearing = `
select pg_terminate_backend(pid, 10000) from pg_stat_activity
	where datname = current_database() and backend_type = 'client backend' and pid <> pg_backend_pid();
set client_min_messages = warning;
drop schema public cascade;
create schema public authorization pg_database_owner;
grant usage on schema public to public`

func clearDatabase(dsn string) error {
	ctx, cancel := context.WithTimeout(context.Background(), sqlTimeout)
	defer cancel()
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		return err
	}
	_, err = conn.Exec(ctx, clearing)
	return errors.Join(err, end(ctx, conn.PgConn()))
}

// end ends a session and waits until the server has forgotten it. Otherwise the rename that follows
// would wait for the session, in steps of 100 ms.
func end(ctx context.Context, conn *pgconn.PgConn) error {
	defer conn.Close(ctx)
	deadline, _ := ctx.Deadline()
	if err := conn.Conn().SetDeadline(deadline); err != nil {
		return err
	}
	conn.Frontend().Send(&pgproto3.Terminate{})
	if err := conn.Frontend().Flush(); err != nil {
		return err
	}
	_, err := io.Copy(io.Discard, conn.Conn())
	return err
}

// dropCleared drops the databases that are ready for another test, unless their server stops
// anyway.
func dropCleared() error {
	var errs []error
	for name, ok := reuseCleared(); ok && shared.cluster == nil; name, ok = reuseCleared() {
		errs = append(errs, adminExec(`drop database `+name+` with (force)`))
	}
	return errors.Join(errs...)
}

func mustExec(t testing.TB, sql string) {
	t.Helper()
	if err := adminExec(sql); err != nil {
		t.Fatal(err)
	}
}

func adminExec(sql string) error {
	ctx, cancel := context.WithTimeout(context.Background(), sqlTimeout)
	defer cancel()
	if _, err := shared.admin.Exec(ctx, sql); err != nil {
		return fmt.Errorf("%s: %w", sql, err)
	}
	return nil
}
