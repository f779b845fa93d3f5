package cli_test

import (
	"bytes"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"configapi/internal/auth"
	"configapi/internal/config"
	"configapi/internal/configstore"
	"configapi/internal/configstore/configstoretest"
	"configapi/internal/eventstore/sqlite"
	"configapi/internal/postgrestest"
)

// mustFillWithTokens writes a history with the events of a token to a file, and returns the secret
// of a token that is in force.
func mustFillWithTokens(t *testing.T, path string) (secret string) {
	t.Helper()
	events, err := sqlite.Open(t.Context(), path, sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer events.Close()
	t.Run("fill", func(t *testing.T) { // the config store must stop before the file is closed
		store := configstoretest.On(t, events, configstore.Options{})
		store.MustSet(t, "a", "1")
		fields := auth.TokenFields{Name: "ci", Grants: []auth.Grant{{Actions: []auth.Action{auth.Read}}}}
		issue, err := fields.Issue()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := store.CreateToken(t.Context(), auth.Local, issue, config.Reason{}); err != nil {
			t.Fatal(err)
		}
		soon := time.Now().Add(time.Hour)
		rotate, err := auth.TokenFields{Name: "ci", KeepOldUntil: &soon}.Rotate()
		if err != nil {
			t.Fatal(err)
		}
		rotated, err := store.RotateToken(t.Context(), auth.Local, rotate, config.Reason{})
		if err != nil {
			t.Fatal(err)
		}
		secret = rotated.Secret
	})
	return secret
}

// TestHistoryWithTokensMoves verifies and backs up a history with tokens, and restores it to
// PostgreSQL. A server on either is closed, and no output has a secret.
func TestHistoryWithTokensMoves(t *testing.T) {
	dir := t.TempDir()
	file := func(name string) string { return filepath.Join(dir, name) }
	first, second := "sqlite:"+file("first.db"), postgrestest.NewDatabase(t)
	secret := mustFillWithTokens(t, file("first.db"))
	MustRun(t, "backup", "--store", first, file("1"))
	MustRun(t, "restore-backup", "--tokens", "keep", "--store", second, file("1"))
	MustRun(t, "backup", "--store", second, file("2"))
	backup := mustReadFile(t, file("1"))
	if !bytes.Equal(backup, mustReadFile(t, file("2"))) || !bytes.Contains(backup, []byte("TokenRotated")) {
		t.Errorf("the second backup is %s, want %s", mustReadFile(t, file("2")), backup)
	}
	if id := secret[len("cfg_"):][:22]; !bytes.Contains(backup, []byte(id)) || bytes.Contains(backup, []byte(secret[len("cfg_")+22:])) {
		t.Error("the backup does not have the public id, or has the secret")
	}
	for _, store := range []string{first, second} {
		if got := run(t, nil, "verify", "--store", store); got.code != 0 || !strings.HasPrefix(got.stdout, "ok: 3 events") {
			t.Errorf("%s: got %+v", store, got)
		}
		server := MustServe(t, store)
		answer, err := http.Get(server.URL("/config/a"))
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		if answer.StatusCode != http.StatusUnauthorized {
			t.Errorf("%s: an anonymous caller got %s", store, answer.Status)
		}
		server.terminate()
	}
}
