package postgrestest

import (
	"os"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
)

// envHang makes the test binary the process that is killed while it uses a server.
const envHang = "POSTGRESTEST_HANG"

func TestMain(m *testing.M) {
	if os.Getenv(envHang) != "" {
		startAndHang()
	}
	Main(m)
}

func TestEachTestGetsADatabaseOfItsOwnUntilItEnds(t *testing.T) {
	t.Parallel()
	var first string
	t.Run("its own", func(t *testing.T) {
		first = NewDatabase(t)
		mustRun(t, first, `create table mine ()`)
		mustRun(t, NewDatabase(t), `create table mine ()`)
		if got := mustQuery(t, first, `select pg_encoding_to_char(encoding) || ' ' || datcollate from pg_database where datname = current_database()`); got != "UTF8 C" {
			t.Errorf("encoding and collation: got %q, want %q", got, "UTF8 C")
		}
	})
	if conn, err := pgx.Connect(t.Context(), first); err == nil {
		conn.Close(t.Context())
		t.Errorf("a database outlived its test")
	}
}

func TestDatabaseIsAsGoodAsNewForTheNextTest(t *testing.T) {
	const (
		oid  = `select oid::text from pg_database where datname = current_database()`
		acl  = `select concat_ws(' ', nspowner::regrole, nspacl) from pg_namespace where nspname = 'public'`
		left = `select (select count(*) from pg_class where relnamespace = 'public'::regnamespace) + (select count(*) from pg_type where typnamespace = 'public'::regnamespace) || ' ' || current_setting('work_mem')`
	)
	var first, empty string
	var busy *pgx.Conn
	t.Run("first", func(t *testing.T) {
		dsn := NewDatabase(t)
		first, empty = mustQuery(t, dsn, oid), mustQuery(t, dsn, left)
		mustRun(t, dsn, `create type kind as (n int); create table mine (k kind primary key); revoke all on schema public from public`)
		mustRun(t, dsn, `do $$ begin execute format('alter database %I set work_mem = 123', current_database()); end $$`)
		var err error
		if busy, err = pgx.Connect(t.Context(), dsn); err == nil {
			_, err = busy.Exec(t.Context(), `begin; lock table mine`)
		}
		if err != nil {
			t.Fatal(err)
		}
	})
	dsn := NewDatabase(t)
	if got := mustQuery(t, dsn, oid); got != first {
		t.Fatalf("got another database (%s) than the one of before (%s)", got, first)
	}
	if got := mustQuery(t, dsn, left); got != empty {
		t.Errorf("relations and types, setting: got %q, want %q", got, empty)
	}
	const public = "pg_database_owner {pg_database_owner=UC/pg_database_owner,=U/pg_database_owner}"
	if got := mustQuery(t, dsn, acl); got != public {
		t.Errorf("owner and rights of the schema public: got %q, want %q", got, public)
	}
	if err := busy.Ping(t.Context()); err == nil {
		t.Errorf("a connection to it outlived its test")
	}
}

func TestServerOfTheEnvironmentMustBeAURL(t *testing.T) {
	if _, err := parseURL("host=localhost password=secret"); err == nil || strings.Contains(err.Error(), "secret") {
		t.Errorf("parseURL: got %v, want an error without the password", err)
	}
	if u, err := parseURL("postgres://ann@example.org/db"); err != nil || u.Host != "example.org" {
		t.Errorf("parseURL: got %v, %v", u, err)
	}
}

func mustRun(t *testing.T, dsn, sql string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	if _, err := conn.Exec(t.Context(), sql); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}

// mustQuery returns the text that a query selects.
func mustQuery(t *testing.T, dsn, sql string) (answer string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	if err := conn.QueryRow(t.Context(), sql).Scan(&answer); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return answer
}
