package cli_test

import (
	"net/url"
	"strings"
	"testing"

	"configapi/internal/auth"
)

// TestNoPasswordIsShown passes addresses with passwords, valid and malformed, everywhere.
func TestNoPasswordIsShown(t *testing.T) {
	const shut = "127.0.0.1:1/x?connect_timeout=1"
	passwords := map[string][]string{ // :: as written → what must be hidden
		"hunter2":          {"hunter2"},
		"hun%20ter2":       {"hun%20ter2", "hun ter2"},
		"hun@ter2":         {"hun@ter2", "ter2"},
		"hun/ter2":         {"hun/ter2", "ter2", "hun"},
		"5432/ter2":        {"5432/ter2", "ter2"},
		"hun:ter2":         {"hun:ter2", "ter2"},
		"hun#ter2":         {"hun#ter2", "ter2"},
		"hun?ter2":         {"hun?ter2", "ter2"},
		"hun ter2":         {"hun ter2", "ter2"},
		"hun%zzter2":       {"hun%zzter2", "ter2"},
		`hun"ter2`:         {`hun"ter2`, `hun\"ter2`, "ter2"},
		"hun\x01ter2":      {"hun\x01ter2", "ter2"},
		"hun%40%2fter2":    {"hun%40%2fter2", "hun@/ter2", "ter2"},
		"päßwörd-hunter2":  {"päßwörd-hunter2", "hunter2"},
		"%70%61ssw0rd%21x": {"%70%61ssw0rd%21x", "passw0rd!x"},
	}
	for password, shown := range passwords {
		address := "postgres://bob:" + password + "@" + shut
		keywords := "host=127.0.0.1 port=1 user=bob connect_timeout=1 password='" + password + "'"
		for _, args := range [][]string{
			{"serve", "--store", address},
			{"serve", "--store", "postgresq" + strings.TrimPrefix(address, "postgres")},
			{"serve", "--store", "postgres:/" + strings.TrimPrefix(address, "postgres:")},
			{"serve", "--store", "postgres://bob:" + password + "@:x/db"},
			{"serve", "--store", "postgres://bob:" + password + "@host:99999/db"},
			{"serve", "--store", "postgres://bob:" + password + "@[::1/db"},
			{"serve", "--store", "postgres://bob:" + url.QueryEscape(password)},
			{"serve", "--store", address + "&sslmode=wrong"},
			{"serve", "--store", "postgres://127.0.0.1:1/x?connect_timeout=1&sslmode=wrong&password=" + password},
			{"serve", "--store", "sqlite:" + address},
			{"serve", "--store", keywords},
			{"serve", "--store", "postgres:" + keywords},
			{"serve", "--store", "postgres://127.0.0.1:1/x?connect_timeout=1", "--listen-dsn", address},
			{"serve", "--store", "postgres://127.0.0.1:1/x?connect_timeout=1", "--listen-dsn", keywords},
			{"serve", "--store", "postgres://127.0.0.1:1/x?connect_timeout=1", "--listen-dsn", keywords + " sslmode=wrong"},
			{"serve", "--store", "postgres://127.0.0.1:1/x?connect_timeout=1", "--listen-dsn", address + "&sslmode=wrong"},
			{"serve", "--store", "memory", "--listen", address},
			{"serve", "--max-value", address},
			{"serve", "--max-value=" + address},
			{"serve", "---store=" + address},
			{"serve", "--stor=" + address},
			{"serve", "--log", address},
			{"serve", "--store", "memory", "--allow-host", address},
			{"serve", "--store", "memory", "--allow-origin", address},
			{"serve", address},
			{"verify", "--store", address},
			{"verify", "--contains", address},
			{"verify", "--store", "sqlite:" + address},
			{"verify", address},
			{address},
			{"version", address},
		} {
			got := runBriefly(t, nil, args...)
			if got.code != 2 || got.stderr == "" {
				t.Errorf("%q: got exit code %d and %q, want 2 and a reason", args, got.code, got.stderr)
			}
			checkNoSecret(t, args, shown, got)
		}
		env := map[string]string{"DATABASE_URL": address, "CONFIGAPI_LISTEN_DSN": address, "PGPASSWORD": password}
		checkNoSecret(t, []string{"serve from the environment"}, shown, runBriefly(t, env, "serve"))
		checkNoSecret(t, []string{"verify from the environment"}, shown, runBriefly(t, env, "verify"))
	}
}

// TestNoTokenIsShown puts the secret of a token where something else is expected.
func TestNoTokenIsShown(t *testing.T) {
	secret, kept := auth.NewSecret()
	key := []string{secret[len("cfg_")+22+1:]}
	for _, args := range [][]string{
		{secret},
		{"serve", "--store", "memory", "--trusted-proxy", secret},
		{"serve", "--store", "memory", "--anonymous", secret},
		{"serve", "--store", "memory", "--bootstrap-token-file", secret},
		{"token", secret},
		{"token", "create", "--grant", secret, "ci"},
		{"token", "create", "--expires", secret, "ci"},
		{"token", "rotate", secret},
		{"token", "list", secret},
		{"token", "list", "--" + secret},
		{"token", "list", "--admin-socket", secret},
		{"token", "list", "--url", "https://" + secret + "@config.example"},
		{"token", "list", "--store", secret},
		{"can", "READ", "a", "--as", secret},
		{"can", "-f", secret},
		{"restore-backup", "--tokens", secret, "x"},
	} {
		got := runBriefly(t, nil, args...)
		if got.code != 2 || got.stderr == "" {
			t.Errorf("%q: got exit code %d and %q, want 2 and a reason", args, got.code, got.stderr)
		}
		checkNoSecret(t, args, key, got)
	}
	env := map[string]string{"CONFIGAPI_URL": "http://127.0.0.1:1", "CONFIGAPI_TOKEN_FILE": secret}
	got := runBriefly(t, env, "token", "list")
	if got.code != 2 || !strings.Contains(got.stderr, string(kept.ID)) {
		t.Errorf("a secret in place of its file: got %+v", got)
	}
	checkNoSecret(t, []string{"CONFIGAPI_TOKEN_FILE"}, key, got)
}

func checkNoSecret(t *testing.T, args, secrets []string, got result) {
	t.Helper()
	for _, secret := range secrets {
		if strings.Contains(got.stdout+got.stderr, secret) {
			t.Errorf("%q: got %q, which shows %q", args, got.stdout+got.stderr, secret)
		}
	}
}

// TestHelpShowsNothingOfTheEnvironment checks that the help shows defaults but no environment
// values.
func TestHelpShowsNothingOfTheEnvironment(t *testing.T) {
	env := map[string]string{}
	for _, key := range []string{"CONFIGAPI_STORE", "DATABASE_URL", "CONFIGAPI_LISTEN", "CONFIGAPI_LISTEN_DSN", "CONFIGAPI_ALLOW_HOST", "CONFIGAPI_ALLOW_ORIGIN"} {
		env[key] = "postgres://bob:hunter2@db.example/" + key
	}
	for _, args := range [][]string{{"serve", "-h"}, {"verify", "-h"}, {"version", "-h"}, {"-h"}, {"serve", "--store", "postgres://bob:hunter2@db.example/x", "-h"}} {
		got := run(t, env, args...)
		if got.code != 0 {
			t.Errorf("%q: got exit code %d", args, got.code)
		}
		checkNoSecret(t, args, []string{"hunter2", "db.example"}, got)
	}
}

func TestEnvironmentStandsForFlags(t *testing.T) {
	for key, says := range map[string]string{
		"CONFIGAPI_ALLOW_HOST":   `"http://a.example" is not a host`,
		"CONFIGAPI_ALLOW_ORIGIN": `the origin "localhost:5173" never matches`,
		"CONFIGAPI_LISTEN":       "--listen",
	} {
		value := map[string]string{"CONFIGAPI_ALLOW_HOST": "good.example http://a.example", "CONFIGAPI_ALLOW_ORIGIN": "http://a.example,localhost:5173", "CONFIGAPI_LISTEN": "nowhere"}[key]
		got := run(t, map[string]string{key: value}, "serve", "--store", "memory")
		if got.code != 2 || !strings.Contains(got.stderr, says) {
			t.Errorf("%s=%s: got %+v, want exit code 2 and %q", key, value, got, says)
		}
	}
}
