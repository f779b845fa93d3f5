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
	// EnvURL is the environment variable that names the server on which [NewDatabase] makes databases.
	EnvURL = "TEST_DATABASE_URL"
	// EnvTemplate is the environment variable that names the template of which [New] makes copies: see [NewTemplate].
	EnvTemplate = "TEST_POSTGRES_TEMPLATE"
)

// shared is what the tests of this process share: the first that needs it makes it, and [Main] closes it.
var shared struct {
	sync.Mutex
	err     error
	url     *url.URL      // of a database on the server on which databases are made
	admin   *pgxpool.Pool // connections to it; nil: none were needed yet
	cleared []string      // databases for the tests to come
	cluster *Cluster      // the server, when this process has started it
}

// Main runs the tests of a package, stops the server that they shared, and exits. It is what TestMain calls.
//
// Twice as many tests as usual run at once, unless -parallel says otherwise: they wait for the server half of the time.
func Main(m *testing.M) {
	if err := flag.Set("test.parallel", strconv.Itoa(2*runtime.GOMAXPROCS(0))); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	if err := unshare(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = max(code, 1)
	}
	os.Exit(code)
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

// share finds or starts the server, once.
func share(ctx context.Context) error {
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

// unshare leaves nothing on a server of somebody else, and ends an own one.
func unshare() error {
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
