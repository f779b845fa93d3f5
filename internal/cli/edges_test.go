package cli_test

import (
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
)

// TestMetricsAddress scrapes a closed server without a token.
func TestMetricsAddress(t *testing.T) {
	file := filepath.Join(t.TempDir(), "a.db")
	mustFillWithTokens(t, file)
	server := mustServeOn(t, map[string]string{"CONFIGAPI_METRICS_LISTEN": "127.0.0.1:0"}, "serve", "--store", "sqlite:"+file, "--listen", "127.0.0.1:0")
	if got := statusOf(t, server, "/metrics"); got != http.StatusUnauthorized {
		t.Errorf("/metrics beside all else: got %d, want 401", got)
	}
	rest, err := server.AwaitLog(t.Context(), `msg="serving metrics" address=`)
	if err != nil {
		t.Fatal(err)
	}
	address, _, _ := strings.Cut(rest, "\n")
	for path, want := range map[string]int{"/metrics": http.StatusOK, "/config/a": http.StatusNotFound} {
		answer, err := http.Get("http://" + address + path)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(answer.Body)
		_ = answer.Body.Close()
		if err != nil || answer.StatusCode != want || strings.Contains(string(body), "configapi_ready 1") != (want == http.StatusOK) {
			t.Errorf("%s: got %d %s, %v", path, answer.StatusCode, body, err)
		}
	}
	http.DefaultClient.CloseIdleConnections()
	server.terminate()
	if log := server.Log(); strings.Contains(log, "level=ERROR") {
		t.Errorf("the server did not stop well:\n%s", log)
	}
}

// TestTrustedProxy has a proxy say whom it sends a request for.
func TestTrustedProxy(t *testing.T) {
	file := filepath.Join(t.TempDir(), "a.db")
	secret := mustFillWithTokens(t, file)
	server := mustServeOn(t, map[string]string{"CONFIGAPI_TRUSTED_PROXY": "10.0.0.0/8,127.0.0.0/8"}, "serve", "--store", "sqlite:"+file, "--listen", "127.0.0.1:0")
	if got := statusOf(t, server, "/config/a", "Authorization", "Bearer "+secret, "X-Forwarded-For", "198.51.100.1, 203.0.113.1, 10.0.0.2"); got != http.StatusOK {
		t.Errorf("got %d", got)
	}
	if got := statusOf(t, server, "/config/a", "X-Forwarded-For", "203.0.113.2"); got != http.StatusUnauthorized {
		t.Errorf("without a token: got %d", got)
	}
	for _, want := range []string{"remote=203.0.113.1 ", "msg=\"caller refused\" why=\"no token\" remote=203.0.113.2 "} {
		if _, err := server.AwaitLog(t.Context(), want); err != nil {
			t.Errorf("the log lacks %s: %v\n%s", want, err, server.Log())
		}
	}
}
