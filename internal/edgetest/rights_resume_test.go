package edgetest_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"configapi/internal/auth"
	"configapi/internal/config"
	"configapi/internal/configstore"
	"configapi/internal/configstore/configstoretest"
	"configapi/internal/websockettest"
)

// TestClientsThatComeBackInAnotherScope has clients that were not connected while their token was
// changed: with the position that they have, no edge lets them go on; with one of after it, all do.
func TestClientsThatComeBackInAnotherScope(t *testing.T) {
	g := startGuarded(t, configstore.Options{}, nil)
	secret := g.store.MustIssue(t, "ci", time.Time{}, "READ:app")
	seen := g.mustSetAsLocal(t, "app/a", "1")
	g.mustChangeGrants(t, "READ:app", "READ:more")
	fresh := g.mustSetAsLocal(t, "more/x", "2")
	g.mustSetAsLocal(t, "more/y", "last")

	const query = `subscription($after:Position){configChanges(after:$after){position changes{value}}}`
	body := func(after string) string {
		return mustMarshal(object{"query": query, "variables": object{"after": after}})
	}
	socket := func(after string) (int, string) {
		c, err := g.dial(t, secret, "")
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		return 101, askAfter(t, c, "1", query, after) + askAfter(t, c, "2", query, fresh)
	}
	send := func(request, body string, headers ...string) (int, string) {
		answer, got := g.send(t, secret, request, body, append(headers, "Accept", stream)...)
		return answer.StatusCode, got
	}
	for name, row := range map[string]struct {
		open    func(after string) (status int, text string)
		status  int    // of a stream that does not go on
		refusal string // how it is said
	}{
		"websocket": {socket, 101, `"type":"error"`},
		"graphql":   {func(after string) (int, string) { return send("POST /graphql", body(after)) }, 200, "event: next"},
		"graphql, last event": {func(after string) (int, string) {
			return send("POST /graphql", body("0-00000000"), "Last-Event-ID", after)
		}, 200, "event: next"},
		"events": {func(after string) (int, string) { return send("GET /events?after="+after, "") }, 403, `"status":403`},
		"events, last event": {func(after string) (int, string) {
			return send("GET /events?after="+fresh, "", "Last-Event-ID", after)
		}, 403, `"status":403`},
	} {
		t.Run(name, func(t *testing.T) {
			status, text := row.open(seen)
			if status != row.status || !strings.Contains(text, row.refusal) || !strings.Contains(text, `"code":"FORBIDDEN"`) || !strings.Contains(text, auth.ErrChanged.Error()) {
				t.Errorf("from before the change: got %d, %s", status, text)
			}
			status, text = row.open(fresh)
			if status >= 300 || !strings.Contains(text, "last") || strings.Contains(text, "FORBIDDEN") {
				t.Errorf("from after the change: got %d, %s", status, text)
			}
		})
	}
	if strings.Contains(g.log.String(), "refused") {
		t.Errorf("the log has a refusal: %s", g.log)
	}
}

// askAfter subscribes on a socket, and returns the first message.
func askAfter(t *testing.T, c *websockettest.Client, id, query, after string) string {
	t.Helper()
	if err := c.Subscribe(id, query, object{"after": after}); err != nil {
		t.Fatal(err)
	}
	for {
		m, err := c.Receive()
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(m.Text, fmt.Sprintf(`"id":%q`, id)) {
			return m.Text
		}
	}
}

// mustSetAsLocal has the caller local set a config, and returns the text of its position.
func (g *guarded) mustSetAsLocal(t *testing.T, name, value string) string {
	t.Helper()
	outcome, err := g.store.Do(t.Context(), auth.Local, config.Single(configstoretest.Set(t, name, value)))
	if err != nil {
		t.Fatal(err)
	}
	return outcome.Position.String()
}
