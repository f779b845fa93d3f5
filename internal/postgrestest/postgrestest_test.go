package postgrestest

import (
	"os"
	"testing"

	"github.com/jackc/pgx/v5"
)

// envHang makes the test binary the process that is killed in the midst of using a server.
const envHang = "POSTGRESTEST_HANG"

func TestMain(m *testing.M) {
	if os.Getenv(envHang) != "" {
		startAndHang()
	}
	Main(m)
}

func TestEachTestGetsADatabaseOfItsOwnUntilItEnds(t *testing.T) {
	var first string
	t.Run("its own", func(t *testing.T) {
		first = NewDatabase(t)
		mustExec(t, first, `create table mine ()`)
		mustExec(t, NewDatabase(t), `create table mine ()`)
		if got := mustQuery(t, first, `select pg_encoding_to_char(encoding) || ' ' || datcollate from pg_database where datname = current_database()`); got != "UTF8 C" {
			t.Errorf("encoding and collation: got %q, want %q", got, "UTF8 C")
		}
	})
	if conn, err := pgx.Connect(t.Context(), first); err == nil {
		conn.Close(t.Context())
		t.Errorf("a database outlived its test")
	}
}

func TestServerOfTheEnvironmentMustBeAURL(t *testing.T) {
	t.Setenv(EnvURL, "host=localhost password=secret")
	if _, err := adminURL(t.Context()); err == nil {
		t.Errorf("adminURL: got no error")
	}
	t.Setenv(EnvURL, "postgres://ann@example.org/db")
	if u, err := adminURL(t.Context()); err != nil || u.Host != "example.org" {
		t.Errorf("adminURL: got %v, %v", u, err)
	}
}

// mustQuery returns the one text that a query answers with.
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
