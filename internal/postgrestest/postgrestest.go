// Package postgrestest gives tests a real PostgreSQL. No test skips it, and none needs it to be set
// up by hand.
//
// [NewDatabase] gives each test an empty database of its own. Its server is the one of
// TEST_DATABASE_URL if that is set, to a URL of a role that may create databases. Otherwise the
// test process starts a [Cluster] for itself, with the newest PostgreSQL of the machine (from PATH,
// then from /usr/lib/postgresql/*/bin and the like). If there is none, and root runs the tests, it
// is installed with apt-get. Otherwise the tests fail and say what to install.
//
// [NewCluster] starts a server for a test that stops it, kills it or changes its settings.
// [NewPooler] starts a pgbouncer in transaction mode before a database, which is found and
// installed in the same way.
//
// A package that uses this one calls [Main] in its TestMain, which stops the shared server. The
// command withpostgres starts one server for the tests of all packages, and a template for all
// clusters that they make:
//
//	go run ./internal/postgrestest/withpostgres -- go test ./...
//
// No server outlives the process that started it, not even if that is killed (on Linux; elsewhere
// only if it ends normally). The next process that starts a server removes the files.
package postgrestest

import (
	"context"
	"crypto/rand"
	"errors"
	"flag"
	"fmt"
	"net/url"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"
)

const (
	// EnvURL is the environment variable with the URL of the server on which [NewDatabase] makes
	// databases.
	EnvURL = "TEST_DATABASE_URL"
	// EnvTemplate is the environment variable with the directory of the template that [New] copies:
	// see [NewTemplate].
	EnvTemplate = "TEST_POSTGRES_TEMPLATE"
)

// shared is what the tests of this process share. The first test that needs it makes it, and [Main]
// closes it.
var shared struct {
	sync.Mutex
	err     error
	url     *url.URL      // of a database on the server of the tests' databases
	admin   *pgxpool.Pool // connections to it; nil: not needed yet
	cleared []string      // databases for later tests
	cluster *Cluster      // the server, if this process has started it
}

// Main runs the tests of a package, stops the server that they shared, and exits. TestMain calls
// it.
//
// By default twice as many tests as usual run at once, because they wait for the server half of the
// time.
func Main(m *testing.M) {
	if err := flag.Set("test.parallel", strconv.Itoa(2*runtime.GOMAXPROCS(0))); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	if err := closeShared(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = max(code, 1)
	}
	os.Exit(code)
}

// NewCluster makes a cluster for one test and starts it, as [New] does. It is closed when the test
// ends.
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

// startShared finds or starts the server, once.
func startShared(ctx context.Context) error {
	shared.Lock()
	defer shared.Unlock()
	if shared.admin != nil || shared.err != nil {
		return shared.err
	}
	text := os.Getenv(EnvURL)
	if text == "" {
		if shared.cluster, shared.err = New(ctx); shared.err != nil {
			return shared.err
		}
		text = shared.cluster.DSN("postgres")
	}
	if shared.url, shared.err = parseURL(text); shared.err == nil {
		shared.admin, shared.err = pgxpool.New(ctx, text)
	}
	return shared.err
}

// closeShared drops the databases on a server of others, and stops a server of its own.
func closeShared() error {
	var err error
	if shared.admin != nil {
		err = dropCleared()
		shared.admin.Close()
	}
	if shared.cluster != nil {
		err = errors.Join(err, shared.cluster.Close())
	}
	return err
}

func parseURL(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "postgres" && u.Scheme != "postgresql" {
		return nil, fmt.Errorf("%s must be a URL, such as postgres://user:password@localhost:5432/postgres", EnvURL)
	}
	return u, nil
}

func randomText() string { return strings.ToLower(rand.Text()[:16]) }
