package clientcmd_test

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

// TestStatus asks servers how they are: one is well, one is not, and one is not there.
func TestStatus(t *testing.T) {
	well := newServer(t, nil)
	well.run(t, "set", "a", "1").must(t, 0)
	unwell := newServer(t, func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			switch r.URL.Path {
			case "/readyz":
				http.Error(w, "it has not read its history yet", http.StatusServiceUnavailable)
			case "/health":
				w.Header().Set("Content-Type", "application/json")
				w.WriteHeader(http.StatusServiceUnavailable)
				_, _ = w.Write([]byte(`{"status":"unhealthy","checks":{"eventstore":"it cannot be reached","projection":"ok"},"lag":{"positions":3,"seconds":1.5},"writes":"nothing can be written"}`))
			default:
				next.ServeHTTP(w, r)
			}
		})
	})
	well.run(t, "status").must(t, 0, well.URL+"  yes    healthy  1-", "0, 0s")
	well.run(t, "status", well.URL, unwell.URL).must(t, 1, "healthy    1-", unwell.URL+"  no     unhealthy  0-",
		"3, 1.5s", "not ready: it has not read its history yet; eventstore: it cannot be reached; nothing can be written", "1 of 2 servers not ready or not healthy")
	gone := newServer(t, nil)
	gone.Server.Close()
	well.run(t, "status", well.URL, gone.URL, unwell.URL, "-o", "json").must(t, 6, `"status": "unreachable"`, `"status": "healthy"`, `"problems": []`, "1 of 3 servers cannot be reached")
	well.run(t, "status", well.URL, "--url", well.URL).must(t, 2, "either by words, or by --url")
	well.run(t, "status", "none").must(t, 2, `there is no context "none"`)
}

// TestStatusWithoutRights: a caller that may not read everything sees whether the server is well.
func TestStatusWithoutRights(t *testing.T) {
	s := newServer(t, nil)
	secret := s.MustIssue(t, "ci", time.Time{}, "READ:shop")
	got := s.runIn(t, process{env: map[string]string{"CONFIGAPI_TOKEN": secret}}, "status")
	if got.code != 0 || !strings.Contains(got.stdout, "healthy") || strings.Contains(got.stdout, "0s") {
		t.Errorf("got %+v", got)
	}
	s.run(t, "status").must(t, 0, "healthy  -")
}
