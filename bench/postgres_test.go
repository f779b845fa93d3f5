package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
)

func TestTemporaryPostgresIsDurableAndIsRemoved(t *testing.T) {
	t.Setenv(postgresVariable, "")
	r := newTestRig(t, postgresOptions(t))
	url, err := r.newStore(t.Context(), storePostgres, "test")
	if err != nil {
		t.Fatal(err)
	}
	for _, setting := range []string{"fsync", "synchronous_commit", "full_page_writes"} {
		if got := show(t, url, setting); got != "on" {
			t.Errorf("%s is %s, want on", setting, got)
		}
	}
	if r.postgres.cpu() == 0 {
		t.Error("no CPU time was counted for it")
	}
	address := r.postgres.admin
	r.close()
	if _, err := os.Stat(r.dir); !os.IsNotExist(err) {
		t.Errorf("the directory is still there: %v", err)
	}
	if conn, err := pgx.Connect(t.Context(), address); err == nil {
		conn.Close(t.Context())
		t.Error("the server still answers")
	}
}

// postgresOptions are options with PostgreSQL, in a directory that other users can reach.
func postgresOptions(t *testing.T) options {
	t.Helper()
	o := testOptions(t)
	o.Stores = []string{storePostgres}
	for _, dir := range []string{o.Dir, filepath.Dir(o.Dir)} {
		if err := os.Chmod(dir, 0o711); err != nil {
			t.Fatal(err)
		}
	}
	return o
}

// show returns a setting of a database.
func show(t *testing.T, url, setting string) (value string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	if err := conn.QueryRow(t.Context(), "SHOW "+setting).Scan(&value); err != nil {
		t.Fatal(err)
	}
	return value
}

func TestGivenPostgresIsLeftAsItWas(t *testing.T) {
	t.Setenv(postgresVariable, "")
	server := newTestRig(t, postgresOptions(t))
	t.Setenv(postgresVariable, server.postgres.admin)

	guest := newTestRig(t, postgresOptions(t))
	before := databases(t, server)
	if _, err := guest.newStore(t.Context(), storePostgres, "guest"); err != nil {
		t.Fatal(err)
	}
	if got := databases(t, server); got != before+1 {
		t.Errorf("got %d databases, want one more than %d", got, before)
	}
	guest.close()
	if got := databases(t, server); got != before {
		t.Errorf("got %d databases, want %d again", got, before)
	}
}

// databases returns the number of databases on the server.
func databases(t *testing.T, r *rig) (n int) {
	t.Helper()
	err := r.postgres.query(t.Context(), func(conn *pgx.Conn) error {
		return conn.QueryRow(t.Context(), "SELECT count(*) FROM pg_database").Scan(&n)
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestPostgresMustBeGivenAsURL(t *testing.T) {
	for _, given := range []string{"host=localhost password=secret dbname=postgres", "postgres://u:se%cret@h/d", "secret"} {
		_, err := (&postgresServer{admin: given}).createDatabase(t.Context(), "any")
		if err == nil || !strings.Contains(err.Error(), postgresVariable) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%q: got %v, want an error that names the variable and no secret", given, err)
		}
	}
}
