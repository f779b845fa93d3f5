package cli_test

import (
	"context"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"configapi/internal/postgrestest"
)

// overSocket returns a client that sends to a Unix socket.
func overSocket(path string) *http.Client {
	return &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", path)
	}}}
}

// TestPlaces asks for the tokens of four places, each with one of its own name, and finds those of
// the place that comes first.
func TestPlaces(t *testing.T) {
	dir := shortDir(t)
	file := func(name string) string { return filepath.Join(dir, name) }
	issue := func(name string, args ...string) string {
		return MustIssue(t, append([]string{"token", "create", name, "--grant", "READ,WRITE,ADMIN:"}, args...)...)
	}
	issue("on-the-store", "--store", "sqlite:"+file("store.db"))
	MustServe(t, "sqlite:"+file("served.db"))
	issue("over-the-socket", "--admin-socket", file("served.db.sock"))
	server := MustServe(t, "memory", "CONFIGAPI_ADMIN_SOCKET="+file("url.sock"))
	secret := issue("at-the-address", "--url", server.URL("")) // an open server of this machine asks for no token
	mustWrite(t, file("secret"), secret+"\n")
	database := postgrestest.NewDatabase(t)
	issue("on-postgres", "--store", database)

	url := map[string]string{"CONFIGAPI_URL": server.URL("/"), "CONFIGAPI_TOKEN": secret}
	env := func(pairs ...string) map[string]string {
		all := map[string]string{"CONFIGAPI_TOKEN_FILE": file("secret")}
		for i := 0; i < len(pairs); i += 2 {
			all[pairs[i]] = pairs[i+1]
		}
		return all
	}
	for _, test := range []struct {
		env  map[string]string
		args []string
		want string
	}{
		{env("CONFIGAPI_ADMIN_SOCKET", file("served.db.sock"), "CONFIGAPI_URL", server.URL("")), []string{"--store", "sqlite:" + file("store.db")}, "on-the-store"},
		{env("CONFIGAPI_STORE", database), []string{"--admin-socket", file("served.db.sock")}, "over-the-socket"},
		{env("CONFIGAPI_ADMIN_SOCKET", file("served.db.sock")), []string{"--url", server.URL("/v1")}, "at-the-address"},
		{env("CONFIGAPI_ADMIN_SOCKET", file("served.db.sock"), "CONFIGAPI_URL", "nonsense", "CONFIGAPI_STORE", "nonsense"), nil, "over-the-socket"},
		{env("CONFIGAPI_ADMIN_SOCKET", "off", "CONFIGAPI_URL", server.URL(""), "CONFIGAPI_STORE", "nonsense"), nil, "at-the-address"},
		{url, nil, "at-the-address"},
		{env("CONFIGAPI_STORE", "sqlite:"+file("served.db"), "DATABASE_URL", database), nil, "over-the-socket"},
		{env("CONFIGAPI_STORE", "sqlite:"+file("store.db"), "DATABASE_URL", database), nil, "on-the-store"},
		{env("DATABASE_URL", database), nil, "on-postgres"},
	} {
		for _, command := range [][]string{{"token", "list"}, {"can", "READ", "a", "--as", test.want}} {
			got := run(t, test.env, append(command, test.args...)...)
			if want := map[string]string{"token": test.want, "can": "READ,WRITE,ADMIN:\n"}[command[0]]; got.code != 0 || !strings.Contains(got.stdout, want) {
				t.Errorf("%v %v %v: got %+v, want %s", test.env, command, test.args, got, want)
			}
		}
	}
	t.Chdir(dir) // without anything, the store is sqlite:data/configapi.db
	issue("by-default")
	if got := run(t, nil, "token", "list"); got.code != 0 || !strings.Contains(got.stdout, "by-default") {
		t.Errorf("got %+v", got)
	}
}

// TestTokenCommandsAtAnAddress runs the commands with a token: it may do no more than the token.
func TestTokenCommandsAtAnAddress(t *testing.T) {
	socket := filepath.Join(shortDir(t), "x.sock")
	server := MustServe(t, "memory", "CONFIGAPI_ADMIN_SOCKET="+socket)
	admin := MustIssue(t, "token", "create", "admin", "--grant", "READ,ADMIN:shop", "--admin-socket", socket)
	at := func(secret string, args ...string) result {
		return run(t, map[string]string{"CONFIGAPI_URL": server.URL(""), "CONFIGAPI_TOKEN": secret}, args...)
	}
	made := at(admin, "token", "create", "ci", "--grant", "READ:shop/a", "--expires", "90d")
	secret := strings.TrimSpace(made.stdout)
	for _, test := range []struct {
		secret string
		args   []string
		code   int
		want   string
	}{
		{admin, []string{"token", "whois", secret}, 0, "created  "},
		{admin, []string{"can", "READ", "shop/a/b", "--as", "ci"}, 0, "READ:shop/a\n"},
		{admin, []string{"can", "WRITE", "shop/a/b", "--as", "ci"}, 1, "no: no grant of ci"},
		{admin, []string{"can", "READ", "a", "--as", "none"}, 3, "there is no token none"},
		{admin, []string{"token", "grant", "ci", "--grant", "READ:shop", "--expected-version", "2"}, 4, "version 2 was expected, but the token has version 1"},
		{admin, []string{"token", "create", "more", "--grant", "WRITE:shop"}, 5, "WRITE on shop is not granted"},
		{admin, []string{"token", "create", "ci", "--grant", "READ:shop"}, 8, "no name is issued twice"},
		{secret, []string{"token", "list"}, 5, "ADMIN is not granted"},
		{"", []string{"token", "list"}, 5, "put one into CONFIGAPI_TOKEN"},
		{exampleSecret, []string{"token", "list"}, 5, "the token is not valid"},
		{admin, []string{"token", "revoke", "ci"}, 0, "ci is revoked"},
		{admin, []string{"token", "whois", secret}, 0, "state    revoked\nsecret   ended"},
	} {
		got := at(test.secret, test.args...)
		if got.code != test.code || !strings.Contains(got.stdout+got.stderr, test.want) || strings.Contains(got.stdout+got.stderr, secret) {
			t.Errorf("%v: got %+v, want %d and %q", test.args, got, test.code, test.want)
		}
	}
	if !strings.Contains(made.stderr, "made ci") || strings.Contains(server.Log(), secret) {
		t.Errorf("got %+v, and the log %s", made, server.Log())
	}
}
