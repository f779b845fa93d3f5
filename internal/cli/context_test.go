package cli_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestContexts makes, uses, shows, changes and forgets contexts.
func TestContexts(t *testing.T) {
	home := map[string]string{"HOME": t.TempDir()}
	file := filepath.Join(home["HOME"], ".config/configapi/config.yaml")
	for _, step := range []struct {
		args []string
		code int
		want string // of both outputs
	}{
		{[]string{"context", "list"}, 0, "there is no context; `configapi context set NAME --url URL` makes one"},
		{[]string{"context", "show"}, 3, "there is no current context"},
		{[]string{"context", "set", "staging"}, 2, "write a URL such as https://config.example"},
		{[]string{"context", "set", "staging", "--url", "https://staging.example", "--token-file", "staging.token"}, 0, "made the context staging, at https://staging.example\n"},
		{[]string{"context", "set", "production", "--url", "https://config.example", "--prefix", "payments/", "--confirm", "--", "pass", "show", "x"}, 0, "made the context production"},
		{[]string{"context", "set", "production", "pass"}, 2, "write one NAME, and a program that prints the token after --"},
		{[]string{"context", "list"}, 0, "*  staging     https://staging.example  -         -        file staging.token\n"},
		{[]string{"context", "list"}, 0, "   production  https://config.example   payments  yes      command pass show x\n"},
		{[]string{"context", "list", "-o", "name"}, 0, "production\nstaging\n"},
		{[]string{"context", "use", "none"}, 3, `there is no context "none", but production, staging`},
		{[]string{"context", "use", "production"}, 0, "commands work on production now, at https://config.example\n"},
		{[]string{"context", "show"}, 0, "token    command pass show x\n"},
		{[]string{"context", "set", "production", "--confirm=false", "--token-file", "p", "--prefix", ""}, 0, "changed the context production"},
		{[]string{"context", "show"}, 0, "token    file p\nca       -\nprefix   -\nconfirm  no\n"},
		{[]string{"context", "delete", "production"}, 0, "forgot the context production\n"},
		{[]string{"context", "delete", "production"}, 3, `there is no context "production", but staging`},
		{[]string{"context", "show", "staging", "-o", "yaml"}, 0, "name: staging\ncurrent: false\nurl: https://staging.example\ntokenFile: staging.token\nconfirm: false\n"},
		{[]string{"context", "hunter2"}, 2, "there is no such command; see `configapi context help`"},
		{[]string{"__complete", "context", "use", ""}, 0, "staging\n:4\n"},
		{[]string{"__complete", "get", "--context", ""}, 0, "staging\n:4\n"},
	} {
		got := run(t, home, step.args...)
		if got.code != step.code || !strings.Contains(got.stdout+got.stderr, step.want) {
			t.Errorf("%q: got %+v, want %d and %q", step.args, got, step.code, step.want)
		}
	}
	text, err := os.ReadFile(file)
	if want := "contexts:\n  staging:\n    url: https://staging.example\n    token_file: staging.token\n"; err != nil || string(text) != want {
		t.Errorf("got %s, %v, want %s", text, err, want)
	}
	var shown struct{ Name, URL, TokenFile string }
	if err := json.Unmarshal([]byte(run(t, home, "context", "show", "staging", "-o", "json").stdout), &shown); err != nil || shown.TokenFile != "staging.token" {
		t.Errorf("got %+v, %v", shown, err)
	}
}

// TestContextOfTokenCommands manages tokens of the current context: its token goes to its server
// alone.
func TestContextOfTokenCommands(t *testing.T) {
	server := MustServe(t, "memory")
	admin := MustIssue(t, "token", "create", "admin", "--grant", "READ,ADMIN:shop", "--url", server.URL(""))
	other := MustServe(t, "memory")
	MustIssue(t, "token", "create", "admin", "--grant", "READ,ADMIN:", "--url", other.URL(""))
	home := map[string]string{"HOME": t.TempDir()}
	if got := run(t, home, "context", "set", "here", "--url", server.URL(""), "--token-file", "token"); got.code != 0 {
		t.Fatalf("got %+v", got)
	}
	mustWrite(t, filepath.Join(home["HOME"], ".config/configapi/token"), admin)
	for _, test := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"token", "list"}, 0, "admin"},
		{[]string{"token", "list", "--context", "here"}, 0, "admin"},
		{[]string{"token", "list", "--context", "none"}, 2, "there is no context"},
		{[]string{"token", "list", "--context", "here", "--store", "memory"}, 2, "only one of"},
		{[]string{"can", "ADMIN", "shop/a", "--as", "admin"}, 0, "READ,ADMIN:shop"},
		{[]string{"token", "list", "--url", other.URL("")}, 5, "the token of the context here is for " + server.URL("") + ", and was not sent to " + other.URL("")},
		{[]string{"get", "a", "--url", other.URL("")}, 5, "the token of the context here is for " + server.URL("") + ", and was not sent to " + other.URL("")},
		{[]string{"set", "shop/a", "1"}, 5, "WRITE"},
		{[]string{"context", "set", "here", "--confirm"}, 0, "changed"},
		{[]string{"token", "create", "ci", "--grant", "READ:shop"}, 2, "the context here asks before it writes, and there is no terminal: give --confirm here"},
		{[]string{"token", "create", "ci", "--grant", "READ:shop", "--confirm", "there"}, 2, "another context than here"},
		{[]string{"token", "create", "ci", "--grant", "READ:shop", "--confirm", "here"}, 0, "made ci"},
		{[]string{"token", "list"}, 0, "READ:shop\n"},
		{[]string{"get", "shop/a"}, 3, "shop/a"},
	} {
		got := run(t, home, test.args...)
		if got.code != test.code || !strings.Contains(got.stdout+got.stderr, test.want) {
			t.Errorf("%q: got %+v, want %d and %q", test.args, got, test.code, test.want)
		}
	}
}
