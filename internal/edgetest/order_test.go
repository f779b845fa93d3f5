package edgetest_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"configapi/internal/attempts"
	"configapi/internal/auth"
	"configapi/internal/configstore"
)

// TestOrderOfRefusals sends requests that are wrong in two ways. The answer is about the way that
// comes first: token, body and name, rights, existence, version, idempotency key.
func TestOrderOfRefusals(t *testing.T) {
	g := startGuarded(t, configstore.Options{}, attempts.New(attempts.Options{Delay: time.Nanosecond, Burst: 2, Interval: time.Hour}))
	g.store.MustSet(t, "a/there", "0")
	g.store.MustSet(t, "b/there", "0")
	g.store.MustSet(t, "a/gone", "0")
	g.store.MustDelete(t, "a/gone")
	g.store.MustSet(t, "b/gone", "0")
	g.store.MustDelete(t, "b/gone")
	writer := g.store.MustIssue(t, "writer", time.Time{}, "READ:", "WRITE:a")
	unknown, _ := auth.NewSecret()
	const used = "used"
	if got, body := g.send(t, writer, "PUT /config/a%2Fkey", `{"value":"1"}`, "Idempotency-Key", used); got.StatusCode != http.StatusOK {
		t.Fatalf("got %d %s", got.StatusCode, body)
	}
	const ifMatch, other, key, text = "If-Match", `"9-01234567"`, "Idempotency-Key", "text/csv"
	large := `{"value":"` + strings.Repeat("x", 2<<20) + `"}`
	for _, test := range []struct {
		first, then   string
		secret        string
		request, body string
		headers       []string
		want          int
		says          string
	}{
		{"token", "body", unknown, "PUT /config/a", `{"value":`, nil, 401, "UNAUTHENTICATED"},
		{"no token", "name", "", "PUT /config/%00", `{"value":""}`, nil, 401, "UNAUTHENTICATED"},
		{"no token", "path", "", "GET /nothing", "", nil, 401, "UNAUTHENTICATED"},
		{"no token", "method", "", "PATCH /config/a", "", nil, 401, "UNAUTHENTICATED"},
		{"token", "size", "cfg_wrong", "PUT /config/a", large, nil, 401, "UNAUTHENTICATED"},
		{"attempts", "size", "cfg_wrong", "PUT /config/a", large, nil, 429, "RATE_LIMITED"},
		{"attempts", "body", unknown, "POST /graphql", `{"query":`, nil, 429, "RATE_LIMITED"},
		{"no token", "document", "", "POST /graphql", `{"query":"{"}`, nil, 401, "UNAUTHENTICATED"},
		{"body", "rights", writer, "PUT /config/b%2Fthere", `{"value":`, nil, 400, "INVALID_INPUT"},
		{"size", "rights", writer, "PUT /config/b%2Fthere", large, nil, 413, "value has 2097152 bytes"},
		{"type", "rights", writer, "PUT /config/b%2Fthere", "x", []string{"Content-Type", text}, 415, "application/octet-stream"},
		{"name", "rights", writer, "DELETE /config/%00", "", nil, 400, "INVALID_INPUT"},
		{"header", "rights", writer, "DELETE /config/b%2Fthere", "", []string{"Config-Reason", "%"}, 400, "INVALID_INPUT"},
		{"body", "rights", writer, "POST /changes", `{"changes":[{"set":{"name":"b/there"}}]}`, nil, 400, "INVALID_INPUT"},
		{"body", "key", writer, "PUT /config/a%2Fthere", `{"value":`, []string{key, used}, 400, "INVALID_INPUT"},
		{"rights", "existence", writer, "DELETE /config/b%2Fnone", "", nil, 403, `"action":"WRITE"`},
		{"rights", "deletion", writer, "PUT /config/b%2Fgone", `{"value":""}`, nil, 403, `"action":"WRITE"`},
		{"rights", "version", writer, "PUT /config/b%2Fthere", `{"value":""}`, []string{ifMatch, other}, 403, `"action":"WRITE"`},
		{"rights", "key", writer, "PUT /config/b%2Fthere", `{"value":""}`, []string{key, used}, 403, `"action":"WRITE"`},
		{"rights", "existence", writer, "POST /changes", `{"changes":[{"delete":{"name":"b/none"}},{"delete":{"name":"a/none"}}]}`, nil, 403, `"action":"WRITE"`},
		{"existence", "version", writer, "DELETE /config/a%2Fnone", "", []string{ifMatch, other}, 404, "Not Found"},
		{"deletion", "version", writer, "PUT /config/a%2Fgone", `{"value":""}`, []string{ifMatch, other}, 410, "Gone"},
		{"existence", "key", writer, "DELETE /config/a%2Fnone", "", []string{key, used}, 404, "Not Found"},
		{"deletion", "key", writer, "DELETE /config/a%2Fgone", "", []string{key, used}, 410, "Gone"},
		{"version", "key", writer, "PUT /config/a%2Fthere", `{"value":""}`, []string{ifMatch, other, key, used}, 412, "VERSION_CONFLICT"},
		{"key", "", writer, "PUT /config/a%2Fthere", `{"value":""}`, []string{key, used}, 422, "IDEMPOTENCY_MISMATCH"},
		{"document", "rights", writer, "POST /graphql", query("mutation{deleteConfig(input:{name:\"b/none\"}){nothing}}"), nil, 200, "GRAPHQL_VALIDATION_FAILED"},
		{"name", "rights", writer, "POST /graphql", mutation("name:\"b//\""), nil, 200, "INVALID_INPUT"},
		{"rights", "existence", writer, "POST /graphql", mutation("name:\"b/none\""), nil, 200, "FORBIDDEN"},
		{"rights", "version", writer, "POST /graphql", mutation("name:\"b/there\",expectedVersion:9"), nil, 200, "FORBIDDEN"},
		{"rights", "key", writer, "POST /graphql", mutation("name:\"b/there\",idempotencyKey:\"used\""), nil, 200, "FORBIDDEN"},
		{"existence", "version", writer, "POST /graphql", mutation("name:\"a/none\",expectedVersion:9"), nil, 200, "NOT_FOUND"},
		{"deletion", "version", writer, "POST /graphql", mutation("name:\"a/gone\",expectedVersion:9"), nil, 200, "DELETED"},
		{"existence", "key", writer, "POST /graphql", mutation("name:\"a/none\",idempotencyKey:\"used\""), nil, 200, "NOT_FOUND"},
		{"version", "key", writer, "POST /graphql", mutation("name:\"a/there\",expectedVersion:9,idempotencyKey:\"used\""), nil, 200, "VERSION_CONFLICT"},
	} {
		got, body := g.send(t, test.secret, test.request, test.body, test.headers...)
		if got.StatusCode != test.want || !strings.Contains(body, test.says) {
			t.Errorf("%s before %s, %s: got %d %.300s, want %d that says %s", test.first, test.then, test.request, got.StatusCode, body, test.want, test.says)
		}
	}
}

// TestRefusedRetries repeats a write whose outcome its client does not know, after the token has
// lost its rights: the answers say nothing about the first try. With the rights comes its outcome.
func TestRefusedRetries(t *testing.T) {
	g := startGuarded(t, configstore.Options{}, attempts.New(attempts.Options{Delay: time.Nanosecond, Burst: 1, Interval: time.Hour}))
	secret := g.store.MustIssue(t, "ci", time.Time{}, "READ,WRITE:")
	send := func(key string, want int) (body, position string) {
		t.Helper()
		got, body := g.send(t, secret, "PUT /config/a", `{"value":"1"}`, "Idempotency-Key", key, "X-Request-Id", "x")
		if got.StatusCode != want {
			t.Errorf("the key %s: got %d %s, want %d", key, got.StatusCode, body, want)
		}
		return body, got.Header.Get("Config-Position")
	}
	const made, never = "made", "never"
	_, first := send(made, http.StatusOK)
	same := func(want int) {
		t.Helper()
		ofMade, at := send(made, want)
		ofNever, now := send(never, want)
		if ofMade != ofNever || at != now {
			t.Errorf("a retry of what was made: got %s at %s, of what was not: %s at %s", ofMade, at, ofNever, now)
		}
	}
	g.mustChangeGrants(t, "READ:")
	same(http.StatusForbidden)
	g.mustChangeGrants(t, "READ,WRITE:")
	if _, again := send(made, http.StatusOK); again != first {
		t.Errorf("the outcome is at %s, was at %s", again, first)
	}
	g.store.MustRevoke(t, "ci")
	send(made, http.StatusUnauthorized)
	same(http.StatusTooManyRequests)
}

// query returns the body of a GraphQL request.
func query(document string) string { return fmt.Sprintf(`{"query":%q}`, document) }

// mutation returns the body of a GraphQL request that deletes a config.
func mutation(input string) string {
	return query("mutation{deleteConfig(input:{" + input + "}){...on UserError{code message path}}}")
}
