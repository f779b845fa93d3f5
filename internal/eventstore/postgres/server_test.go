package postgres

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"configapi/internal/eventstore"
	"configapi/internal/postgrestest"
	"configapi/internal/slowtest"
)

// TestServer is about a server as a whole. It has a server of its own, which it stops, kills and
// reconfigures.
func TestServer(t *testing.T) {
	slowtest.Only(t)
	t.Parallel()
	c := postgrestest.NewCluster(t)
	dsn := c.DSN("postgres")

	t.Run("a wrong password is not repeated", func(t *testing.T) {
		mustNotOpen(t, strings.Replace(c.TCPDSN("postgres"), "@", "secret@", 1), "secret", "password authentication failed")
		mustOpen(t, c.TCPDSN("postgres"), Options{})
	})

	t.Run("a store comes back after the server was unreachable", func(t *testing.T) {
		s, other := mustOpen(t, dsn, Options{PollInterval: never}), mustOpen(t, dsn, Options{})
		head := mustAppend(t, other, eventstore.Head{}, 2)
		mustHear(t, s, 0)
		for _, how := range []postgrestest.Shutdown{postgrestest.Fast, postgrestest.Immediate, postgrestest.Kill} {
			if err := c.Stop(how); err != nil {
				t.Fatal(err)
			}
			mustFailWhileUnreachable(t, s, head)
			// The connection counts as idle since then.
			other.writer.used = other.writer.used.Add(-2 * other.opts.pingAfter)
			if err := c.Start(t.Context()); err != nil {
				t.Fatal(err)
			}
			mustHaveHeadSoon(t, s, head) // acknowledged, so it is still there
			before := head.Seq
			head = mustAppend(t, other, head, 2)
			mustHear(t, s, before)
		}
	})

	t.Run("unsafe settings are refused", func(t *testing.T) {
		admin := connect(t, dsn)
		for _, setting := range []string{"fsync", "full_page_writes", "synchronous_commit"} {
			reload := func(change, value string) {
				t.Helper()
				admin.exec(change)
				admin.exec(`select pg_reload_conf()`)
				admin.until(value, `select current_setting($1)`, setting)
			}
			reload(`alter system set `+setting+` = off`, "off")
			mustNotOpen(t, dsn, "", setting+" = off")
			reload(`alter system reset `+setting, "on")
		}
	})

	t.Run("a setting that becomes unsafe does not change how appends are made", func(t *testing.T) {
		s, before := mustOpen(t, dsn, Options{}), connect(t, dsn)
		before.exec(`alter system set synchronous_commit = off`)
		before.exec(`select pg_reload_conf()`)
		before.until("off", `select current_setting('synchronous_commit')`)
		w := &session{t, s.writer.conn}
		if got := w.text(`select current_setting('synchronous_commit')`); got != "on" {
			t.Errorf("synchronous_commit of the connection that appends: got %q, want on", got)
		}
		before.exec(`alter system reset synchronous_commit`)
		before.exec(`select pg_reload_conf()`)
		before.until("on", `select current_setting('synchronous_commit')`)
	})

	t.Run("a standby is refused", func(t *testing.T) {
		s := mustOpen(t, dsn, Options{})
		if err := c.Stop(postgrestest.Fast); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(c.Dir(), "standby.signal"), nil, 0o644); err != nil {
			t.Fatal(err)
		}
		if err := c.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		mustNotOpen(t, dsn, "", "the server is a standby")
		mustNotOpen(t, with(t, dsn, "target_session_attrs", "standby"), "", "the server is a standby")
		mustNotReadFromStandby(t, s)
	})
}

// mustNotReadFromStandby fails if a store reads from a server that has become a standby, and so may
// fall behind.
func mustNotReadFromStandby(t *testing.T, s *Store) {
	t.Helper()
	// Old connections break first.
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); {
		_, err := s.Head(t.Context())
		if err == nil {
			t.Fatal("Head: got no error from a standby")
		}
		if errors.Is(err, errStandby) {
			return
		}
	}
	t.Error("Head: got other errors only")
}

func mustFailWhileUnreachable(t *testing.T, s *Store, head eventstore.Head) {
	t.Helper()
	if _, err := s.Head(t.Context()); err == nil {
		t.Errorf("Head while the server is unreachable: got no error")
	}
	// The first append notices that the connection is dead, perhaps only after it was sent. Later
	// ones send nothing.
	err := s.Append(t.Context(), head, records(head, 1))
	for range 2 {
		if err == nil || strings.Contains(err.Error(), "\n") {
			t.Errorf("Append while the server is unreachable: got %q, want an error of one line", err)
		}
		err = s.Append(t.Context(), head, records(head, 1))
	}
	if !errors.Is(err, eventstore.ErrNotWritten) {
		t.Errorf("Append while the server is unreachable: got %v, want %q", err, eventstore.ErrNotWritten)
	}
}

func TestServersThatCannotBeUsedAreNamedInOneLine(t *testing.T) {
	t.Parallel()
	dsn := postgrestest.NewDatabase(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	for url, want := range map[string]string{
		"postgres://ann:secret@" + l.Addr().String() + "/db":                 `connecting to database "db" as user "ann": ` + l.Addr().String() + " (127.0.0.1): dial error",
		with(t, dsn, "dbname", "no-such-database"):                           `database "no-such-database" does not exist`,
		with(t, dsn, "synchronous_commit", "local"):                          "synchronous_commit = local",
		with(t, dsn, "synchronous_commit", "remote_write"):                   "synchronous_commit = remote_write",
		"postgres://ann:secret@localhost:port/db":                            "must look like postgres://",
		"postgres://ann:sec%ret@localhost/db":                                "must look like postgres://",
		"postgres://ann:se/secret@localhost/db":                              "must look like postgres://",
		"postgres://ann:secret@localhost/db?sslmode=xsecret":                 "sslmode is invalid",
		"postgres://ann:secret@localhost/db?pool_max_conns=many":             "pool_max_conns",
		"postgres://ann:secret@localhost/db?connect_timeout=secretly":        "connect_timeout",
		"host=localhost password=secret connect_timeout=x":                   "must look like postgres://",
		"host=localhost password='secret":                                    "must look like postgres://",
		"postgres://ann@localhost/db?password=secret&target_session_attrs=x": "target_session_attrs",
		"postgres://ann@localhost/db?password=secret&connect_timeout=secret": "connect_timeout",
	} {
		mustNotOpen(t, url, "secret", want)
		if strings.Contains(url, "secret") {
			if _, err := Open(t.Context(), dsn, Options{ListenURL: url}); err != nil && strings.Contains(err.Error(), "secret") {
				t.Errorf("Open with a bad ListenURL: got %q, with the password in it", err)
			}
		}
	}
}

func mustNotOpen(t *testing.T, url, secret, want string) {
	t.Helper()
	s, err := Open(t.Context(), url, Options{})
	if err == nil {
		s.Close()
		t.Fatalf("Open(%q): got no error, want %q", url, want)
	}
	text := err.Error()
	if strings.Count(text, want) != 1 || strings.Contains(text, "\n") || secret != "" && strings.Contains(text, secret) {
		t.Errorf("Open(%q): got %q, want one line with %q in it once and without %q", url, text, want, secret)
	}
	if parse := new(pgconn.ParseConfigError); errors.As(err, &parse) {
		t.Errorf("Open(%q): the error still has the URL with its password inside", url)
	}
}

func TestDatabaseMustBeUTF8(t *testing.T) {
	t.Parallel()
	dsn := postgrestest.NewDatabase(t)
	admin := connect(t, dsn)
	name := admin.text(`select current_database() || '_ascii'`)
	admin.exec(`create database ` + name + ` template template0 encoding 'SQL_ASCII' lc_collate 'C' lc_ctype 'C'`)
	defer admin.exec(`drop database ` + name + ` with (force)`)
	mustNotOpen(t, with(t, dsn, "dbname", name), "", "SQL_ASCII")
}
