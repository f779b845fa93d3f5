package postgrestest

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// EnvURL is the environment variable that names the server on which [NewDatabase] makes databases.
const EnvURL = "TEST_DATABASE_URL"

// sqlTimeout bounds the making and the dropping of a database.
const sqlTimeout = 30 * time.Second

// shared is the server of this process's tests, which the first that needs one starts and [Main] stops.
var shared struct {
	sync.Mutex
	cluster *Cluster
	err     error
}

// Main runs the tests of a package, stops the server that they shared, and exits. It is what TestMain calls.
func Main(m *testing.M) {
	code := m.Run()
	if shared.cluster != nil {
		if err := shared.cluster.Close(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = max(code, 1)
		}
	}
	os.Exit(code)
}

// NewDatabase makes an empty database for a test and returns its URL. The database is dropped when the test ends.
func NewDatabase(t testing.TB) (dsn string) {
	t.Helper()
	admin, err := adminURL(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	name := "configapi_test_" + randomText()
	mustExec(t, admin.String(), `create database `+name+` template template0 encoding 'UTF8' lc_collate 'C' lc_ctype 'C'`)
	t.Cleanup(func() { mustExec(t, admin.String(), `drop database `+name+` with (force)`) })
	database := *admin
	database.Path = "/" + name
	return database.String()
}

// NewCluster makes a cluster for one test and starts it. It is stopped and removed when the test ends.
func NewCluster(t testing.TB, settings ...string) *Cluster {
	t.Helper()
	c, err := New(t.Context(), settings...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return c
}

// adminURL returns the URL of a database on the server on which databases are made.
func adminURL(ctx context.Context) (*url.URL, error) {
	if text := os.Getenv(EnvURL); text != "" {
		u, err := url.Parse(text)
		if err != nil || u.Scheme != "postgres" && u.Scheme != "postgresql" {
			return nil, fmt.Errorf("%s must be a URL, such as postgres://user:password@localhost:5432/postgres", EnvURL)
		}
		return u, nil
	}
	shared.Lock()
	defer shared.Unlock()
	if shared.cluster == nil && shared.err == nil {
		shared.cluster, shared.err = New(context.WithoutCancel(ctx))
	}
	if shared.err != nil {
		return nil, shared.err
	}
	return url.Parse(shared.cluster.DSN("postgres"))
}

func mustExec(t testing.TB, dsn, sql string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), sqlTimeout)
	defer cancel()
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(ctx)
	if _, err := conn.Exec(ctx, sql); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}

func randomText() string { return strings.ToLower(rand.Text()[:16]) }
