package edgetest_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"configapi/internal/attempts"
	"configapi/internal/auth"
	"configapi/internal/configstore"
	"configapi/internal/configstore/configstoretest"
	"configapi/internal/websockettest"
)

// wantClosed fails the test unless the server has closed a websocket with a code and a reason.
func wantClosed(t *testing.T, err error, code int, says string) {
	t.Helper()
	if err == nil || websockettest.CloseCode(err) != code || !strings.Contains(err.Error(), says) {
		t.Errorf("a websocket: got %v, want it closed with %d, %s", err, code, says)
	}
}

// wantRefused fails the test unless all edges refuse a secret, "" for none.
func (g *guarded) wantRefused(t *testing.T, secret, says string) {
	t.Helper()
	challenge := `Bearer realm="configapi"`
	if secret != "" {
		challenge += `, error="invalid_token"`
	}
	for _, request := range []struct{ line, body, media, accept string }{
		{"GET /config/payments%2Fa", "", "application/problem+json", "*/*"},
		{"PUT /config/payments%2Fa", `{"value":`, "application/problem+json", "*/*"},
		{"GET /none", "", "application/problem+json", "*/*"},
		{"GET /events", "", "application/problem+json", stream},
		{"GET /metrics", "", "application/problem+json", "*/*"},
		{"POST /graphql", listConfigs, "application/json; charset=utf-8", "*/*"},
		{"POST /graphql", `{"query":`, "application/json; charset=utf-8", "application/graphql-response+json"},
		{"POST /graphql", firstEvent, "application/json; charset=utf-8", stream},
	} {
		got, body := g.send(t, secret, request.line, request.body, "Accept", request.accept)
		if got.StatusCode != http.StatusUnauthorized || got.Header.Get("WWW-Authenticate") != challenge || got.Header.Get("Content-Type") != request.media ||
			!strings.Contains(body, `"code":"UNAUTHENTICATED"`) || !strings.Contains(body, says) {
			t.Errorf("%s: got %d %v %s, want 401 that says %q", request.line, got.StatusCode, got.Header, body, says)
		}
		if !strings.Contains(strings.Join(got.Header["Vary"], ", "), "Authorization") || !strings.Contains(got.Header.Get("Cache-Control"), "no-store") {
			t.Errorf("%s: a cache may keep the answer: %v", request.line, got.Header)
		}
	}
	for path, want := range map[string]int{"GET /livez": 200, "GET /readyz": 200, "GET /health": 200, "OPTIONS /config/payments%2Fa": 405} {
		if got, body := g.send(t, secret, path, ""); got.StatusCode != want || strings.Contains(body, "checks") {
			t.Errorf("%s: got %d %s, want %d and no details", path, got.StatusCode, body, want)
		}
	}
	if secret == "" {
		_, err := g.dial(t, "", "")
		wantClosed(t, err, 4403, "Forbidden: "+says)
		return
	}
	_, err := g.dial(t, "", inPayload(secret))
	wantClosed(t, err, 4403, "Forbidden: "+says)
	if _, err := g.dial(t, secret, ""); err == nil || !strings.Contains(err.Error(), "401") {
		t.Errorf("a websocket whose handshake has the token: got %v, want 401", err)
	}
}

// wantNames fails the test unless all edges show a caller these names and no other of all.
func (g *guarded) wantNames(t *testing.T, secret string, all, want []string) {
	t.Helper()
	check := func(where, got string) {
		t.Helper()
		for _, name := range all {
			if has := strings.Contains(got, `"`+name+`"`); has != strings.Contains(strings.Join(want, " "), name) {
				t.Errorf("%s: %s is there: %t; got %s", where, name, has, got)
			}
		}
	}
	for _, request := range []struct{ line, body, accept string }{
		{"GET /config", "", "*/*"},
		{"GET /events?after=0-00000000", "", stream},
		{"POST /graphql", listConfigs, "*/*"},
		{"POST /graphql", firstEvent, stream},
	} {
		got, body := g.send(t, secret, request.line, request.body, "Accept", request.accept)
		if got.StatusCode != http.StatusOK {
			t.Errorf("%s: got %d %s", request.line, got.StatusCode, body)
		}
		check(request.line, body)
	}
	for where, in := range map[string][2]string{"the handshake": {secret, ""}, "connection_init": {"", inPayload(secret)}, "both": {secret, inPayload(secret)}} {
		c, err := g.dial(t, in[0], in[1])
		if err != nil {
			t.Fatal(err)
		}
		check("a websocket with the token in "+where, ask(t, c, onSocket))
	}
}

// TestCallers has callers with and without tokens on a running server, before and after the first
// token was issued.
func TestCallers(t *testing.T) {
	g := startGuarded(t, configstore.Options{}, nil)
	all := []string{"payments/a", "secret/b"}
	const both = `{"changes":[{"set":{"name":"payments/a","value":"x"}},{"set":{"name":"secret/b","value":"x"}}]}`
	if got, body := g.send(t, "", "POST /changes", both); got.StatusCode != http.StatusOK || got.Header["Vary"] != nil {
		t.Fatalf("on an open server: got %d %v %s", got.StatusCode, got.Header, body)
	}
	if _, err := g.dial(t, "", ""); err != nil {
		t.Errorf("on an open server: a websocket gets %v", err)
	}
	malformed, _ := auth.NewSecret()
	if got, _ := g.send(t, malformed[1:], "GET /config", ""); got.StatusCode != http.StatusUnauthorized {
		t.Errorf("an open server takes a mistyped token: got %d", got.StatusCode)
	}
	if got, _ := g.send(t, "", "GET /config", "", "Authorization", "Basic eDp5"); got.StatusCode != http.StatusOK {
		t.Errorf("an open server refuses what is no token: got %d", got.StatusCode)
	}

	reader := g.store.MustIssue(t, "reader", time.Time{}, "READ:payments")
	g.wantRefused(t, "", "a token is needed")
	g.wantNames(t, reader, all, all[:1])
	if got, body := g.send(t, reader, "GET /config/secret%2Fb", ""); got.StatusCode != http.StatusNotFound || got.Header.Get("Cache-Control") != "private, no-store" {
		t.Errorf("a hidden name: got %d %v %s", got.StatusCode, got.Header, body)
	}
	if got, body := g.send(t, reader, "PUT /config/payments%2Fa", `{"value":"y"}`); got.StatusCode != http.StatusForbidden || !strings.Contains(body, `"action":"WRITE"`) {
		t.Errorf("writing without WRITE: got %d %s", got.StatusCode, body)
	}
	if got, body := g.send(t, reader, "GET /metrics", ""); got.StatusCode != http.StatusForbidden || !strings.Contains(body, `"action":"READ"`) {
		t.Errorf("/metrics without READ on everything: got %d %s", got.StatusCode, body)
	}

	writer := g.store.MustIssue(t, "writer", time.Time{}, "WRITE:payments")
	if got, body := g.send(t, writer, "PUT /config/payments%2Fa", `{"value":"z"}`, "X-Request-Id", "the-id"); got.StatusCode != http.StatusOK {
		t.Errorf("writing with WRITE alone: got %d %s", got.StatusCode, body)
	}
	if got, _ := g.send(t, writer, "GET /config/payments%2Fa", ""); got.StatusCode != http.StatusNotFound {
		t.Errorf("reading with WRITE alone: got %d", got.StatusCode)
	}

	operator := g.store.MustIssue(t, "operator", time.Time{}, "READ:")
	g.wantNames(t, operator, all, all)
	for path, says := range map[string]string{"/health": `"checks"`, "/v1/health": `"checks"`, "/metrics": "configapi_ready 1"} {
		if got, body := g.send(t, operator, "GET "+path, ""); got.StatusCode != http.StatusOK || !strings.Contains(body, says) {
			t.Errorf("%s with READ on everything: got %d %s", path, got.StatusCode, body)
		}
	}
}

// TestRefusedTokens has tokens that are no longer, or never were, in force.
func TestRefusedTokens(t *testing.T) {
	g := startGuarded(t, configstore.Options{}, nil)
	g.store.MustSet(t, "a", "0")
	good := g.store.MustIssue(t, "good", time.Time{}, "READ,WRITE:")
	expiring := g.store.MustIssue(t, "expiring", time.Now().Add(time.Hour), "READ:")
	revoked := g.store.MustIssue(t, "revoked", time.Time{}, "READ:")
	g.wantNames(t, expiring, nil, nil)
	g.wantNames(t, revoked, nil, nil)
	g.store.MustRevoke(t, "revoked")
	g.ahead.Store(int64(2 * time.Hour))
	unknown, _ := auth.NewSecret()
	const notValid, mistyped = "the token is not valid", "the token is mistyped"
	for secret, says := range map[string]string{
		expiring: notValid, revoked: notValid, unknown: notValid,
		good[:len(good)-1] + "!": mistyped, good[:40]: mistyped, "cfg_": mistyped, "garbage cfg_garbage": mistyped,
	} {
		g.wantRefused(t, secret, says)
	}
	if got, _ := g.send(t, "", "GET /config", "", "Authorization", "Bearer"); got.StatusCode != http.StatusUnauthorized {
		t.Errorf("a header without its token: got %d", got.StatusCode)
	}
	if got, _ := g.send(t, "", "GET /config?access_token="+good, "", "Cookie", "token="+good, "X-Authorization", "Bearer "+good); got.StatusCode != http.StatusUnauthorized {
		t.Errorf("a token elsewhere than in its header: got %d", got.StatusCode)
	}
	for payload, says := range map[string]string{
		inPayload(revoked): "not valid", `{"Authorization":7}`: "mistyped", `{"Authorization":"Bearer"}`: "mistyped",
		fmt.Sprintf(`{"Authorization":"Bearer %s","authorization":"Bearer %[1]s"}`, good): "mistyped",
		inPayload(g.store.MustIssue(t, "other", time.Time{}, "READ:")):                    "another token",
	} {
		_, err := g.dial(t, good, payload)
		wantClosed(t, err, 4403, says)
	}
	g.send(t, good, "PUT /config/b", `{"value":"1"}`, "X-Request-Id", "the-id")
	g.wantNames(t, good, []string{"a"}, []string{"a"})
	g.stopLogging()
	log := g.log.String()
	if strings.Contains(log, "cfg_") {
		t.Errorf("the log has a token:\n%s", log)
	}
	for _, line := range []string{`msg=request method=PUT path=/config/b status=200`, `msg="config changed" name=b`} {
		_, rest, found := strings.Cut(log, line)
		rest, _, _ = strings.Cut(rest, "\n")
		if !found || !strings.Contains(rest, "actor=good") || !strings.Contains(rest, "request_id=the-id") {
			t.Errorf("the line %q goes on with %q", line, rest)
		}
	}
}

// TestAnonymousCallers has callers without a token on a server that gives them a part.
func TestAnonymousCallers(t *testing.T) {
	g := startGuarded(t, configstore.Options{Anonymous: configstoretest.Caller(t, "", "READ:payments").Grants}, nil)
	g.store.MustSet(t, "payments/a", "x")
	g.store.MustSet(t, "secret/b", "x")
	g.store.MustIssue(t, "good", time.Time{}, "READ:")
	if got, body := g.send(t, "", "GET /config", ""); got.StatusCode != http.StatusOK || !strings.Contains(body, "payments/a") || strings.Contains(body, "secret/b") || got.Header.Get("Vary") == "" {
		t.Errorf("the list: got %d %v %s", got.StatusCode, got.Header, body)
	}
	c, err := g.dial(t, "", "")
	if err != nil {
		t.Fatal(err)
	}
	if got := ask(t, c, onSocket); !strings.Contains(got, "payments/a") || strings.Contains(got, "secret/b") {
		t.Errorf("a websocket got %s", got)
	}
	if got, _ := g.send(t, "cfg_wrong", "GET /config", ""); got.StatusCode != http.StatusUnauthorized {
		t.Errorf("a mistyped token: got %d", got.StatusCode)
	}
	if got, body := g.send(t, "", "GET /metrics", ""); got.StatusCode != http.StatusForbidden {
		t.Errorf("/metrics: got %d %s", got.StatusCode, body)
	}
}

// TestTooManyRefusedTokens has one address send more refused tokens than it may. A valid one, and a
// request without any, go through all the same.
func TestTooManyRefusedTokens(t *testing.T) {
	g := startGuarded(t, configstore.Options{}, attempts.New(attempts.Options{}))
	good := g.store.MustIssue(t, "good", time.Time{}, "READ:")
	var all sync.WaitGroup
	for i := range 40 { // of which some are delayed at the same time
		all.Go(func() {
			request := []string{"GET /config", "POST /graphql"}[i%2]
			got, body := g.send(t, "cfg_wrong", request, listConfigs)
			if got.StatusCode == http.StatusTooManyRequests && (got.Header.Get("Retry-After") == "" || got.Header.Get("WWW-Authenticate") != "" || !strings.Contains(body, `"code":"RATE_LIMITED"`)) {
				t.Errorf("%s: got %v %s", request, got.Header, body)
			}
		})
	}
	all.Wait()
	const tries = 10 // an attempt is forgotten now and then
	for _, request := range []string{"GET /config", "POST /graphql"} {
		status := 0
		for i := 0; i < tries && status != http.StatusTooManyRequests; i++ {
			got, _ := g.send(t, "cfg_wrong", request, listConfigs)
			status = got.StatusCode
		}
		if status != http.StatusTooManyRequests {
			t.Errorf("%s: got %d again and again", request, status)
		}
		if got, body := g.send(t, good, request, listConfigs); got.StatusCode != http.StatusOK {
			t.Errorf("%s with a valid token: got %d %s", request, got.StatusCode, body)
		}
		if got, _ := g.send(t, "", request, listConfigs); got.StatusCode != http.StatusUnauthorized {
			t.Errorf("%s without a token: got %d", request, got.StatusCode)
		}
	}
	_, err := g.dial(t, "", inPayload("cfg_wrong"))
	for i := 0; i < tries && websockettest.CloseCode(err) == 4403; i++ {
		_, err = g.dial(t, "", inPayload("cfg_wrong"))
	}
	wantClosed(t, err, 1013, "too many tokens")
	if _, err := g.dial(t, "", inPayload(good)); err != nil {
		t.Errorf("a websocket with a valid token: got %v", err)
	}
}
