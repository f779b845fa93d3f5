package cli_test

import (
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"configapi/internal/auth"
	"configapi/internal/postgrestest"
	"configapi/internal/processtest"
)

// MustIssue runs a command that prints a secret, and returns it. Nothing else may be on standard
// output, and the secret not on standard error.
func MustIssue(t *testing.T, args ...string) (secret string) {
	t.Helper()
	got := run(t, nil, args...)
	secret = strings.TrimSuffix(got.stdout, "\n")
	if _, err := auth.ParseSecret(secret); err != nil || got.code != 0 {
		t.Fatalf("%q: got %+v, want a secret alone on standard output", args, got)
	}
	if strings.Contains(got.stderr, secret) {
		t.Fatalf("%q: standard error has the secret: %q", args, got.stderr)
	}
	return secret
}

// mustPrint runs a command, and compares its exit code and its output, spaces apart.
func mustPrint(t *testing.T, code int, want string, args ...string) {
	t.Helper()
	got := run(t, nil, args...)
	form := regexp.MustCompile(` {2,}`).ReplaceAllString(got.stdout+got.stderr, " ")
	form = regexp.MustCompile(`20\d\d-\S+Z`).ReplaceAllString(form, "INSTANT")
	if got.code != code || strings.TrimSpace(form) != strings.TrimSpace(want) {
		t.Errorf("%q: got exit code %d and\n%swant %d and\n%s", args, got.code, form, code, want)
	}
}

// publicID returns the part of a secret that may be shown.
func publicID(secret string) string { return secret[:len("cfg_")+22] }

func TestTokenCommands(t *testing.T) {
	store := "sqlite:" + filepath.Join(t.TempDir(), "new", "x.db") // made by the first command
	on := func(args ...string) []string { return append(args, "--store", store) }
	first := MustIssue(t, on("token", "create", "ci", "--grant", "READ,WRITE:payments", "--grant", "READ:shop/", "--expires", "90d", "--reason", "nightly runs")...)
	MustIssue(t, on("token", "create", "all", "--grant", "READ,WRITE,ADMIN:")...)
	all := MustIssue(t, on("token", "rotate", "all", "--expected-version", "1")...)
	mustPrint(t, 0, `
NAME VERSION EXPIRES LAST USED SECRETS GRANTS
all 2 never never `+publicID(all)+` READ,WRITE,ADMIN:
ci 1 INSTANT never `+publicID(first)+` READ,WRITE:payments READ:shop`, on("token", "list")...)
	second := MustIssue(t, on("token", "rotate", "ci", "--keep-old", "24h")...)
	mustPrint(t, 0, "ci may now do READ:payments; version 3\n", on("token", "grant", "ci", "--grant", "READ:payments", "--expected-version", "2")...)
	for _, id := range []string{publicID(first), first, second} {
		mustPrint(t, 0, "name ci\nstate in force\nsecret in force\ngrants READ:payments\nexpires INSTANT\ncreated INSTANT by local\n", on("token", "whois", id)...)
	}
	mustPrint(t, 0, "ci is revoked\n", on("token", "revoke", "ci")...)
	mustPrint(t, 0, "name ci\nstate revoked\nsecret ended\ngrants READ:payments\nexpires INSTANT\ncreated INSTANT by local\n", on("token", "whois", second)...)
	if got := runWith(t.Context(), strings.NewReader(second+"\n"), nil, on("token", "whois", "-")...); got.code != 0 || !strings.HasPrefix(got.stdout, "name     ci\n") || strings.Contains(got.stdout, second) {
		t.Errorf("got %+v, want whose the secret on standard input is", got)
	}
	for _, test := range []struct {
		code int
		want string
		args []string
	}{
		{8, "name is taken: a token has it or had it, and no name is issued twice", []string{"token", "create", "ci", "--grant", "READ:"}},
		{3, "there is no token of this name that you may see", []string{"token", "revoke", "ci"}},
		{4, "version 1 was expected, but the token has version 2", []string{"token", "revoke", "all", "--expected-version", "1"}},
		{8, "keepOldUntil is more than 30 days from now", []string{"token", "rotate", "all", "--keep-old", "31d"}},
		{8, "grants is empty; give at least one grant, or revoke the token", []string{"token", "grant", "all"}},
	} {
		mustPrint(t, test.code, "configapi: "+test.want+"\n", on(test.args...)...)
	}
	stranger, _ := auth.NewSecret()
	mustPrint(t, 3, "configapi: no token that you may see has, or had last, the secret "+publicID(stranger)+"\n", on("token", "whois", stranger)...)
}

// TestTokenCommandsOnAMissingStore changes tokens of a file that is not there: nothing makes it.
func TestTokenCommandsOnAMissingStore(t *testing.T) {
	missing := filepath.Join(t.TempDir(), "typo.db")
	for _, args := range [][]string{{"rotate", "ci"}, {"grant", "ci", "--grant", "READ:"}, {"revoke", "ci"}, {"list"}} {
		args = append([]string{"token"}, append(args, "--store", "sqlite:"+missing)...)
		got := run(t, nil, args...)
		if got.code != 2 || !strings.Contains(got.stderr, "typo.db: no such file") {
			t.Errorf("%q: got %+v", args, got)
		}
		if _, err := os.Stat(missing); err == nil {
			t.Fatalf("%q made the store", args)
		}
	}
}

func TestCan(t *testing.T) {
	file := filepath.Join(t.TempDir(), "questions")
	store := "sqlite:" + filepath.Join(t.TempDir(), "x.db")
	on := func(args ...string) []string { return append(args, "--store", store) }
	MustIssue(t, on("token", "create", "ci", "--grant", "READ:shop", "--grant", "READ,WRITE:payments/a")...)
	mustPrint(t, 0, "READ,WRITE:payments/a\n", on("can", "READ", "payments/a/b", "--as", "ci")...)
	mustPrint(t, 0, "READ:shop\n", on("can", "--as", "ci", "READ", "shop")...)
	mustPrint(t, 1, "configapi: no: no grant of ci has WRITE on shop/x\n", on("can", "WRITE", "shop/x", "--as", "ci")...)
	mustPrint(t, 1, "configapi: no: no grant of ci has READ on payments/ab\n", on("can", "READ", "payments/ab", "--as", "ci")...)
	mustPrint(t, 3, "configapi: there is no token no, or it is revoked\n", on("can", "READ", "a", "--as", "no")...)

	mustWrite(t, file, "# a comment\n\nallow READ shop/x as ci\n deny\tWRITE shop/x as ci\n")
	mustPrint(t, 0, "ok: 2 lines\n", on("can", "-f", file)...)
	mustWrite(t, file, "deny READ shop/x as ci\nallow WRITE shop/x as ci\nallow READ shop as ci\ndeny READ a as no\n")
	mustPrint(t, 1, file+":1: ci may READ shop/x: READ:shop\n"+file+":2: ci may not WRITE shop/x\n"+file+
		":4: there is no token no, or it is revoked\nconfigapi: 3 of 4 lines are not as they say\n", on("can", "-f", file)...)
	for text, want := range map[string]string{
		"allow READ shop/x":       ":1: write `allow ACTION NAME as TOKEN`, or the same with deny",
		"\nallow LOOK shop as ci": ":2: the action must be READ, WRITE or ADMIN",
		"allow READ shop/ as ci":  ":1: the config's name has an empty segment: / may neither begin nor end it, nor follow another /",
		"allow READ shop as a:b":  ":1: the token's name may hold only letters, digits, and _ - .",
		"# nothing":               " has no line to check",
		"allow READ shop as ci\n" + strings.Repeat("a", 1<<16): ":2: the line has more than 65536 bytes",
	} {
		mustWrite(t, file, text)
		mustPrint(t, 2, "configapi: "+file+want+"\n", on("can", "-f", file)...)
	}
}

// TestTokenCommandsBesideServer runs them beside a server. A file is locked for changes alone; with
// PostgreSQL the server takes the new token at once.
func TestTokenCommandsBesideServer(t *testing.T) {
	file := "sqlite:" + filepath.Join(shortDir(t), "x.db")
	socket := strings.TrimPrefix(file, "sqlite:") + ".sock"
	secret := MustIssue(t, "token", "create", "ci", "--grant", "READ:", "--store", file)
	MustServe(t, file)
	if got := run(t, nil, "token", "revoke", "ci", "--store", file); got.code != 2 || !strings.Contains(got.stderr, "use its admin socket: --admin-socket "+socket+"\n") {
		t.Errorf("got %+v, want that the file is locked, and the socket", got)
	}
	if got := run(t, nil, "token", "whois", secret, "--store", file); got.code != 0 || !strings.Contains(got.stdout, "ci") {
		t.Errorf("got %+v, want whose the secret is, beside the server", got)
	}
	database := postgrestest.NewDatabase(t)
	server := MustServe(t, database)
	server.MustSend(t, http.MethodPut, "/config/a", `{"value":"1"}`, http.Header{"Content-Type": {"application/json"}})
	MustIssue(t, "token", "create", "ci", "--grant", "READ:", "--store", database)
	mustPrint(t, 0, "READ:\n", "can", "READ", "a", "--as", "ci", "--store", database)
	for begin := time.Now(); time.Since(begin) < processtest.Patience; { // until it has applied the event
		if answer := server.MustSend(t, http.MethodGet, "/config/a", "", nil); answer != "1" {
			return
		}
	}
	t.Error("the server is still open")
}

func mustWrite(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestTokenListShowsTheLastUse uses a token on a server that ends in order soon after.
func TestTokenListShowsTheLastUse(t *testing.T) {
	eachStore(t, func(t *testing.T, store string) {
		secret := MustIssue(t, "token", "create", "ci", "--grant", "READ:", "--store", store)
		server := MustServe(t, store)
		server.MustSend(t, http.MethodGet, "/config", "", http.Header{"Authorization": {"Bearer " + secret}})
		if code, _ := server.terminate(); code != 0 {
			t.Fatalf("the server ended with %d", code)
		}
		got := run(t, nil, "token", "list", "--store", store)
		used := regexp.MustCompile(`(?m)^ci +1 +never +(20\d\d-\d\d-\d\dT\d\d:\d\dZ) +` + publicID(secret)).FindStringSubmatch(got.stdout)
		if used == nil {
			t.Fatalf("got %+v, want a time of the last use", got)
		}
		at, err := time.Parse("2006-01-02T15:04Z", used[1])
		if ago := time.Since(at); err != nil || ago < 0 || ago > time.Hour {
			t.Errorf("the token was last used %v ago, at %s", ago, used[1])
		}
	})
}
