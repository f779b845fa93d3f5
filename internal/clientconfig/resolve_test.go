package clientconfig_test

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"configapi/internal/auth"
	"configapi/internal/clientconfig"
)

// home is a user's home, with a file of contexts.
type home struct {
	t   testing.TB
	env map[string]string
}

func newHome(t testing.TB, contexts string) home {
	t.Helper()
	h := home{t, map[string]string{"HOME": t.TempDir()}}
	if contexts != "" {
		h.mustWrite(".config/configapi/config.yaml", contexts)
	}
	return h
}

func (h home) path(name string) string { return filepath.Join(h.env["HOME"], name) }

func (h home) mustWrite(name, text string) {
	h.t.Helper()
	if err := os.MkdirAll(filepath.Dir(h.path(name)), 0o700); err != nil {
		h.t.Fatal(err)
	}
	if err := os.WriteFile(h.path(name), []byte(text), 0o600); err != nil {
		h.t.Fatal(err)
	}
}

func (h home) getenv(key string) string { return h.env[key] }

func (h home) resolve(flags clientconfig.Flags) (clientconfig.Target, error) {
	return flags.Resolve(h.t.Context(), clientconfig.Environment{Getenv: h.getenv, Stderr: io.Discard})
}

func newToken() string {
	secret, _ := auth.NewSecret()
	return secret
}

// TestWhichServer has flags, the environment and the file name servers: the strongest one wins.
func TestWhichServer(t *testing.T) {
	h := newHome(t, `
current: staging
contexts:
  staging: {url: "https://staging.example", prefix: payments}
  production: {url: "https://config.example/configapi", prefix: shop, confirm: true}
`)
	type want = clientconfig.Target
	for _, test := range []struct {
		name  string
		env   map[string]string
		flags clientconfig.Flags
		want  want
	}{
		{"the current context", nil, clientconfig.Flags{}, want{URL: "https://staging.example", Context: "staging", Prefix: "payments"}},
		{"a context of the environment", map[string]string{"CONFIGAPI_CONTEXT": "production"}, clientconfig.Flags{},
			want{URL: "https://config.example/configapi", Context: "production", Prefix: "shop", Confirm: true}},
		{"a URL of the environment", map[string]string{"CONFIGAPI_URL": "http://localhost:1"}, clientconfig.Flags{}, want{URL: "http://localhost:1"}},
		{"a URL of the environment at the context's origin", map[string]string{"CONFIGAPI_URL": "https://STAGING.example:443/x"}, clientconfig.Flags{},
			want{URL: "https://STAGING.example:443/x", Context: "staging", Prefix: "payments"}},
		{"a context of a flag", map[string]string{"CONFIGAPI_URL": "http://localhost:1", "CONFIGAPI_CONTEXT": "staging"}, clientconfig.Flags{Context: "production"},
			want{URL: "https://config.example/configapi", Context: "production", Prefix: "shop", Confirm: true}},
		{"a URL of a flag", map[string]string{"CONFIGAPI_URL": "http://localhost:1", "CONFIGAPI_CONTEXT": "staging"}, clientconfig.Flags{URL: "http://localhost:2", Insecure: true},
			want{URL: "http://localhost:2", Insecure: true}},
	} {
		t.Run(test.name, func(t *testing.T) {
			h := home{t, map[string]string{"HOME": h.env["HOME"]}}
			for key, value := range test.env {
				h.env[key] = value
			}
			got, err := h.resolve(test.flags)
			if err != nil || got.URL != test.want.URL || got.Context != test.want.Context || got.Prefix != test.want.Prefix ||
				got.Confirm != test.want.Confirm || got.Insecure != test.want.Insecure || got.Token != "" {
				t.Errorf("got %+v, %v, want %+v", got, err, test.want)
			}
		})
	}
	if got, err := newHome(t, "").resolve(clientconfig.Flags{}); err != nil || got.URL != "http://localhost:4000" {
		t.Errorf("without anything: got %+v, %v", got, err)
	}
}

// TestWhoseToken: a token goes to no server but its own.
func TestWhoseToken(t *testing.T) {
	its, environments := newToken(), newToken()
	contexts := `
current: staging
contexts:
  staging: {url: "https://staging.example", token_file: staging.token}
  open: {url: "https://open.example"}
`
	const staging, open, other = "https://staging.example", "https://open.example", "https://other.example"
	for _, test := range []struct {
		name                 string
		url, context         string // of the environment, beside a token
		flagURL, flagContext string
		want                 string // the token
		unsent               string
	}{
		{name: "a context's own token is stronger", want: its},
		{name: "a context without one", flagContext: "open", want: environments},
		{name: "a context of the environment", context: "staging", want: environments},
		{name: "a context of the environment, and another one", context: "staging", flagContext: "open", want: "", unsent: "the environment is for https://staging.example:443"},
		{name: "a context of the environment, and another URL", context: "staging", flagURL: other, want: "", unsent: "was not sent to https://other.example:443"},
		{name: "an unknown context of the environment", context: "none", flagContext: "open", want: "", unsent: "the environment is for another server"},
		{name: "the environment's URL", url: other, want: environments},
		{name: "the environment's URL, of the context", url: staging, want: environments},
		{name: "another URL than the environment's", url: open, flagURL: other, want: "", unsent: "the environment is for https://open.example:443, and was not sent to https://other.example:443"},
		{name: "the context's URL, and another one of the environment", url: open, flagURL: staging, want: its},
		{name: "another context than the environment's URL", url: other, flagContext: "staging", want: its},
		{name: "a URL of a flag", flagURL: other, want: environments},
		{name: "http in place of https", url: "http://open.example", flagURL: open, want: "", unsent: "was not sent"},
		{name: "another port", url: open, flagURL: open + ":444", want: "", unsent: "was not sent"},
	} {
		t.Run(test.name, func(t *testing.T) {
			h := newHome(t, contexts)
			h.mustWrite(".config/configapi/staging.token", its+"\n")
			h.env["CONFIGAPI_TOKEN"], h.env["CONFIGAPI_URL"], h.env["CONFIGAPI_CONTEXT"] = environments, test.url, test.context
			got, err := h.resolve(clientconfig.Flags{URL: test.flagURL, Context: test.flagContext})
			if err != nil || got.Token != test.want || !strings.Contains(got.Unsent, test.unsent) || (got.Unsent == "") != (test.unsent == "") {
				t.Errorf("got %+v, %v, want %q and %q", got, err, test.want, test.unsent)
			}
		})
	}
	h := newHome(t, contexts)
	h.mustWrite(".config/configapi/staging.token", its)
	got, err := h.resolve(clientconfig.Flags{URL: other})
	if err != nil || got.Token != "" || got.Unsent != "the token of the context staging is for https://staging.example:443, and was not sent to https://other.example:443" {
		t.Errorf("another URL than the context's: got %+v, %v", got, err)
	}
}

// TestWhereTokensAre reads a token from each place that can have one.
func TestWhereTokensAre(t *testing.T) {
	token := newToken()
	for name, context := range map[string]string{
		"a file beside the file of contexts": `token_file: its.token`,
		"a file in the home":                 `token_file: ~/.config/configapi/its.token`,
		"a program":                          `token_command: [sh, -c, "cat ~/.config/configapi/its.token; echo more"]`,
	} {
		t.Run(name, func(t *testing.T) {
			h := newHome(t, "contexts:\n  a:\n    url: https://a.example\n    "+context)
			h.mustWrite(".config/configapi/its.token", token+"\nmore\n")
			t.Setenv("HOME", h.env["HOME"])
			if got, err := h.resolve(clientconfig.Flags{Context: "a"}); err != nil || got.Token != token {
				t.Errorf("got %+v, %v, want the token %s", got, err, token)
			}
		})
	}
	h := newHome(t, "")
	h.mustWrite("token", " "+token+" \n")
	h.env["CONFIGAPI_TOKEN_FILE"] = h.path("token")
	if got, err := h.resolve(clientconfig.Flags{}); err != nil || got.Token != token {
		t.Errorf("CONFIGAPI_TOKEN_FILE: got %+v, %v", got, err)
	}
}

// TestCertificates: a flag is stronger than the environment, and that than the context.
func TestCertificates(t *testing.T) {
	h := newHome(t, "contexts:\n  a: {url: \"https://a.example\", ca: a.pem}\n")
	for _, name := range []string{".config/configapi/a.pem", "b.pem", "c.pem"} {
		h.mustWrite(name, name)
	}
	check := func(flags clientconfig.Flags, want string) {
		t.Helper()
		if got, err := h.resolve(flags); err != nil || string(got.CA) != want {
			t.Errorf("got %s, %v, want %s", got.CA, err, want)
		}
	}
	check(clientconfig.Flags{}, "")
	check(clientconfig.Flags{Context: "a"}, ".config/configapi/a.pem")
	h.env["CONFIGAPI_CA"] = h.path("b.pem")
	check(clientconfig.Flags{Context: "a"}, "b.pem")
	check(clientconfig.Flags{Context: "a", CA: h.path("c.pem")}, "c.pem")
}

// TestWhatCannotBeResolved: the error says what to put right, and has no token.
func TestWhatCannotBeResolved(t *testing.T) {
	const secret = "cfg_hunter2"
	for want, test := range map[string]struct {
		context string
		env     string // CONFIGAPI_TOKEN
		flags   clientconfig.Flags
	}{
		"give either --url or --context":                            {"url: https://a.example", "", clientconfig.Flags{URL: "https://b.example", Context: "a"}},
		`there is no context "b", but a`:                            {"url: https://a.example", "", clientconfig.Flags{Context: "b"}},
		"write a URL such as https://config.example":                {"url: https://a.example", "", clientconfig.Flags{URL: "localhost:4000"}},
		"without a user, a query and a fragment":                    {"url: https://u:hunter2@a.example", "", clientconfig.Flags{}},
		"give either token_file or token_command":                   {"url: https://a.example\n    token_file: a\n    token_command: [b]", "", clientconfig.Flags{}},
		"begins with the name of a program":                         {"url: https://a.example\n    token_command: ['']", "", clientconfig.Flags{}},
		"prefix: ":                                                  {"url: https://a.example\n    prefix: a//b", "", clientconfig.Flags{}},
		`line 3: there is no member "token"`:                        {"token: cfg_hunter2\n    url: https://a.example", "", clientconfig.Flags{}},
		"line 4: ":                                                  {"url: https://a.example\n    confirm: perhaps", "", clientconfig.Flags{}},
		"context a: token_file: ":                                   {"url: https://a.example\n    token_file: none", "", clientconfig.Flags{Context: "a"}},
		"running false: exit status 1":                              {"url: https://a.example\n    token_command: ['false']", "", clientconfig.Flags{Context: "a"}},
		"true prints no token":                                      {"url: https://a.example\n    token_command: ['true']", "", clientconfig.Flags{Context: "a"}},
		"yes prints more than 4096 bytes":                           {"url: https://a.example\n    token_command: ['yes']", "", clientconfig.Flags{Context: "a"}},
		"context a: token_command: the token is mistyped":           {"url: https://a.example\n    token_command: [echo, cfg_hunter2]", "", clientconfig.Flags{Context: "a"}},
		"CONFIGAPI_TOKEN: the token is mistyped":                    {"url: https://a.example", secret, clientconfig.Flags{}},
		"--ca: open /none":                                          {"url: https://a.example", "", clientconfig.Flags{CA: "/none"}},
		"the name of a context has 1 to 64 letters, digits, dots, ": {"url: https://a.example\n  a/b: {url: https://a.example}", "", clientconfig.Flags{}},
	} {
		h := newHome(t, "contexts:\n  a:\n    "+test.context+"\n")
		h.env["CONFIGAPI_TOKEN"] = test.env
		_, err := h.resolve(test.flags)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "hunter2") || strings.Contains(err.Error(), "\n") {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}
