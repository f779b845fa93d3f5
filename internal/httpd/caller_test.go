package httpd_test

import (
	"context"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"configapi/internal/attempts"
	"configapi/internal/audit"
	"configapi/internal/auth"
	"configapi/internal/configstore"
	"configapi/internal/configstore/configstoretest"
	"configapi/internal/eventstore"
	"configapi/internal/eventstore/memory"
	"configapi/internal/eventstream"
	"configapi/internal/httpd"
	"configapi/internal/origin"
)

// TestPagesSeeWhyTheyAreRefused has a page of an allowed origin send a token that is not valid, and
// none. Credentials of the browser are never allowed.
func TestPagesSeeWhyTheyAreRefused(t *testing.T) {
	store := configstoretest.New(t, configstore.Options{})
	s := start(t, httpd.Options{Store: store.Store, Playground: http.NotFoundHandler(), Guard: mustGuard(t, origin.Options{Hosts: []string{"x"}, Origins: []string{"https://a.example"}})})
	store.MustIssue(t, "ci", time.Time{}, "READ:")
	for request, status := range map[string]int{
		"GET /config\nOrigin: https://a.example\n":                                     401,
		"GET /config\nOrigin: https://a.example\nAuthorization: Bearer x\n":            401,
		"OPTIONS /config\nOrigin: https://a.example\n":                                 204,
		"OPTIONS /config\nOrigin: https://a.example\nAuthorization: Bearer x\n":        204,
		"GET /config\nOrigin: https://b.example\nAuthorization: Bearer x\n":            403,
		"OPTIONS /config\nOrigin: https://b.example\nSec-Fetch-Site: cross-site\n":     403,
		"GET /playground\nOrigin: https://a.example\nAuthorization: Bearer x\n":        404,
		"GET /health\nOrigin: https://a.example\nAuthorization: Bearer x\n":            200,
		"GET /v1/livez\nOrigin: https://a.example\nAuthorization: Bearer x\n":          200,
		"GET /v1/metrics\nOrigin: https://a.example\nAuthorization: Bearer x\n":        401,
		"DELETE /config/a\nOrigin: https://a.example\nAuthorization: Bearer x\n":       401,
		"POST /changes\nOrigin: https://a.example\nContent-Length: 5\n":                401,
		"POST /changes\nOrigin: https://a.example\nContent-Length: 1000000000000000\n": 401,
	} {
		got := s.ask(t, request)
		if got.StatusCode != status || got.Header["Access-Control-Allow-Credentials"] != nil {
			t.Errorf("%q: got %d %v, want %d", request, got.StatusCode, got.Header, status)
		}
		if status == 401 && (got.Header.Get("Access-Control-Allow-Origin") != "https://a.example" || !strings.Contains(got.Header.Get("Access-Control-Expose-Headers"), "WWW-Authenticate")) {
			t.Errorf("%q: a page cannot see the answer: %v", request, got.Header)
		}
		if status == 204 && !strings.Contains(got.Header.Get("Access-Control-Allow-Headers"), "Authorization") {
			t.Errorf("%q: a page may not send a token: %v", request, got.Header)
		}
	}
}

// TestTokensWithoutTheStore has the event store be unreachable: a token that is known is served,
// and no other is decided on.
func TestTokensWithoutTheStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		events := &sick{Store: memory.New()}
		store := configstoretest.On(t, events, configstore.Options{})
		store.MustSet(t, "a", "x")
		known := store.MustIssue(t, "ci", time.Time{}, "READ:")
		unknown, _ := auth.NewSecret()
		s := start(t, httpd.Options{Store: store.Store, Attempts: attempts.New(attempts.Options{})})
		events.headIs(eventstore.Head{}, errUnreachable)
		if got := s.ask(t, "GET /config/a\nAuthorization: Bearer "+known+"\n"); got.StatusCode != http.StatusOK || got.body != "x" {
			t.Errorf("a known token: got %d %s", got.StatusCode, got.body)
		}
		got := s.ask(t, "GET /config/a\nAuthorization: Bearer "+unknown+"\n")
		if got.StatusCode != http.StatusServiceUnavailable || got.Header.Get("Retry-After") == "" || got.Header.Get("WWW-Authenticate") != "" || strings.Contains(got.body, secret) {
			t.Errorf("an unknown token: got %d %v %s", got.StatusCode, got.Header, got.body)
		}
		begin := time.Now()
		if got := s.ask(t, "GET /config/a\nAuthorization: Bearer cfg_mistyped\n"); got.StatusCode != http.StatusUnauthorized || time.Since(begin) != time.Second {
			t.Errorf("a mistyped token: got %d after %v", got.StatusCode, time.Since(begin))
		}
		if got := s.ask(t, "GET /health\nAuthorization: Bearer "+known+"\n"); got.StatusCode != http.StatusServiceUnavailable || !strings.Contains(got.body, `"checks"`) {
			t.Errorf("/health: got %d %s", got.StatusCode, got.body)
		}
		if got := s.ask(t, "GET /health\nAuthorization: Bearer "+unknown+"\n"); got.StatusCode != http.StatusServiceUnavailable || strings.Contains(got.body, `"checks"`) {
			t.Errorf("/health with an unknown token: got %d %s", got.StatusCode, got.body)
		}
	})
}

// TestOnlyHandshakesComeWithoutAToken shows that a closed server hands a request without a token to
// GraphQL only when it is the handshake of a websocket, and not when it merely looks like one:
// GraphQL would execute it.
func TestOnlyHandshakesComeWithoutAToken(t *testing.T) {
	store := configstoretest.New(t, configstore.Options{})
	edge := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) })
	s := start(t, httpd.Options{Store: store.Store, GraphQL: edge})
	store.MustIssue(t, "ci", time.Time{}, "READ:")
	for request, status := range map[string]int{
		"GET /graphql\nUpgrade: websocket\nConnection: Upgrade\n":                 http.StatusTeapot,
		"GET /graphql\nUpgrade: WebSocket\nConnection: keep-alive, upgrade\n":     http.StatusTeapot,
		"GET /graphql?query={a}\nUpgrade: websocket\nConnection: x-upgrade\n":     http.StatusUnauthorized,
		"GET /graphql?query={a}\nUpgrade: websocket\nConnection: upgrade-not\n":   http.StatusUnauthorized,
		"GET /graphql?query={a}\nUpgrade: websockets\nConnection: Upgrade\n":      http.StatusUnauthorized,
		"GET /graphql?query={a}\nUpgrade: websocket\n":                            http.StatusUnauthorized,
		"POST /graphql\nUpgrade: websocket\nConnection: Upgrade\n":                http.StatusUnauthorized,
		"GET /config\nUpgrade: websocket\nConnection: Upgrade\n":                  http.StatusUnauthorized,
		"GET /config/graphql\nUpgrade: websocket\nConnection: close, x-upgrade\n": http.StatusUnauthorized,
	} {
		line, header, _ := strings.Cut(request, "\n")
		if got := s.askRaw(t, line+" HTTP/1.1\nHost: x\n"+header); got.StatusCode != status {
			t.Errorf("%q: got %d %s, want %d", request, got.StatusCode, got.body, status)
		}
	}
}

// TestLinesOfRefusedRequests has a stranger send many requests of each kind that is refused, within
// a second: few have lines, and that of the refusal is there whenever that of the request is.
func TestLinesOfRefusedRequests(t *testing.T) {
	for what, test := range map[string]struct {
		request, line string
		status        int
	}{
		"no token":         {"GET /config\n", "caller refused", http.StatusUnauthorized},
		"tokens":           {"GET /config\nAuthorization: Bearer cfg_mistyped\n", "caller refused", http.StatusTooManyRequests},
		"an unknown host":  {"GET /config\nHost: evil.example\n", "refused a request for an unknown host; to allow the host, see --allow-host", http.StatusMisdirectedRequest},
		"a foreign origin": {"GET /config\nOrigin: http://evil.example\n", "refused a request from a page of another origin; to allow the origin, see --allow-origin and docs/proxies.md", http.StatusForbidden},
	} {
		t.Run(what, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store := configstoretest.New(t, configstore.Options{})
				store.MustIssue(t, "ci", time.Time{}, "READ:")
				logged := new(logbook)
				log := slog.New(slog.NewJSONHandler(logged, nil))
				refusals := audit.NewRefusals(log)
				refused := attempts.New(attempts.Options{Delay: time.Nanosecond, Burst: 1, Interval: time.Hour})
				refused.Refused(t.Context(), eventstream.Client{}) // that of a connection without an address
				s := start(t, httpd.Options{Store: store.Store, Attempts: refused, Refusals: refusals, Guard: mustGuard(t, origin.Options{}), Log: log})
				const requests, lines = 100, 10
				for range requests {
					line, header, _ := strings.Cut(test.request, "\n")
					if !strings.Contains(header, "Host:") {
						header += "Host: localhost\n"
					}
					if got := s.askRaw(t, line+" HTTP/1.1\n"+header); got.StatusCode != test.status {
						t.Fatalf("got %d %s, want %d", got.StatusCode, got.body, test.status)
					}
				}
				ctx, stop := context.WithCancel(t.Context())
				stop()
				if err := refusals.Run(ctx); err != nil {
					t.Error(err)
				}
				requested, refusing := len(logged.with("request")), len(logged.with(test.line))
				if refusing != lines || requested != lines {
					t.Errorf("%d requests have %d lines, and %d about their refusal; want %d of each", requests, requested, refusing, lines)
				}
			})
		})
	}
}
