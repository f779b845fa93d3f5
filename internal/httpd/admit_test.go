package httpd_test

import (
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"configapi/internal/httpd"
	"configapi/internal/origin"
)

// routes has one path of each edge.
var routes = []string{"/config", "/config/a", "/v1/config/a", "/events", "/graphql", "/playground", "/playground/assets/x", "/none"}

var probes = []string{"/livez", "/readyz", "/health", "/metrics", "/v1/livez", "/v1/readyz", "/v1/health", "/v1/metrics"}

// served is an edge that records what reaches it.
func served(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Vary", "Accept")
	w.WriteHeader(http.StatusOK)
}

func startGuarded(t *testing.T, opts origin.Options) *running {
	handler := http.HandlerFunc(served)
	s := start(t, httpd.Options{REST: handler, GraphQL: handler, Playground: handler, Guard: mustGuard(t, opts)})
	synctest.Wait() // until the store is ready
	return s
}

// TestForeignHostsAreMisdirected tries every route and method. Only health routes answer.
func TestForeignHostsAreMisdirected(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := startGuarded(t, origin.Options{Hosts: []string{"config.test"}})
		upgrade := "\nConnection: Upgrade\nUpgrade: websocket\nSec-WebSocket-Version: 13\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="
		for _, path := range routes {
			for _, request := range []string{"GET " + path, "PUT " + path, "OPTIONS " + path, "GET " + path + upgrade, "GET " + path + "\nAccept: text/event-stream"} {
				first, headers, _ := strings.Cut(request, "\n")
				for host, status := range map[string]int{"evil.example": 421, "127.0.0.1.evil.example:4000": 421, "Config.Test.:9": 200, "127.0.0.1": 200} {
					if got := s.askRaw(t, first+" HTTP/1.1\nHost: "+host+"\n"+headers); got.StatusCode != status ||
						status == 421 && !strings.Contains(got.body, "--allow-host") {
						t.Errorf("%s for %s: got %d %s, want %d", first, host, got.StatusCode, got.body, status)
					}
				}
			}
			absolute := strings.Replace("GET http://evil.example/ HTTP/1.1\nHost: 127.0.0.1\n", "/ ", path+" ", 1)
			if got := s.askRaw(t, absolute); got.StatusCode != 421 {
				t.Errorf("%s: got %d, want 421", absolute, got.StatusCode)
			}
			if got := s.askRaw(t, "GET "+path+" HTTP/1.1\nHost: evil.example\nX-Forwarded-Host: 127.0.0.1\nForwarded: host=127.0.0.1\n"); got.StatusCode != 421 {
				t.Errorf("%s: what a proxy may have added counts", path)
			}
			if got := s.askRaw(t, "GET "+path+" HTTP/1.0\n"); got.StatusCode != 200 {
				t.Errorf("%s of HTTP/1.0 without a host: got %d", path, got.StatusCode)
			}
		}
		for _, path := range probes {
			if got := s.askRaw(t, "GET "+path+" HTTP/1.1\nHost: evil.example\n"); got.StatusCode == 421 {
				t.Errorf("%s is refused for its host", path)
			}
		}
	})
}

// TestForeignPagesAreRefused also checks that the log shows what was compared, on one line.
func TestForeignPagesAreRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := startGuarded(t, origin.Options{Hosts: []string{"config.test"}})
		for _, path := range append(slices.Clone(routes), probes...) {
			for _, headers := range []string{
				"Origin: http://evil.example", "Sec-Fetch-Site: cross-site\nSec-Fetch-Mode: no-cors\nSec-Fetch-Dest: script",
				"Origin: http://evil.example\nConnection: Upgrade\nUpgrade: websocket",
			} {
				got := s.askRaw(t, "GET "+path+" HTTP/1.1\nHost: config.test\n"+headers+"\n")
				if got.StatusCode != 403 || !strings.Contains(got.body, "--allow-origin") || got.Header.Get("Access-Control-Allow-Origin") != "" {
					t.Errorf("%s with %q: got %d %v %s, want 403", path, headers, got.StatusCode, got.Header, got.body)
				}
				if got.Header.Get("Cross-Origin-Resource-Policy") != "same-origin" {
					t.Errorf("%s: a page may have the refusal as a script", path)
				}
			}
		}
		const message = "refused a request from a page of another origin; to allow the origin, see --allow-origin and docs/proxies.md"
		time.Sleep(time.Second) // in the next one there are lines again
		s.askRaw(t, "PUT /config/a HTTP/1.1\nHost: config.test:80\nOrigin: http://\xff"+strings.Repeat("e", 1000)+"\n")
		lines := s.log.with(message)
		last := lines[len(lines)-1]
		if last["host"] != "config.test:80" || !strings.HasPrefix(last["origin"].(string), "http://\ufffdeee") || len(last["origin"].(string)) > 310 ||
			last["level"] != "WARN" || last["path"] != "/config/a" {
			t.Errorf("logged %v", last)
		}
	})
}

// TestAllowedPages checks the CORS headers on every answer.
func TestAllowedPages(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := startGuarded(t, origin.Options{Hosts: []string{"config.test"}, Origins: []string{"http://localhost:5173", "https://console.example.com"}})
		for _, path := range append(slices.Clone(routes), probes...) {
			for _, page := range []string{"http://localhost:5173", "https://console.example.com"} {
				got := s.askRaw(t, "PUT "+path+" HTTP/1.1\nHost: config.test\nOrigin: "+page+"\nSec-Fetch-Site: cross-site\n")
				checkAllowed(t, path, got, page)
				preflight := s.askRaw(t, "OPTIONS "+path+" HTTP/1.1\nHost: config.test\nOrigin: "+page+
					"\nAccess-Control-Request-Method: PUT\nAccess-Control-Request-Headers: content-type,if-match\nAccess-Control-Request-Private-Network: true\n")
				checkAllowed(t, path, preflight, page)
				checkPreflight(t, path, preflight)
			}
			for _, headers := range []string{"", "Origin: http://config.test\n", "Origin: http://evil.example\n"} {
				got := s.askRaw(t, "GET "+path+" HTTP/1.1\nHost: config.test\n"+headers)
				if !slices.Contains(got.Header["Vary"], "Origin") || got.Header.Get("Access-Control-Allow-Origin") != "" {
					t.Errorf("%s %s: got %v; a cache could give it to an allowed page", path, headers, got.Header)
				}
			}
			if got := s.askRaw(t, "OPTIONS "+path+" HTTP/1.1\nHost: config.test\nOrigin: http://evil.example\nAccess-Control-Request-Method: PUT\n"); got.StatusCode != 403 {
				t.Errorf("%s: got %d to the question of a foreign page", path, got.StatusCode)
			}
		}
	})
}

func checkAllowed(t *testing.T, path string, got answer, page string) {
	t.Helper()
	if got.StatusCode == 403 || got.Header.Get("Access-Control-Allow-Origin") != page || got.Header.Get("Access-Control-Allow-Credentials") != "" ||
		!slices.Contains(got.Header["Vary"], "Origin") || got.Header.Get("Cross-Origin-Resource-Policy") != "same-origin" {
		t.Errorf("%s of %s: got %d %v", path, page, got.StatusCode, got.Header)
	}
	for _, name := range []string{"ETag", "Config-Position", "Config-Version", "Link", "Retry-After", "X-Request-Id"} {
		if !strings.Contains(got.Header.Get("Access-Control-Expose-Headers"), name) {
			t.Errorf("%s: a page does not see %s", path, name)
		}
	}
}

func checkPreflight(t *testing.T, path string, got answer) {
	t.Helper()
	if got.StatusCode != 204 || got.body != "" || got.Header.Get("Access-Control-Max-Age") != "600" || got.Header.Get("Access-Control-Allow-Private-Network") != "true" {
		t.Errorf("%s: got %d %v", path, got.StatusCode, got.Header)
	}
	for _, method := range []string{"GET", "POST", "PUT", "DELETE"} {
		if !strings.Contains(got.Header.Get("Access-Control-Allow-Methods"), method) {
			t.Errorf("%s: %s is not allowed", path, method)
		}
	}
	for _, name := range []string{"Content-Type", "If-Match", "If-None-Match", "Idempotency-Key", "Config-At-Least", "Config-Reason",
		"Config-Only-If-Changed", "Config-Restore", "Last-Event-ID", "Authorization"} {
		if !strings.Contains(got.Header.Get("Access-Control-Allow-Headers"), name) {
			t.Errorf("%s: %s is not allowed", path, name)
		}
	}
}

// TestAllPages allows all origins, without credentials.
func TestAllPages(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := startGuarded(t, origin.Options{Hosts: []string{"config.test"}, Origins: []string{"*"}})
		for _, page := range []string{"https://any.example", "null"} {
			got := s.askRaw(t, "PUT /config/a HTTP/1.1\nHost: config.test\nOrigin: "+page+"\n")
			if got.StatusCode != 200 || got.Header.Get("Access-Control-Allow-Origin") != "*" || got.Header.Get("Access-Control-Allow-Credentials") != "" ||
				got.Header.Get("Cross-Origin-Resource-Policy") != "cross-origin" {
				t.Errorf("%s: got %d %v", page, got.StatusCode, got.Header)
			}
		}
		if got := s.askRaw(t, "PUT /config/a HTTP/1.1\nHost: evil.example\nOrigin: http://evil.example\n"); got.StatusCode != 421 {
			t.Errorf("got %d for a foreign host: pages are another matter", got.StatusCode)
		}
	})
}

// TestPipelinedRequests checks that pipelined requests are answered in order, up to one whose body
// is not read: the bytes after it belong to that body.
func TestPipelinedRequests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := startGuarded(t, origin.Options{Hosts: []string{"config.test"}})
		get := func(path string) string { return "GET " + path + " HTTP/1.1\r\nHost: config.test\r\n\r\n" }
		conn := s.connect(t)
		go func() {
			_, _ = io.WriteString(conn, get("/livez")+get("/config")+"PUT /config/a HTTP/1.1\r\nHost: config.test\r\nContent-Length: 17000000\r\n\r\n"+get("/livez")+get("/livez"))
		}()
		all, err := io.ReadAll(conn)
		if err != nil {
			t.Fatal(err)
		}
		var statuses []string
		for _, part := range strings.Split(string(all), "HTTP/1.1 ")[1:] {
			statuses = append(statuses, part[:3])
		}
		if !slices.Equal(statuses, []string{"200", "200", "413"}) {
			t.Errorf("got %q", statuses)
		}
	})
}
