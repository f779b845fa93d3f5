package edgetest_test

import (
	"bufio"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"configapi/internal/auth"
	"configapi/internal/config"
	"configapi/internal/configstore"
	"configapi/internal/configstore/configstoretest"
)

// rightsEnds are what happens to the token ci, which may read and write app for an hour, or to an
// open server; the reason with which sockets close, and the code with which event streams end.
var rightsEnds = map[string]struct {
	anonymous  bool
	byClock    bool   // the change comes after the end: nothing is applied that ends the rights
	allowed    string // to anonymous callers once the server is closed
	end        func(t *testing.T, g *guarded)
	reason     string
	code, says string
}{
	"revoked": {end: func(t *testing.T, g *guarded) { g.store.MustRevoke(t, "ci") },
		reason: "revoked", code: "UNAUTHENTICATED", says: "revoked"},
	"secret replaced": {end: func(t *testing.T, g *guarded) { g.mustRotate(t, time.Time{}) },
		reason: "revoked", code: "UNAUTHENTICATED", says: "replaced"},
	"secret kept for a while": {byClock: true, end: func(t *testing.T, g *guarded) {
		g.mustRotate(t, time.Now().Add(time.Minute))
		g.ahead.Store(int64(2 * time.Minute))
	}, reason: "expired", code: "UNAUTHENTICATED", says: "expired"},
	"expired": {byClock: true, end: func(_ *testing.T, g *guarded) { g.ahead.Store(int64(2 * time.Hour)) },
		reason: "expired", code: "UNAUTHENTICATED", says: "expired"},
	"READ taken": {end: func(t *testing.T, g *guarded) { g.mustChangeGrants(t, "WRITE:app") },
		reason: "changed", code: "FORBIDDEN", says: "read it anew"},
	"READ given": {end: func(t *testing.T, g *guarded) { g.mustChangeGrants(t, "READ:app", "READ:more") },
		reason: "changed", code: "FORBIDDEN", says: "read it anew"},
	"closed": {anonymous: true, end: func(t *testing.T, g *guarded) { g.store.MustIssue(t, "ci", time.Time{}, "READ:") },
		reason: "Forbidden: a token is needed", code: "UNAUTHENTICATED", says: "a token is needed"},
	"closed but for some names": {anonymous: true, allowed: "READ:app", end: func(t *testing.T, g *guarded) { g.store.MustIssue(t, "ci", time.Time{}, "READ:") },
		reason: "changed", code: "FORBIDDEN", says: "read it anew"},
}

func (g *guarded) mustRotate(t *testing.T, keep time.Time) {
	t.Helper()
	cmd := auth.RotateToken{Name: configstoretest.TokenName(t, "ci"), KeepOldUntil: keep}
	if _, err := g.store.RotateToken(t.Context(), auth.Local, cmd, config.Reason{}); err != nil {
		t.Fatal(err)
	}
}

func (g *guarded) mustChangeGrants(t *testing.T, grants ...string) {
	t.Helper()
	cmd := auth.ChangeGrants{Name: configstoretest.TokenName(t, "ci"), Grants: configstoretest.Caller(t, "", grants...).Grants}
	if _, err := g.store.ChangeGrants(t.Context(), auth.Local, cmd, config.Reason{}); err != nil {
		t.Fatal(err)
	}
}

// TestConnectionsEndWithRights has sockets with and without streams, and both kinds of event
// streams, of one caller: all end, and nothing that happens later is sent to them. Those of another
// token go on.
func TestConnectionsEndWithRights(t *testing.T) {
	for name, row := range rightsEnds {
		t.Run(name, func(t *testing.T) {
			opts := configstore.Options{}
			if row.allowed != "" {
				opts.Anonymous = configstoretest.Caller(t, "", row.allowed).Grants
			}
			g := startGuarded(t, opts, nil)
			var secret, other string
			if !row.anonymous {
				secret = g.store.MustIssue(t, "ci", time.Now().Add(time.Hour), "READ,WRITE:app")
				other = g.store.MustIssue(t, "cd", time.Time{}, "READ,WRITE:app")
			}
			var waits []func()
			for _, query := range []string{"", `subscription{configChanges(filter:{prefix:"app"}){changes{name value}}}`, `subscription{config(name:"app/a"){value}}`} {
				waits = append(waits, g.socketThatCloses(t, secret, query, row.reason))
			}
			waits = append(waits, g.eventsThatEnd(t, secret, "GET /events?prefix=app", "", "event: error", row.code, row.says),
				g.eventsThatEnd(t, secret, "POST /graphql", `{"query":"subscription{config(name:\"app/a\"){value}}"}`, "event: next", row.code, row.says))
			var goesOn func()
			if other != "" {
				goesOn = g.socketThatGoesOn(t, other)
			}
			row.end(t, g)
			if !row.byClock {
				g.mustSetAsLocal(t, "app/a", "later")
			}
			for _, wait := range waits {
				wait()
			}
			if row.byClock {
				g.mustSetAsLocal(t, "app/a", "later")
			}
			if goesOn != nil {
				goesOn()
			}
		})
	}
}

// socketThatCloses opens a socket with a stream, or without one for "". The function that it
// returns waits for the end.
func (g *guarded) socketThatCloses(t *testing.T, secret, query, reason string) (wait func()) {
	t.Helper()
	c, err := g.dial(t, secret, "")
	if err != nil {
		t.Fatal(err)
	}
	if query != "" {
		ask(t, c, query)
	}
	return func() {
		t.Helper()
		m, err := c.Receive()
		if err == nil {
			t.Errorf("%s: got %s, want the end", query, m.Text)
		}
		wantClosed(t, err, 4403, fmt.Sprintf("%q", reason)[:len(reason)+1])
	}
}

// socketThatGoesOn opens a socket with a stream of app/a. The function that it returns waits for
// the value "later".
func (g *guarded) socketThatGoesOn(t *testing.T, secret string) (wait func()) {
	t.Helper()
	c, err := g.dial(t, secret, "")
	if err != nil {
		t.Fatal(err)
	}
	ask(t, c, `subscription{config(name:"app/a"){value}}`)
	return func() {
		t.Helper()
		if m, err := c.Receive(); err != nil || !strings.Contains(m.Text, "later") {
			t.Errorf("a stream of another token: got %s, %v", m.Text, err)
		}
	}
}

// eventsThatEnd opens an event stream. The function that it returns waits for its end: an error and
// nothing else.
func (g *guarded) eventsThatEnd(t *testing.T, secret, line, body, event, code, says string) (wait func()) {
	t.Helper()
	headers := append(bearer(secret), "Content-Type", jsonType, "Accept", stream)
	answer, err := g.Client().Do(g.request(t.Context(), t, line, strings.NewReader(body), headers...))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { answer.Body.Close() })
	lines := bufio.NewReader(answer.Body)
	for text := ""; !strings.HasPrefix(text, "data: "); { // the first event is there
		if text, err = lines.ReadString('\n'); err != nil {
			t.Fatalf("%s: %s, %v", line, answer.Status, err)
		}
	}
	return func() {
		t.Helper()
		time.AfterFunc(configstoretest.Patience, func() { answer.Body.Close() })
		rest, err := io.ReadAll(lines)
		if got := string(rest); err != nil || !strings.Contains(got, event+"\n") || !strings.Contains(got, `"code":"`+code+`"`) ||
			!strings.Contains(got, says) || strings.Contains(got, "later") {
			t.Errorf("%s: got %s, %v, want its end with %s", line, got, err, code)
		}
	}
}
