package edgetest_test

import (
	"io"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
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

// TestDeniedCallersInTheLog has a caller do what it has no right to, on each edge.
func TestDeniedCallersInTheLog(t *testing.T) {
	g := startGuarded(t, configstore.Options{}, nil)
	g.store.MustSet(t, "b", "0")
	secret := g.store.MustIssue(t, "reader", time.Time{}, "READ:a", "READ:b")
	kept, err := auth.ParseSecret(secret)
	if err != nil {
		t.Fatal(err)
	}
	const sets, oneSet = `mutation{setConfig(input:{name:"b",value:"secret-value"}){...on UserError{code}}}`, `mutation{applyConfigs(input:{changes:[{delete:{name:"b"}}]}){__typename}}`
	const all, back = `{tokens{totalCount}}`, `mutation{revertConfigs(input:{to:{position:"0-00000000"},filter:{prefix:"b"}}){__typename}}`
	for id, request := range map[string][2]string{
		"r0": {"PUT /config/b", `{"value":"secret-value"}`}, "r1": {"POST /changes", `{"changes":[{"delete":{"name":"b"}}]}`},
		"r2": {"GET /tokens", ""}, "r3": {"GET /metrics", ""}, "r4": {"POST /graphql", query(sets)}, "r5": {"POST /graphql", query(oneSet)},
		"r6": {"POST /graphql", query(all)}, "r7": {"POST /graphql", query(back)}, "r8": {"POST /graphql", query(`mutation{revokeToken(input:{name:"x"}){__typename}}`)},
	} {
		if got, body := g.send(t, secret, request[0], request[1], "X-Request-Id", id); got.StatusCode >= 500 {
			t.Errorf("%v: got %d %s", request, got.StatusCode, body)
		}
	}
	c, err := g.dial(t, secret, "")
	if err != nil {
		t.Fatal(err)
	}
	if got := ask(t, c, sets); !strings.Contains(got, "FORBIDDEN") {
		t.Errorf("a websocket got %s", got)
	}
	g.stopLogging()
	log := g.log.String()
	lines := regexp.MustCompile(`msg="caller refused" why="(?:nothing was written: )?(READ|WRITE|ADMIN)(?: on b)? is not granted[^"]*" remote=127\.0\.0\.1:\d+ actor=reader public_id=`+string(kept.ID)+` request_id=(\S+)\n`).FindAllStringSubmatch(log, -1)
	ids := map[string]bool{}
	for _, line := range lines {
		ids[line[2]] = true
	}
	for i := range 9 {
		if id := "r" + strconv.Itoa(i); !ids[id] {
			t.Errorf("%s has no line", id)
		}
	}
	if len(lines) != 10 || len(ids) != 10 || strings.Contains(log, "secret-value") {
		t.Errorf("got %d lines of %d requests:\n%s", len(lines), len(ids), log)
	}
}

// TestRequestIDsOfChanges changes something on each edge: the line of the change has the id of the
// request.
func TestRequestIDsOfChanges(t *testing.T) {
	g := startGuarded(t, configstore.Options{}, nil)
	secret := g.store.MustIssue(t, "admin", time.Time{}, "READ,WRITE,ADMIN:")
	const makesToken = `mutation{createToken(input:{name:"two",grants:[{actions:[READ],prefix:"a"}]}){__typename}}`
	requests := map[string][2]string{
		"r0": {"PUT /config/a", `{"value":"0"}`}, "r1": {"POST /changes", `{"changes":[{"set":{"name":"b","value":"0"}}]}`},
		"r2": {"POST /tokens", `{"name":"one","grants":[{"actions":["READ"],"prefix":"a"}]}`},
		"r3": {"POST /graphql", query(`mutation{setConfig(input:{name:"c",value:"0"}){__typename}}`)}, "r4": {"POST /graphql", query(makesToken)},
	}
	for id, request := range requests {
		if got, body := g.send(t, secret, request[0], request[1], "X-Request-Id", id); got.StatusCode >= 400 {
			t.Errorf("%v: got %d %s", request, got.StatusCode, body)
		}
	}
	g.stopLogging()
	for id := range requests {
		if changed := regexp.MustCompile(`msg="(config|token) changed" .*actor=admin .*request_id=` + id + `\n`); !changed.MatchString(g.log.String()) {
			t.Errorf("%s has no line:\n%s", id, g.log.String())
		}
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
			body := &bodyWith{strings.NewReader(request.body), func() { g.store.MustRevoke(t, "ending") }}
			r := g.request(t.Context(), t, request.line, body, append(bearer(ending), "Content-Type", jsonType, "Accept", request.accept, "Origin", page,
				"Expect", "100-continue")...) // the server asks for the body once it has let the caller in
			r.ContentLength = int64(len(request.body))
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

// TestAValidTokenAmongGuesses has one address send a thousand guesses, many at a time, and a valid
// token in between: it is never limited, on any edge.
func TestAValidTokenAmongGuesses(t *testing.T) {
	g := startGuarded(t, configstore.Options{}, attempts.New(attempts.Options{Delay: time.Millisecond, Burst: 5, Interval: time.Hour}))
	g.store.MustSet(t, "a", "0")
	good := g.store.MustIssue(t, "good", time.Time{}, "READ:")
	unknown, _ := auth.NewSecret()
	var guesses sync.WaitGroup
	var refused, limited atomic.Int64
	for range 10 {
		guesses.Go(func() {
			for i := range 100 {
				secret := "cfg_wrong"
				if i%50 == 0 { // the server looks for it in the history, which takes a while
					secret = unknown
				}
				switch got, _ := g.send(t, secret, "GET /config", ""); got.StatusCode {
				case http.StatusUnauthorized:
					refused.Add(1)
				case http.StatusTooManyRequests:
					limited.Add(1)
				}
			}
		})
	}
	ended := make(chan struct{})
	go func() { guesses.Wait(); close(ended) }()
	for over := false; !over; {
		select {
		case <-ended:
			over = true
		default:
		}
		for _, request := range [][3]string{
			{"GET /config", "", "*/*"}, {"POST /graphql", listConfigs, "*/*"}, {"GET /events?after=0-00000000", "", stream}, {"POST /graphql", firstEvent, stream},
		} {
			if got, body := g.send(t, good, request[0], request[1], "Accept", request[2]); got.StatusCode != http.StatusOK {
				t.Fatalf("%s: got %d %s", request[0], got.StatusCode, body)
			}
		}
		c, err := g.dial(t, "", inPayload(good))
		if err != nil {
			t.Fatalf("a websocket: %v", err)
		}
		c.Close()
	}
	if refused.Load() != 5 || limited.Load() != 995 {
		t.Errorf("%d guesses got 401 and %d 429, want 5 and 995", refused.Load(), limited.Load())
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
		r := g.request(t.Context(), t, line, strings.NewReader(""))
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
