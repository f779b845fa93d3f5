package main

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// TestRun has a server without websockets: it keeps one rule and breaks all others.
func TestRun(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer one" {
			w.WriteHeader(http.StatusTeapot)
			return
		}
		w.WriteHeader(http.StatusForbidden)
	}))
	defer server.Close()
	at := []string{"-url", server.URL, "-header", "Authorization: Bearer one"}
	for _, row := range []struct {
		name string
		args []string
		code int
		says []string // in the output, or for exit code 2 in the errors
	}{
		{"a rule that is kept", append(at, "-foreign-origin", "https://evil.test", "-run", "^handshake/foreign"), 0, []string{"PASS  handshake/foreign-origin", "1 rules are kept, 0 are broken, 0 do not apply"}},
		{"all rules", append(at, "-foreign-origin", "https://evil.test"), 1, []string{"PASS  handshake/foreign-origin", "FAIL  handshake/offer-alone", "got 403 Forbidden to the handshake; want 101", "the target has no InitTimeout\n"}},
		{"none that applies", append(at, "-run", "^limit/streams"), 2, nil},
		{"help", []string{"-help"}, 0, nil},
		{"no server", nil, 2, []string{"say which server with -url"}},
		{"server that is not there", []string{"-url", "ws://127.0.0.1:1"}, 2, []string{"connect"}},
		{"address of something else", []string{"-url", "ftp://127.0.0.1"}, 2, []string{"ws://"}},
		{"no address", []string{"-url", "ws://%"}, 2, []string{"invalid"}},
		{"unknown flag", append(at, "-nonsense"), 2, []string{"not defined: -nonsense"}},
		{"argument", append(at, "more"), 2, []string{`"more" is not a flag`}},
		{"pattern", append(at, "-run", "("), 2, []string{"missing closing )"}},
		{"header", append(at, "-header", "nonsense"), 2, []string{"want name: value"}},
		{"payload", append(at, "-init", "{"), 2, []string{"unexpected end of JSON"}},
		{"refused payload", append(at, "-refused-init", "{"), 2, []string{"unexpected end of JSON"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			var stdout, stderr strings.Builder
			code := run(t.Context(), row.args, &stdout, &stderr)
			if code != row.code {
				t.Errorf("got exit code %d, want %d", code, row.code)
			}
			for _, part := range row.says {
				if !strings.Contains(stdout.String()+stderr.String(), part) {
					t.Errorf("got %s%s, want %q in it", stdout.String(), stderr.String(), part)
				}
			}
		})
	}
}
