package edgetest_test

import (
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"configapi/internal/attempts"
	"configapi/internal/auth"
	"configapi/internal/configstore"
	"configapi/internal/configstore/configstoretest"
	"configapi/internal/httpd"
	"configapi/internal/origin"
)

const (
	page        = "https://console.example.com"
	setMutation = `{"query":"mutation{setConfig(input:{name:\"a\",value:\"x\"}){__typename}}"}`
)

// ofPage allows a page of another origin.
func ofPage(t *testing.T) func(*httpd.Options) {
	t.Helper()
	guard, err := origin.New(origin.Options{Origins: []string{page}})
	if err != nil {
		t.Fatal(err)
	}
	return func(opts *httpd.Options) { opts.Guard = guard }
}

// wantReadable fails the test unless the page may read the answer.
func wantReadable(t *testing.T, what string, got *http.Response) {
	t.Helper()
	vary := strings.Join(got.Header["Vary"], ", ")
	if got.Header.Get("Access-Control-Allow-Origin") != page || !strings.Contains(got.Header.Get("Access-Control-Expose-Headers"), "WWW-Authenticate") ||
		!strings.Contains(vary, "Origin") || !strings.Contains(vary, "Authorization") {
		t.Errorf("%s: the page may not read the answer: %v", what, got.Header)
	}
	if got.Header["Access-Control-Allow-Credentials"] != nil {
		t.Errorf("%s: the page may send cookies: %v", what, got.Header)
	}
}

// TestRefusalsOnAllEdges has a page of another origin send each kind of token to each edge.
func TestRefusalsOnAllEdges(t *testing.T) {
	once := attempts.New(attempts.Options{Delay: time.Nanosecond, Burst: 1 << 20})
	g := startGuarded(t, configstore.Options{}, once, ofPage(t))
	g.store.MustSet(t, "a", "0")
	valid := g.store.MustIssue(t, "valid", time.Time{}, "READ:")
	revoked := g.store.MustIssue(t, "revoked", time.Time{}, "READ:")
	expired := g.store.MustIssue(t, "expired", time.Now().Add(time.Hour), "READ:")
	unknown, _ := auth.NewSecret()
	g.store.MustRevoke(t, "revoked")
	g.ahead.Store(int64(2 * time.Hour))
	const challenge, rejected = `Bearer realm="configapi"`, `Bearer realm="configapi", error="invalid_token"`
	withToken := 0
	for _, test := range []struct{ name, secret, challenge, why string }{
		{"no token", "", challenge, "no token"},
		{"malformed", "cfg_wrong", rejected, "the token is malformed"},
		{"unknown", unknown, rejected, "the token is unknown, was revoked or has expired"},
		{"revoked", revoked, rejected, "the token is unknown, was revoked or has expired"},
		{"expired", expired, rejected, "the token is unknown, was revoked or has expired"},
		{"valid", valid, "", ""},
	} {
		want := http.StatusUnauthorized
		if test.challenge == "" {
			want = http.StatusOK
		}
		for edge, request := range map[string]struct{ line, body, accept string }{
			"REST":        {"GET /config", "", "*/*"},
			"events":      {"GET /events?after=0-00000000", "", stream},
			"GraphQL":     {"POST /graphql", listConfigs, "application/json"},
			"new GraphQL": {"POST /graphql", listConfigs, "application/graphql-response+json"},
			"graphql-sse": {"POST /graphql", firstEvent, stream},
		} {
			got, body := g.send(t, test.secret, request.line, request.body, "Accept", request.accept, "Origin", page)
			if got.StatusCode != want || got.Header.Get("WWW-Authenticate") != test.challenge || strings.Contains(body, "UNAUTHENTICATED") != (test.challenge != "") {
				t.Errorf("%s, %s: got %d %v %s", test.name, edge, got.StatusCode, got.Header, body)
			}
			wantReadable(t, test.name+", "+edge, got)
			if test.challenge != "" && test.secret != "" {
				withToken++
			}
		}
		payload := ""
		if test.secret != "" {
			payload = inPayload(test.secret)
		}
		_, err := g.dial(t, "", payload)
		switch {
		case test.challenge != "":
			wantClosed(t, err, 4403, "Forbidden: ")
			if test.secret != "" {
				withToken++
			}
		case err != nil:
			t.Errorf("%s, a websocket: %v", test.name, err)
		}
	}
	_, metrics := g.send(t, valid, "GET /metrics", "")
	if want := `configapi_refusals_total{reason="token"} ` + strconv.Itoa(withToken); !strings.Contains(metrics, want+"\n") {
		t.Errorf("the metrics lack %s", want)
	}
}

// TestRefusalsInTheLog has callers refused, and looks at the lines about them.
func TestRefusalsInTheLog(t *testing.T) {
	g := startGuarded(t, configstore.Options{}, nil)
	g.send(t, "", "GET /config", "", "X-Forwarded-For", "203.0.113.1", "X-Request-Id", "r0")
	g.store.MustIssue(t, "valid", time.Time{}, "READ:")
	unknown, kept := auth.NewSecret()
	g.send(t, "", "GET /config", "", "X-Request-Id", "r1")
	g.send(t, "cfg_wrong", "GET /events", "", "X-Request-Id", "r2")
	g.send(t, unknown, "POST /graphql", listConfigs, "X-Request-Id", "r3")
	g.send(t, unknown, "GET /health", "", "X-Request-Id", "r4")
	_, err := g.dial(t, "", inPayload(unknown))
	wantClosed(t, err, 4403, "not valid")
	g.stopLogging()
	log := g.log.String()
	const refused = `msg="caller refused" why=`
	for _, want := range []string{
		`"no token was ever issued, and the request may come from elsewhere" remote=R request_id=r0`,
		`"no token" remote=R request_id=r1`,
		`"the token is malformed" remote=R request_id=r2`,
		`"the token is unknown, was revoked or has expired" remote=R public_id=` + string(kept.ID) + ` request_id=r3`,
		`"the token is unknown, was revoked or has expired" remote=R public_id=` + string(kept.ID) + ` request_id=r4`,
		`"the token is unknown, was revoked or has expired" remote=R public_id=` + string(kept.ID) + ` request_id=`,
	} {
		before, after, _ := strings.Cut(want, "R")
		_, rest, found := strings.Cut(log, refused+before+"127.0.0.1:")
		if rest, _, _ = strings.Cut(rest, "\n"); !found || !strings.Contains(log, after) {
			t.Errorf("the log lacks %s; the first such line ends with %s", want, rest)
		}
	}
	if got := strings.Count(log, refused); got != 6 {
		t.Errorf("the log has %d lines about refusals, want 6:\n%s", got, log)
	}
	if strings.Contains(log, unknown) || strings.Contains(log, "cfg_") {
		t.Errorf("the log has a secret:\n%s", log)
	}
}

// bodyWith calls a function before its first byte.
type bodyWith struct {
	io.Reader
	before func()
}

func (b *bodyWith) Read(p []byte) (int, error) {
	if b.before != nil {
		b.before()
		b.before = nil
	}
	return b.Reader.Read(p)
}

// TestATokenThatEndsDuringItsRequest revokes a token when its request has been let in, and its body
// has not arrived.
func TestATokenThatEndsDuringItsRequest(t *testing.T) {
	for edge, request := range map[string]struct{ line, body, accept string }{
		"REST":            {"PUT /config/a", `{"value":"x"}`, "*/*"},
		"REST, set":       {"POST /changes", `{"changes":[{"set":{"name":"a","value":"x"}}]}`, "*/*"},
		"GraphQL":         {"POST /graphql", setMutation, "application/json"},
		"new GraphQL":     {"POST /graphql", setMutation, "application/graphql-response+json"},
		"GraphQL, a list": {"POST /graphql", listConfigs, "application/json"},
	} {
		t.Run(edge, func(t *testing.T) {
			g := startGuarded(t, configstore.Options{}, nil, ofPage(t))
			ending := g.store.MustIssue(t, "ending", time.Time{}, "READ,WRITE:")
			method, path, _ := strings.Cut(request.line, " ")
			body := &bodyWith{strings.NewReader(request.body), func() { g.store.MustRevoke(t, "ending") }}
			r, err := http.NewRequestWithContext(t.Context(), method, g.URL+path, body)
			if err != nil {
				t.Fatal(err)
			}
			r.ContentLength = int64(len(request.body))
			for name, value := range map[string]string{
				"Authorization": "Bearer " + ending, "Content-Type": jsonType, "Accept": request.accept, "Origin": page,
				"Expect": "100-continue", // the server asks for the body once it has let the caller in
			} {
				r.Header.Set(name, value)
			}
			client := http.Client{Transport: &http.Transport{ExpectContinueTimeout: configstoretest.Patience}}
			defer client.CloseIdleConnections()
			got, err := client.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			defer got.Body.Close()
			if answer := mustReadAnswer(t, got); got.StatusCode != http.StatusUnauthorized || !strings.Contains(got.Header.Get("WWW-Authenticate"), "invalid_token") ||
				!strings.Contains(answer, "UNAUTHENTICATED") {
				t.Errorf("got %d %v %s", got.StatusCode, got.Header, answer)
			}
			wantReadable(t, "the answer", got)
			if body.before != nil {
				t.Error("the token was not revoked")
			}
		})
	}
}

// TestHostsOfRequestsWithTokens sends requests for a host that the server does not answer for.
func TestHostsOfRequestsWithTokens(t *testing.T) {
	g := startGuarded(t, configstore.Options{}, nil)
	g.store.MustSet(t, "a", "0")
	valid := g.store.MustIssue(t, "valid", time.Time{}, "READ:")
	unknown, _ := auth.NewSecret()
	send := func(line, secret string) (*http.Response, string) {
		t.Helper()
		method, path, _ := strings.Cut(line, " ")
		r, err := http.NewRequestWithContext(t.Context(), method, g.URL+path, strings.NewReader(""))
		if err != nil {
			t.Fatal(err)
		}
		r.Host = "rebound.example"
		if secret != "" {
			r.Header.Set("Authorization", secret)
		}
		got, err := g.Client().Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer got.Body.Close()
		return got, mustReadAnswer(t, got)
	}
	for _, test := range []struct {
		line, secret string
		want         int
	}{
		{"GET /config", "", http.StatusMisdirectedRequest},
		{"GET /config", "Basic eDp5", http.StatusMisdirectedRequest},
		{"GET /config", "Bearer " + valid, http.StatusOK},
		{"GET /graphql?query={viewer{name}}", "Bearer " + valid, http.StatusOK},
		{"GET /config", "Bearer " + unknown, http.StatusUnauthorized},
		{"GET /config", "Bearer cfg_wrong", http.StatusUnauthorized},
		{"GET /config", "Bearer", http.StatusUnauthorized},
		{"OPTIONS /config", "Bearer " + valid, http.StatusMisdirectedRequest},
		{"GET /playground", "Bearer " + valid, http.StatusMisdirectedRequest},
		{"GET /playground/x", "Bearer cfg_wrong", http.StatusMisdirectedRequest},
		{"GET /livez", "", http.StatusOK},
	} {
		if got, body := send(test.line, test.secret); got.StatusCode != test.want {
			t.Errorf("%s with %.12s…: got %d %s, want %d", test.line, test.secret, got.StatusCode, body, test.want)
		}
	}
}
