package postgres

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
)

// TestOpenWarnsAboutBothConnections opens a store whose context has ended.
func TestOpenWarnsAboutBothConnections(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var log bytes.Buffer
	_, err := Open(ctx, "postgres://u:secret@db.example/c?sslmode=require", Options{
		ListenURL: "postgres://u:secret@listen.example/c", Log: slog.New(slog.NewTextHandler(&log, nil)),
	})
	if err == nil {
		t.Fatal("a store was opened")
	}
	for _, host := range []string{"host=db.example", "host=listen.example"} {
		if !strings.Contains(log.String(), host) {
			t.Errorf("got %s, want a warning with %s", log.String(), host)
		}
	}
}

func TestUnverifiedConnectionsAreWarnedAbout(t *testing.T) {
	for url, want := range map[string]bool{
		"postgres://u:secret@db.example/c":                               true, // the default is prefer
		"postgres://u:secret@db.example/c?sslmode=disable":               true,
		"postgres://u:secret@db.example/c?sslmode=require":               true,
		"postgres://u:secret@db.example/c?sslmode=verify-ca":             true,
		"postgres://u:secret@db.example/c?sslmode=verify-full":           false,
		"postgres://u:secret@192.0.2.1/c":                                true,
		"postgres://u:secret@127.0.0.1/c":                                false,
		"postgres://u:secret@127.0.0.1,db.example/c":                     true,
		"postgres://u:secret@127.0.0.1,db.example/c?sslmode=verify-full": false,
		"postgres://u:secret@[::1]/c":                                    false,
		"postgres://u:secret@localhost/c?sslmode=disable":                false,
		"postgres:///c?host=/var/run/postgresql&user=u&password=secret":  false,
		"postgres://u:secret@localhost.example/c?sslmode=prefer":         true,
	} {
		config, err := pgx.ParseConfig(url)
		if err != nil {
			t.Fatal(err)
		}
		var log bytes.Buffer
		warnIfUnverified(config, slog.New(slog.NewTextHandler(&log, nil)))
		if got := log.Len() > 0; got != want {
			t.Errorf("%s: warned %v, want %v: %s", url, got, want, log.String())
		}
		if strings.Contains(log.String(), "secret") {
			t.Errorf("the log has the password: %s", log.String())
		}
	}
}
