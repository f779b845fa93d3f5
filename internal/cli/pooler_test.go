package cli_test

import (
	"net/url"
	"strings"
	"testing"

	"configapi/internal/postgrestest"
)

// TestServeBehindAPooler has two servers behind a pooler in transaction mode. One of them listens
// on a direct connection.
func TestServeBehindAPooler(t *testing.T) {
	t.Parallel()
	direct := postgrestest.NewDatabase(t)
	u, err := url.Parse(postgrestest.NewPooler(t, direct))
	if err != nil {
		t.Fatal(err)
	}
	query := u.Query()
	query.Set("default_query_exec_mode", "cache_describe")
	u.RawQuery = query.Encode()
	first, second := MustServe(t, u.String()), MustServe(t, u.String(), "CONFIGAPI_LISTEN_DSN="+direct)
	for _, value := range []string{"1", "2", "3"} {
		at := first.MustPut(t, "a", value)
		if status, text := second.get(t, "/config/a?wait=20s", at); status != 200 || text != value {
			t.Errorf("got %d %s, want %s", status, text, value)
		}
		first, second = second, first
	}
	refused := run(t, nil, "serve", "--listen", "127.0.0.1:0", "--store", u.String(), "--listen-dsn", "postgres://user:secret@:none")
	if refused.code != 2 || !strings.Contains(refused.stderr, "the URL for listening") || strings.Contains(refused.stderr, "secret") {
		t.Errorf("a URL that is none: got exit code %d: %s", refused.code, refused.stderr)
	}
}
