package cli_test

import (
	"context"
	"encoding/json"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"configapi/internal/cli"
)

// result is the outcome of a command that ran in this process.
type result struct {
	code           int
	stdout, stderr string
}

func run(t testing.TB, env map[string]string, args ...string) result {
	t.Helper()
	return runUntil(t.Context(), env, args...)
}

// runBriefly cancels a command that should end by itself, in case it starts a server.
func runBriefly(t testing.TB, env map[string]string, args ...string) result {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	return runUntil(ctx, env, args...)
}

func runUntil(ctx context.Context, env map[string]string, args ...string) result {
	return runWith(ctx, strings.NewReader(""), env, args...)
}

// runWith runs a command that reads standard input.
func runWith(ctx context.Context, stdin io.Reader, env map[string]string, args ...string) result {
	var stdout, stderr strings.Builder
	code := cli.Run(ctx, cli.Env{
		Args:   args,
		Getenv: func(key string) string { return env[key] },
		Stdin:  stdin,
		Stdout: &stdout, Stderr: &stderr,
	})
	return result{code, stdout.String(), stderr.String()}
}

// exampleSecret is well-formed.
const exampleSecret = "cfg_0000000000000000000012_0000000000000000000000000000000000000000034" + "4taWE3"

func TestWhatCannotBeginSaysWhyInOneLine(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, []byte("this is no database, only some text that is long enough to look at"), 0o600); err != nil {
		t.Fatal(err)
	}
	const secret = "hunter2"
	for _, test := range []struct {
		name string
		env  map[string]string
		args []string
		want string // a part of the line
	}{
		{"unknown command", nil, []string{"sevre"}, `no command "sevre"`},
		{"unknown flag", nil, []string{"serve", "--prot", "1"}, "there is no flag --prot"},
		{"flag without value", nil, []string{"serve", "--listen"}, "--listen needs a value"},
		{"stray word", nil, []string{"serve", "now"}, `"now" is not a flag`},
		{"unknown store", nil, []string{"serve", "--store", "mysql://x"}, "the store must be"},
		{"unknown store from the environment", map[string]string{"CONFIGAPI_STORE": "redis"}, []string{"serve"}, "the store must be"},
		{"unknown log format", nil, []string{"serve", "--log", "xml"}, "--log must be"},
		{"value limit out of range", nil, []string{"serve", "--max-value", "0"}, "--max-value must be"},
		{"answers too short", nil, []string{"serve", "--max-answer", "65535"}, "--max-answer must be"},
		{"answers too long", nil, []string{"serve", "--max-answer", "67108865"}, "--max-answer must be"},
		{"introspection for whom", nil, []string{"serve", "--introspection", "yes"}, "neither on, tokens nor off"},
		{"a playground that is neither", nil, []string{"serve", "--playground", "true"}, "neither on nor off"},
		{"no streams", nil, []string{"serve", "--max-streams", "0"}, "--max-streams must be"},
		{"rights that are too young", nil, []string{"serve", "--max-rights-age", "4s"}, "--max-rights-age must be at least 5s"},
		{"rights of no age", map[string]string{"CONFIGAPI_MAX_RIGHTS_AGE": "-1m"}, []string{"serve"}, "--max-rights-age must be at least 5s"},
		{"least privilege without roles", map[string]string{"CONFIGAPI_REQUIRE_LEAST_PRIVILEGE": "1"}, []string{"serve", "--store", "memory"}, "memory has no roles"},
		{"rights of a role without roles", nil, []string{"migrate", "--store", "sqlite:x", "--grant-to", "app"}, "other stores have no roles"},
		{"migration of an unknown store", nil, []string{"migrate", "--store", "mysql://x"}, "the store must be"},
		{"migration of an unreachable database", nil, []string{"migrate", "--store", "postgres://u:" + secret + "@127.0.0.1:1/x"}, "127.0.0.1"},
		{"fewer than no streams", nil, []string{"serve", "--max-streams-per-address", "-1"}, "--max-streams-per-address must be"},
		{"value limit too high", nil, []string{"serve", "--max-value", "4194305"}, "4 MiB"},
		{"no connections", nil, []string{"serve", "--max-connections", "0"}, "--max-connections"},
		{"negative connections", nil, []string{"serve", "--max-connections-per-address", "-1"}, "--max-connections-per-address"},
		{"origin without scheme", nil, []string{"serve", "--store", "memory", "--allow-origin", "localhost:5173"}, "never matches"},
		{"one bad origin of two flags", nil, []string{"serve", "--store", "memory", "--allow-origin", "null", "--allow-origin", "http://a.example"}, "never matches"},
		{"host that is a URL", nil, []string{"serve", "--store", "memory", "--allow-host", "a.example https://b.example"}, "is not a host"},
		{"proxy with a name", nil, []string{"serve", "--store", "memory", "--trusted-proxy", "10.0.0.1 proxy.example"}, "--trusted-proxy"},
		{"everyone is a proxy", map[string]string{"CONFIGAPI_TRUSTED_PROXY": "0.0.0.0/0"}, []string{"serve", "--store", "memory"}, "every address"},
		{"port taken", nil, []string{"serve", "--store", "memory", "--listen", taken.Addr().String()}, "--listen"},
		{"port of metrics taken", nil, []string{"serve", "--store", "memory", "--listen", "127.0.0.1:0", "--metrics-listen", taken.Addr().String()}, "--metrics-listen"},
		{"no address", nil, []string{"serve", "--store", "memory", "--listen", "nowhere"}, "--listen"},
		{"directory that cannot be made", nil, []string{"serve", "--store", "sqlite:" + file + "/db"}, "directory"},
		{"not a database", nil, []string{"serve", "--store", "sqlite:" + file}, "not a database"},
		{"no path", nil, []string{"serve", "--store", "sqlite:"}, "path"},
		{"unreachable database", nil, []string{"serve", "--store", "postgres://u:" + secret + "@127.0.0.1:1/x"}, "127.0.0.1"},
		{"unreachable database from the environment", map[string]string{"DATABASE_URL": "postgres://u:" + secret + "@127.0.0.1:1/x"}, []string{"serve"}, "127.0.0.1"},
		{"malformed database URL", nil, []string{"serve", "--store", "postgres://u:" + secret + "@:x/"}, "postgres"},
		{"backup without a file", nil, []string{"backup", "--store", "memory"}, "name one FILE"},
		{"backup of memory", nil, []string{"backup", "x", "--store", "memory"}, "ends with its server"},
		{"restore of a missing file", nil, []string{"restore-backup", file + ".none"}, "opening the backup"},
		{"verify without a database", nil, []string{"verify", "--store", "sqlite:" + file + ".none"}, "file.none"},
		{"verify of memory", nil, []string{"verify", "--store", "memory"}, "ends with its server"},
		{"unknown command for tokens", nil, []string{"token", "hunter2"}, "token help"},
		{"token without a name", nil, []string{"token", "create", "--grant", "READ:"}, "name one token, not 0"},
		{"token with a malformed name", nil, []string{"token", "create", "a:b", "--grant", "READ:"}, "letters, digits"},
		{"grant without a prefix", nil, []string{"token", "create", "a", "--grant", "READ"}, "ACTIONS:PREFIX"},
		{"grant of an unknown action", nil, []string{"token", "create", "a", "--grant", "LOOK:"}, "READ, WRITE, ADMIN"},
		{"grant with a malformed prefix", nil, []string{"token", "grant", "a", "--grant", "READ:a//b"}, "grants[0].prefix"},
		{"expiry that is no time", nil, []string{"token", "create", "a", "--expires", "soon"}, "90d"},
		{"reason that is too long", nil, []string{"token", "revoke", "a", "--reason", strings.Repeat("x", 1025)}, "reason has 1025 bytes"},
		{"token in memory", nil, []string{"token", "create", "a", "--grant", "READ:", "--store", "memory"}, "ends with its program"},
		{"list of tokens in memory", nil, []string{"token", "list", "--store", "memory"}, "ends with its server"},
		{"two places", nil, []string{"token", "list", "--store", "memory", "--url", "http://localhost"}, "only one of"},
		{"no socket", nil, []string{"token", "list", "--admin-socket", file + ".sock"}, "no server has this admin socket"},
		{"a file in place of a socket", nil, []string{"token", "list", "--admin-socket", file}, "is no socket"},
		{"socket that is off", nil, []string{"token", "list", "--admin-socket", "off"}, "name a store"},
		{"no address", nil, []string{"token", "list", "--url", "localhost:4000"}, "write a URL such as"},
		{"token over plain HTTP", map[string]string{"CONFIGAPI_TOKEN": exampleSecret}, []string{"token", "list", "--url", "http://config.example"}, "use https; --insecure sends it all the same"},
		{"mistyped token", map[string]string{"CONFIGAPI_TOKEN": "cfg_hunter2"}, []string{"token", "list", "--url", "http://localhost"}, "CONFIGAPI_TOKEN: the token is mistyped"},
		{"missing file of a token", map[string]string{"CONFIGAPI_TOKEN_FILE": file + ".none"}, []string{"token", "list", "--url", "http://localhost"}, "reading CONFIGAPI_TOKEN_FILE"},
		{"missing bootstrap file", nil, []string{"serve", "--store", "memory", "--bootstrap-token-file", file + ".none"}, "opening the bootstrap file"},
		{"bootstrap file that is another one", map[string]string{"CONFIGAPI_BOOTSTRAP_TOKEN_FILE": file}, []string{"serve", "--store", "memory"}, "cfg_ID sha256:DIGEST"},
		{"bootstrap file that is there", nil, []string{"token", "bootstrap", file}, "file exists"},
		{"mistyped secret", nil, []string{"token", "whois", "cfg_hunter2"}, "neither a public id"},
		{"question without a token", nil, []string{"can", "READ", "a"}, "--as TOKEN"},
		{"question and a file", nil, []string{"can", "READ", "a", "-f", file}, "either -f"},
		{"missing file of questions", nil, []string{"can", "-f", file + ".none"}, "opening the questions"},
		{"verify with a malformed position", nil, []string{"verify", "--contains", "12"}, "--contains"},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := run(t, test.env, test.args...)
			if got.code != 2 || got.stdout != "" {
				t.Errorf("got exit code %d and output %q, want 2 and none", got.code, got.stdout)
			}
			if !strings.HasPrefix(got.stderr, "configapi: ") || strings.Count(got.stderr, "\n") != 1 || !strings.Contains(got.stderr, test.want) {
				t.Errorf("got %q, want one line with %q", got.stderr, test.want)
			}
			if strings.Contains(got.stderr, secret) || strings.Contains(got.stderr, "goroutine") {
				t.Errorf("got %q, with what must not be shown", got.stderr)
			}
		})
	}
	if _, err := os.Stat(file + ".none"); err == nil {
		t.Error("verify has made a file")
	}
}

func TestHelp(t *testing.T) {
	for _, test := range []struct {
		args []string
		want []string
	}{
		{nil, []string{"serve", "migrate", "verify", "version", "backup", "restore-backup", "token", "can"}},
		{[]string{"token"}, []string{"create", "list", "rotate", "grant", "revoke", "whois", "bootstrap"}},
		{[]string{"token", "create", "-h"}, []string{"[FLAGS] NAME", "-grant", "-expires", "-reason", "-store", "shown"}},
		{[]string{"token", "list", "-h"}, []string{"-store", "-admin-socket", "--url", "--insecure", "first of"}},
		{[]string{"token", "bootstrap", "-h"}, []string{"[FLAGS] FILE", "--bootstrap-token-file"}},
		{[]string{"token", "rotate", "-h"}, []string{"-keep-old", "-expected-version"}},
		{[]string{"token", "grant", "-h"}, []string{"-grant", "in place of"}},
		{[]string{"token", "revoke", "-h"}, []string{"for ever"}},
		{[]string{"token", "whois", "-h"}, []string{"[FLAGS] ID", "standard input"}},
		{[]string{"can", "-h"}, []string{"[ACTION NAME]", "allow READ payments/timeout as ci", "-as", "-f"}},
		{[]string{"help"}, []string{"serve", "verify", "version", "Exit codes: 0 done or same, 1 differs"}},
		{[]string{"help", "flags"}, []string{"--context NAME", "CONFIGAPI_TOKEN_FILE", "CONFIGAPI_CA", "-o, --output"}},
		{[]string{"help", "token", "create"}, []string{"[FLAGS] NAME", "--grant"}},
		{[]string{"token", "help", "create"}, []string{"[FLAGS] NAME", "--grant"}},
		{[]string{"get", "--help"}, []string{"configapi get [FLAGS] NAME", "Common flags", "Examples:"}},
		{[]string{"completion", "-h"}, []string{"bash", "zsh", "fish", "powershell"}},
		{[]string{"serve", "-h"}, []string{"-listen", "CONFIGAPI_LISTEN", "-store", "DATABASE_URL", "127.0.0.1:4000", "sqlite:data/configapi.db"}},
		{[]string{"migrate", "-h"}, []string{"-store", "-grant-to", "as the", "no harm"}},
		{[]string{"verify", "--help"}, []string{"-store", "-contains", "beside a server"}},
		{[]string{"backup", "-h"}, []string{"[FLAGS] FILE", "-store", "-force", "beside a server", "zstd"}},
		{[]string{"restore-backup", "file", "-h"}, []string{"[FLAGS] FILE", "-store", "standard input"}},
	} {
		got := run(t, nil, test.args...)
		if got.code != 0 || got.stderr != "" {
			t.Errorf("%q: got exit code %d and %q, want 0 and no error", test.args, got.code, got.stderr)
		}
		for _, want := range test.want {
			if !strings.Contains(got.stdout, want) {
				t.Errorf("%q: got %q, want %q in it", test.args, got.stdout, want)
			}
		}
	}
}

// TestOverviewFitsASmallTerminal: all commands with what they do, in 24 lines of 80 columns.
func TestOverviewFitsASmallTerminal(t *testing.T) {
	lines := strings.Split(strings.TrimSuffix(run(t, nil, "help").stdout, "\n"), "\n")
	if len(lines) > 24 {
		t.Errorf("got %d lines", len(lines))
	}
	for _, line := range lines {
		if len(line) > 80 {
			t.Errorf("a line has %d columns: %s", len(line), line)
		}
	}
}

// TestCompletion: each shell gets a script, and commands are completed.
func TestCompletion(t *testing.T) {
	for _, shell := range []string{"bash", "zsh", "fish", "powershell"} {
		if got := run(t, nil, "completion", shell); got.code != 0 || !strings.Contains(got.stdout, "__complete") {
			t.Errorf("%s: got %+v", shell, got)
		}
	}
	if got := run(t, nil, "completion", "tcsh"); got.code != 2 || !strings.Contains(got.stderr, "the shell must be bash, zsh, fish or powershell") {
		t.Errorf("got %+v", got)
	}
	if got := run(t, nil, "__complete", "token", "ro"); got.code != 0 || !strings.HasPrefix(got.stdout, "rotate\tgive a token a new secret") {
		t.Errorf("got %+v", got)
	}
}

func TestVersion(t *testing.T) {
	got := run(t, nil, "version")
	fields := strings.Fields(got.stdout)
	if got.code != 0 || len(fields) != 3 || fields[0] != "configapi" || !strings.HasPrefix(fields[2], "go1.") {
		t.Errorf("got %+v, want configapi, its version and that of Go", got)
	}
	var printed struct{ Version, Go string }
	inJSON := run(t, nil, "version", "--json")
	if err := json.Unmarshal([]byte(inJSON.stdout), &printed); err != nil || printed.Version != fields[1] || printed.Go != fields[2] {
		t.Errorf("got %+v, %v, want the versions of %s", inJSON, err, got.stdout)
	}
}
