package edgetest_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"configapi/internal/attempts"
	"configapi/internal/configstore"
	"configapi/internal/httpd"
)

const forwardedFor = "X-Forwarded-For"

// behind has a server trust proxies.
func behind(t *testing.T, proxies ...string) func(*httpd.Options) {
	t.Helper()
	trusted, err := httpd.ParseProxies(proxies)
	if err != nil {
		t.Fatal(err)
	}
	return func(opts *httpd.Options) { opts.Proxies = trusted }
}

// TestAttemptsBehindAProxy has clients behind one proxy guess tokens. Each is limited by its own
// address, which only a trusted proxy may give.
func TestAttemptsBehindAProxy(t *testing.T) {
	guess := func(g *guarded, client string) int {
		got, _ := g.send(t, "cfg_wrong", "GET /config", "", forwardedFor, client)
		return got.StatusCode
	}
	once := attempts.Options{Delay: time.Nanosecond, Burst: 1, Interval: time.Hour}
	t.Run("trusted", func(t *testing.T) {
		g := startGuarded(t, configstore.Options{}, attempts.New(once), behind(t, "127.0.0.1"))
		good := g.store.MustIssue(t, "good", time.Time{}, "READ:")
		if first, second := guess(g, "203.0.113.1"), guess(g, "203.0.113.1"); first != http.StatusUnauthorized || second != http.StatusTooManyRequests {
			t.Errorf("one client: got %d and %d", first, second)
		}
		if got := guess(g, "203.0.113.2"); got != http.StatusUnauthorized {
			t.Errorf("another client: got %d", got)
		}
		if got := guess(g, "203.0.113.2, 203.0.113.1"); got != http.StatusTooManyRequests {
			t.Errorf("the client with an address that it gives itself: got %d", got)
		}
		if got, _ := g.send(t, good, "GET /config", "", forwardedFor, "203.0.113.1"); got.StatusCode != http.StatusOK {
			t.Errorf("a valid token of the same client: got %d", got.StatusCode)
		}
		g.stopLogging()
		if log := g.log.String(); !strings.Contains(log, "remote=203.0.113.2") || strings.Contains(log, "remote=127.0.0.1:") {
			t.Errorf("the log does not have the clients' addresses:\n%s", log)
		}
	})
	for name, proxies := range map[string][]string{"another proxy": {"10.0.0.1"}, "none": nil} {
		t.Run(name, func(t *testing.T) {
			g := startGuarded(t, configstore.Options{}, attempts.New(once), behind(t, proxies...))
			g.store.MustIssue(t, "good", time.Time{}, "READ:")
			guess(g, "203.0.113.1")
			if got := guess(g, "203.0.113.2"); got != http.StatusTooManyRequests {
				t.Errorf("another X-Forwarded-For: got %d", got)
			}
			if log := g.log.String(); strings.Contains(log, "remote=203.0.113.") || !strings.Contains(log, "remote=127.0.0.1:") {
				t.Errorf("the log has an address that anybody may give:\n%s", log)
			}
		})
	}
}

// TestAnOpenServerBehindATrustedProxy: a server that trusts its proxy is not open to whom the proxy
// lets in.
func TestAnOpenServerBehindATrustedProxy(t *testing.T) {
	g := startGuarded(t, configstore.Options{}, nil, behind(t, "127.0.0.1"))
	for _, client := range []string{"203.0.113.1", "127.0.0.1", "garbage"} {
		if got, body := g.send(t, "", "GET /config", "", forwardedFor, client); got.StatusCode != http.StatusForbidden || !strings.Contains(body, "--allow-anonymous") {
			t.Errorf("%s: got %d %s", client, got.StatusCode, body)
		}
	}
	if got, _ := g.send(t, "", "GET /config", ""); got.StatusCode != http.StatusOK {
		t.Errorf("without the header: got %d", got.StatusCode)
	}
}
