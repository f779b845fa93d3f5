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

// poolerPaths are where systems put pgbouncer when it is not in PATH.
var poolerPaths = []string{"/usr/sbin/pgbouncer", "/opt/homebrew/bin/pgbouncer", "/usr/local/bin/pgbouncer"}

// poolerPort is part of the name of the pooler's socket, which is in a directory of its own.
const poolerPort = 6432

// NewPooler starts a pgbouncer in transaction mode before the server of a database, and returns the
// URL of the database through it. The pooler ends with the test.
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
	program, err := poolerProgram(t.Context(), os.Stderr, poolerPaths)
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
	if err := errors.Join(os.WriteFile(settings, []byte(poolerSettings(home.dir, target)), 0o600), home.giveToOwner(settings)); err != nil {
		return "", err
	}
	cmd := exec.Command(program, settings)
	cmd.Dir, cmd.Env, cmd.SysProcAttr = home.dir, []string{"LC_ALL=C", "TZ=UTC"}, owner.attributes()
	ctx, cancel := context.WithTimeout(t.Context(), startTimeout)
	defer cancel()
	pooler, err := startServer(ctx, cmd, filepath.Join(home.dir, logName), "process up")
	if err != nil {
		return "", err
	}
	// The exit code is that of the signal.
	t.Cleanup(func() { _ = pooler.Stop(syscall.SIGTERM, stopTimeout) })
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

// poolerProgram searches PATH first and then paths. It installs pgbouncer if there is none and it
// is allowed to.
func poolerProgram(ctx context.Context, log io.Writer, paths []string) (program string, err error) {
	found := func() bool {
		if path, err := exec.LookPath("pgbouncer"); err == nil {
			paths = []string{path}
		}
		at := slices.IndexFunc(paths, executable)
		if at >= 0 {
			program = paths[at]
		}
		return at >= 0
	}
	if !found() {
		err = installMissing(ctx, log, "pgbouncer", found, errNoPooler)
	}
	return program, err
}
