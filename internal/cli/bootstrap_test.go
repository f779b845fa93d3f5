package cli_test

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"configapi/internal/postgrestest"
)

// mustBootstrap makes the file of a first token, and returns its secret.
func mustBootstrap(t *testing.T, file string) (secret string) {
	t.Helper()
	secret = MustIssue(t, "token", "bootstrap", file)
	text := string(mustReadFile(t, file))
	if !strings.Contains(text, publicID(secret)) || strings.Contains(text, secret[len(publicID(secret)):]) {
		t.Fatalf("the file has not the public id, or has the secret: %s", text)
	}
	return secret
}

// issuedLine is in the log of the server that has issued the first token.
const issuedLine = "issued the first token"

// TestBootstrap starts a server with the file of a first token, on all addresses, which only a
// closed one may listen on. A second start changes nothing, and neither does one after the token
// was revoked.
func TestBootstrap(t *testing.T) {
	dir := shortDir(t)
	file, store := filepath.Join(dir, "first"), "sqlite:"+filepath.Join(dir, "x.db")
	secret := mustBootstrap(t, file)
	serve := func() process {
		return mustServeOn(t, map[string]string{"CONFIGAPI_BOOTSTRAP_TOKEN_FILE": file}, "serve", "--store", store, "--listen", "0.0.0.0:0")
	}
	server := serve()
	server.awaitLog(t, issuedLine)
	for _, test := range []struct {
		secret string
		want   int
	}{{secret, http.StatusOK}, {exampleSecret, http.StatusUnauthorized}} {
		if got := statusOf(t, server, "/config", "Authorization", "Bearer "+test.secret); got != test.want {
			t.Errorf("got %d, want %d", got, test.want)
		}
	}
	if got := statusOf(t, server, "/config"); got != http.StatusUnauthorized {
		t.Errorf("without a token: got %d", got)
	}
	want := "name bootstrap\nstate in force\nsecret in force\ngrants READ,WRITE,ADMIN:\nexpires never\ncreated INSTANT by bootstrap\n"
	mustPrint(t, 0, want, "token", "whois", secret, "--store", store)
	server.terminate()

	server = serve()
	server.awaitLog(t, "the bootstrap file has no effect")
	mustPrint(t, 0, "bootstrap is revoked\n", "token", "revoke", "bootstrap", "--admin-socket", filepath.Join(dir, "x.db.sock"))
	server.terminate()

	server = serve()
	server.awaitLog(t, "the bootstrap file has no effect")
	if got := statusOf(t, server, "/config", "Authorization", "Bearer "+secret); got != http.StatusUnauthorized {
		t.Errorf("after its revocation: got %d", got)
	}
	server.terminate()
	if got := run(t, nil, "verify", "--store", store); !strings.HasPrefix(got.stdout, "ok: 2 events") {
		t.Errorf("got %+v, want the events of its issue and its revocation alone", got)
	}
}

// TestBootstrapByTwoNodes starts two nodes at once on one database. One issues the token, and both
// are closed as soon as they answer.
func TestBootstrapByTwoNodes(t *testing.T) {
	file, database := filepath.Join(t.TempDir(), "first"), postgrestest.NewDatabase(t)
	secret := mustBootstrap(t, file)
	nodes := make([]process, 2)
	var all sync.WaitGroup
	for i := range nodes {
		all.Go(func() {
			nodes[i] = MustServe(t, database, "CONFIGAPI_BOOTSTRAP_TOKEN_FILE="+file)
			if got := statusOf(t, nodes[i], "/config"); got != http.StatusUnauthorized {
				t.Errorf("node %d: without a token: got %d", i, got)
			}
			if got := statusOf(t, nodes[i], "/config", "Authorization", "Bearer "+secret); got != http.StatusOK {
				t.Errorf("node %d: with the token: got %d", i, got)
			}
		})
	}
	all.Wait()
	if t.Failed() {
		return
	}
	for _, node := range nodes {
		node.terminate() // writes the rest of its log
	}
	if issued := strings.Count(nodes[0].Log()+nodes[1].Log(), issuedLine); issued != 1 {
		t.Errorf("%d nodes have issued it", issued)
	}
	if got := run(t, nil, "verify", "--store", database); !strings.HasPrefix(got.stdout, "ok: 1 events") {
		t.Errorf("got %+v, want one event", got)
	}
}

// TestBootstrapFiles starts servers with files that are none of a first token. No message repeats
// what they have.
func TestBootstrapFiles(t *testing.T) {
	dir := t.TempDir()
	good := filepath.Join(dir, "good")
	secret := mustBootstrap(t, good)
	line := publicID(secret) + " sha256:" + strings.Repeat("a", 64)
	for name, test := range map[string]struct {
		text string
		mode os.FileMode
		want string
	}{
		"secret":   {secret + "\n", 0o600, "has a secret; keep that elsewhere"},
		"both":     {secret + " " + line[len("cfg_")+22+1:], 0o600, "has a secret; keep that elsewhere"},
		"empty":    {"# nothing\n\n", 0o600, "has 0 tokens"},
		"two":      {line + "\n" + line + "\n", 0o600, "has 2 tokens"},
		"id":       {"cfg_x sha256:" + strings.Repeat("a", 64), 0o600, "must have one line"},
		"short":    {line[:len(line)-1], 0o600, "64 hex digits"},
		"long":     {line + "aa", 0o600, "64 hex digits"},
		"no-hex":   {line[:len(line)-1] + "x", 0o600, "64 hex digits"},
		"large":    {line + strings.Repeat("\n", 5000), 0o600, "more than 4096 bytes"},
		"writable": {line, 0o646, "everyone may write to the bootstrap file"},
	} {
		file := filepath.Join(dir, name)
		mustWrite(t, file, test.text)
		if err := os.Chmod(file, test.mode); err != nil {
			t.Fatal(err)
		}
		got := runBriefly(t, nil, "serve", "--store", "memory", "--listen", "127.0.0.1:0", "--bootstrap-token-file", file)
		if got.code != 2 || !strings.Contains(got.stderr, test.want) || strings.Contains(got.stderr, secret) {
			t.Errorf("%s: got %+v, want %q", name, got, test.want)
		}
	}
	if got := run(t, nil, "token", "bootstrap", good); got.code != 2 || got.stdout != "" {
		t.Errorf("got %+v, want that the file is kept", got)
	}
	if got := runBriefly(t, nil, "serve", "--store", "memory", "--bootstrap-token-file", dir); got.code != 2 || !strings.Contains(got.stderr, "no regular file") {
		t.Errorf("got %+v", got)
	}
}
