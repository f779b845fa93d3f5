package postgrestest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
)

var errNoPooler = errors.New(`this test needs pgbouncer, and there is none on this machine. Install it: apt-get install pgbouncer,
dnf install pgbouncer, brew install pgbouncer`)

// poolerPlaces are where systems put pgbouncer if not into PATH: Debian's is no program for everybody.
var poolerPlaces = []string{"/usr/sbin/pgbouncer", "/opt/homebrew/bin/pgbouncer", "/usr/local/bin/pgbouncer"}

// poolerPort is in the name of the pooler's socket, in a directory of its own.
const poolerPort = 6432

// NewPooler starts a pgbouncer in transaction mode before the server of a database, and returns the URL of the database by way
// of it. The pooler ends with the test.
func NewPooler(t testing.TB, dsn string) (pooled string) {
	t.Helper()
	target, err := pgconn.ParseConfig(dsn)
	if err != nil {
		t.Fatal(err)
	}
	dir, err := startPooler(t, target)
	if err != nil {
		t.Fatalf("starting pgbouncer: %v", err)
	}
	query := url.Values{"host": {dir}, "port": {strconv.Itoa(poolerPort)}}
	u := url.URL{Scheme: "postgres", User: url.User("anybody"), Path: "/" + target.Database, RawQuery: query.Encode()}
	return u.String()
}

// startPooler returns the directory of the pooler's socket.
func startPooler(t testing.TB, target *pgconn.Config) (dir string, err error) {
	program, err := poolerProgram(t.Context(), os.Stderr, poolerPlaces)
	if err != nil {
		return "", err
	}
	owner, err := serverOwner()
	if err != nil {
		return "", err
	}
	home, err := newHome(baseDir(owner), owner)
	if err != nil {
		return "", err
	}
	t.Cleanup(func() {
		if err := home.remove(); err != nil {
			t.Error(err)
		}
	})
	settings := filepath.Join(home.dir, "pgbouncer.ini")
	if err := errors.Join(os.WriteFile(settings, []byte(poolerSettings(home.dir, target)), 0o600), home.give(settings)); err != nil {
		return "", err
	}
	cmd := exec.Command(program, settings)
	cmd.Dir, cmd.Env, cmd.SysProcAttr = home.dir, []string{"LC_ALL=C", "TZ=UTC"}, &syscall.SysProcAttr{Credential: owner}
	ctx, cancel := context.WithTimeout(t.Context(), startTimeout)
	defer cancel()
	pooler, err := startServer(ctx, cmd, filepath.Join(home.dir, logName), "process up")
	if err != nil {
		return "", err
	}
	t.Cleanup(func() { _ = pooler.Stop(syscall.SIGTERM, stopTimeout) }) // its exit code tells of the signal
	return home.dir, nil
}

func poolerSettings(dir string, target *pgconn.Config) string {
	quoted := func(text string) string { return "'" + strings.ReplaceAll(text, "'", "''") + "'" }
	database := fmt.Sprintf("host=%s port=%d user=%s", quoted(target.Host), target.Port, quoted(target.User))
	if target.Password != "" {
		database += " password=" + quoted(target.Password)
	}
	return fmt.Sprintf(`[databases]
%s = %s
[pgbouncer]
pool_mode = transaction
listen_addr =
listen_port = %d
unix_socket_dir = %s
auth_type = any
max_client_conn = 500
`, target.Database, database, poolerPort, dir)
}

// poolerProgram looks into PATH first, and then into places. It installs pgbouncer if there is none and it may.
func poolerProgram(ctx context.Context, log io.Writer, places []string) (program string, err error) {
	found := func() bool {
		if path, err := exec.LookPath("pgbouncer"); err == nil {
			places = []string{path}
		}
		at := slices.IndexFunc(places, executable)
		if at >= 0 {
			program = places[at]
		}
		return at >= 0
	}
	if !found() {
		err = installMissing(ctx, log, "pgbouncer", found, errNoPooler)
	}
	return program, err
}
