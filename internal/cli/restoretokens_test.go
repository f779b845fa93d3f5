package cli_test

import (
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"configapi/internal/eventstore/sqlite"
)

// TestServersWaitForRevocations has a store with a whole history, whose restore was interrupted
// before it had revoked the tokens. No server starts on it, and the same command goes on.
func TestServersWaitForRevocations(t *testing.T) {
	dir := t.TempDir()
	file := func(name string) string { return filepath.Join(dir, name) }
	mustFillWithTokens(t, file("x.db"))
	store := "sqlite:" + file("x.db")
	MustRun(t, "backup", "--store", store, file("backup"))
	events, err := sqlite.Open(t.Context(), file("x.db"), sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	head, err := events.Head(t.Context())
	if err = errors.Join(err, events.BeginRestore(t.Context(), head), events.Close()); err != nil {
		t.Fatal(err)
	}
	const want = "configapi: the store has all 3 events of a backup, but its restore is running or was interrupted before it had ended " +
		"the backup's tokens; run `configapi restore-backup` with that backup again\n"
	if got := runBriefly(t, nil, "serve", "--store", store, "--listen", "127.0.0.1:0"); got.code != 2 || got.stderr != want {
		t.Errorf("got %+v, want %q", got, want)
	}
	MustRun(t, "restore-backup", "--tokens", "revoke", "--store", store, file("backup"))
	MustServe(t, store)
	if got := run(t, nil, "token", "list", "--store", store); got.code != 0 || strings.Contains(got.stdout, "ci") {
		t.Errorf("got %+v, want no token", got)
	}
}

// TestRestoreAsksAboutTokens restores a backup with tokens in a script. It must say what becomes of
// them.
func TestRestoreAsksAboutTokens(t *testing.T) {
	dir := t.TempDir()
	file := func(name string) string { return filepath.Join(dir, name) }
	secret := mustFillWithTokens(t, file("first.db"))
	MustRun(t, "backup", "--store", "sqlite:"+file("first.db"), file("backup"))
	null, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	eachStore(t, func(t *testing.T, store string) {
		const notSaid = "configapi: the backup has tokens, which are good for this store, too: " +
			"give --tokens keep if they may be used, or --tokens revoke to end all of them\n"
		into := []string{"restore-backup", file("backup"), "--store", store}
		if got := runWith(t.Context(), null, nil, into...); got.code != 2 || got.stderr != notSaid {
			t.Errorf("got %+v, want exit code 2 and %q", got, notSaid)
		}
		if got := run(t, nil, append(into, "--tokens", "drop")...); got.code != 2 || !strings.Contains(got.stderr, "write keep or revoke") {
			t.Errorf("got %+v", got)
		}
		if said := MustRun(t, append(into, "--tokens", "keep")...); !strings.Contains(said, "\nkept 1 token of the backup in force: they are good for this store, too\n") {
			t.Errorf("keep says %q", said)
		}
		if got := mustReadWith(t, store, secret); got != "1" {
			t.Errorf("with a token that was kept: got %s", got)
		}
		if got := run(t, nil, append(into, "--tokens", "revoke")...); got.code != 2 || !strings.Contains(got.stderr, "configapi token revoke") {
			t.Errorf("into the whole store: got %+v", got)
		}
		if got := mustReadWith(t, store, secret); got != "1" {
			t.Errorf("after a restore that was refused: got %s", got)
		}
	})
}

// mustReadWith reads a config with a token from a server that runs meanwhile.
func mustReadWith(t *testing.T, store, secret string) string {
	server := MustServe(t, store)
	defer server.terminate()
	return server.MustSend(t, http.MethodGet, "/config/a", "", http.Header{"Authorization": {"Bearer " + secret}})
}

func TestRestoreRevokesTokens(t *testing.T) {
	first, file := filepath.Join(t.TempDir(), "first.db"), filepath.Join(t.TempDir(), "backup")
	secret := mustFillWithTokens(t, first)
	MustRun(t, "backup", "--store", "sqlite:"+first, file)
	eachStore(t, func(t *testing.T, store string) {
		if said := MustRun(t, "restore-backup", file, "--store", store, "--tokens", "revoke"); !strings.HasPrefix(said, "restored 4 events") ||
			!strings.Contains(said, "\nrevoked 1 token of the backup; make others with `configapi token create`\n") {
			t.Errorf("revoke says %q", said)
		}
		if got := mustReadWith(t, store, secret); !strings.Contains(got, `"status":401`) {
			t.Errorf("with a token that was revoked: got %s", got)
		}
		if got := run(t, nil, "verify", "--store", store); got.code != 0 || !strings.HasPrefix(got.stdout, "ok: 4 events") {
			t.Errorf("got %+v", got)
		}
	})
}
