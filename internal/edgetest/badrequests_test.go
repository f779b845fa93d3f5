package edgetest_test

import (
	"net/http"
	"strings"
	"testing"

	"configapi/internal/edgetest"
)

// badRequest is a request of REST that is wrong for every caller.
type badRequest struct {
	request string // METHOD /path
	body    string
	want    int
	says    string // a part of the text, which names the rule
	headers []string
}

const (
	wantFirst    = "first must be a number from 1 to 500"
	wantCursor   = "after must be from the Link header"
	wantMoment   = "RFC 3339 instant"
	wantPosition = "POSITION_UNKNOWN"
)

// accepts asks for the media type of GraphQL whose answers have the status of their error.
var accepts = []string{"Accept", "application/graphql-response+json"}

// badQueries are requests that read.
var badQueries = []badRequest{
	{"GET /config?first=0", "", 400, wantFirst, nil},
	{"GET /config?first=-1", "", 400, wantFirst, nil},
	{"GET /config?first=501", "", 400, wantFirst, nil},
	{"GET /config?first=1.5", "", 400, wantFirst, nil},
	{"GET /config?first=", "", 400, wantFirst, nil},
	{"GET /config?first=1&first=2", "", 400, "more than once", nil},
	{"GET /changes?first=0", "", 400, wantFirst, nil},
	{"GET /changes/recent?first=501", "", 400, wantFirst, nil},
	{"GET /diff?from=0-00000000&first=-1", "", 400, wantFirst, nil},
	{"GET /deleted?first=x", "", 400, wantFirst, nil},
	{"GET /children?first=0", "", 400, wantFirst, nil},
	{"GET /tokens?first=0", "", 400, wantFirst, nil},
	{"GET /config?first=1&after=forged", "", 400, wantCursor, nil},
	{"GET /config?first=1&after=", "", 400, wantCursor, nil},
	{"GET /changes/recent?after=forged", "", 400, wantCursor, nil},
	{"GET /deleted?after=AAAAAAAA", "", 400, wantCursor, nil},
	{"GET /children?after=%00", "", 400, wantCursor, nil},
	{"GET /diff?from=0-00000000&after=forged", "", 400, wantCursor, nil},
	{"GET /diff", "", 400, "from", nil},
	{"GET /diff?from=", "", 400, wantMoment, nil},
	{"GET /diff?from=x", "", 400, wantMoment, nil},
	{"GET /diff?from=0-00000000&to=2026-02-30T00:00:00Z", "", 400, wantMoment, nil},
	{"GET /diff?from=1-00c0ffee", "", 400, wantPosition, nil},
	{"GET /changes/recent?since=2026-01-01T00:00:00", "", 400, wantMoment, nil},
	{"GET /changes/recent?until=", "", 400, wantMoment, nil},
	{"GET /changes/recent?operation=MOVED", "", 400, "operation", nil},
	{"GET /config?prefix=a//b", "", 400, "prefix", nil},
	{"GET /events?prefix=/", "", 400, "prefix", nil},
	{"GET /children?prefix=a%00", "", 400, "prefix", nil},
	{"GET /deleted?contains=", "", 400, "contains", nil},
	{"GET /config?secret=1", "", 400, `unknown parameter \"secret\"`, nil},
	{"GET /events?secret=1", "", 400, `unknown parameter \"secret\"`, nil},
	{"GET /config?%zz", "", 400, "hex digits", nil},
	{"GET /config?wait=soon", "", 400, "wait", nil},
	{"GET /config?wait=31s", "", 400, "wait", nil},
	{"GET /config?consistency=STRONG", "", 400, "consistency", nil},
	{"GET /config/a", "", 400, wantPosition, []string{"Config-At-Least", "x"}},
	{"GET /config", "", 400, wantPosition, []string{"Config-At-Least", "1-00c0ffee"}},
	{"GET /config/a/history", "", 400, wantPosition, []string{"Config-At-Least", "999999-00c0ffee"}},
	{"GET /graphql", "", 400, "query", nil},
	{"GET /graphql?query={__typename}&variables=[]", "", 400, "variables", nil},
	{"GET /graphql?query={__typename}&operationName=A", "", 400, "operationName", accepts},
	{"GET /graphql?query=subscription{configChanges{position}}", "", 400, "graphql-transport-ws", accepts},
	{"POST /graphql", `[{"query":"{__typename}"}]`, 400, "batch", nil},
	{"POST /graphql", `query={__typename}`, 415, "application/json", []string{"Content-Type", "application/x-www-form-urlencoded"}},
	{"GET /nothing", "", 404, "Not Found", nil},
	{"GET /config/a/b", "", 404, "/config/a%2Fb", nil},
	{"GET /changes/1-00c0ffee", "", 404, "Not Found", nil},
}

// badWrites are requests that would write. None has a name that its caller could be forbidden.
var badWrites = []badRequest{
	{"PATCH /config/a", "", 405, "GET, HEAD, PUT, DELETE", nil},
	{"POST /config", "", 405, "GET, HEAD", nil},
	{"PUT /graphql", "", 405, "POST", nil},
	{"GET /graphql?query=mutation{setConfig(input:{name:%22a%22,value:%22%22}){__typename}}", "", 405, "POST", nil},
	{"DELETE /changes", "", 405, "GET, HEAD, POST", nil},
	{"POST /events", "", 405, "GET", nil},
	{"PUT /config/a?secret=1", `{"value":""}`, 400, `unknown parameter \"secret\"`, nil},
	{"PUT /config/a", "a\x00", 400, "NUL", []string{"Content-Type", "application/octet-stream"}},
	{"PUT /config/a", "\xff", 400, "UTF-8", []string{"Content-Type", "application/octet-stream"}},
	{"PUT /config/a", strings.Repeat("x", 5001), 413, "larger than 5000 bytes", []string{"Content-Type", "application/octet-stream"}},
	{"PUT /config/a", `{"value":"","extra":1}`, 400, "extra", nil},
	{"PUT /config/a", `{"value":""}`, 400, "If-Match", []string{"If-Match", "x"}},
	{"DELETE /config/a", "", 400, "If-Match", []string{"If-Match", `"x`}},
	{"POST /config/a/restore", "", 400, "If-None-Match", []string{"If-None-Match", `*, x`}},
	{"DELETE /config/a", "", 400, "Config-Reason", []string{"Config-Reason", "%"}},
	{"DELETE /config/a", "", 400, "Config-Reason", []string{"Config-Reason", "%ff"}},
	{"DELETE /config/a", "", 400, "at most 1024", []string{"Config-Reason", strings.Repeat("r", 1025)}},
	{"PUT /config/a", `{"value":""}`, 400, "Config-Restore", []string{"Config-Restore", "1"}},
	{"PUT /config/a", `{"value":""}`, 400, "Config-Only-If-Changed", []string{"Config-Only-If-Changed", "maybe"}},
	{"POST /config/a/restore", `{"value":5}`, 400, "value", nil},
	{"POST /changes", `{"changes":{}}`, 400, "changes", nil},
	{"POST /changes", `{"changes":[{}]}`, 400, "changes", nil},
	{"POST /changes", `{"changes":[{"set":{"name":"a","value":""},"delete":{"name":"b"}}]}`, 400, "changes", nil},
	{"POST /changes", `{"changes":[{"move":{"name":"a"}}]}`, 400, "move", nil},
	{"POST /changes", `{"changes":[{"delete":{"name":"a","expectedVersion":1.5}}]}`, 400, "expectedVersion", nil},
	{"POST /changes", `{"changes":[{"delete":{"name":"a","expectedVersion":1e400}}]}`, 400, "expectedVersion", nil},
	{"POST /changes", `{"changes":[{"delete":{"name":"a"}}],"dryRun":"yes"}`, 400, "dryRun", nil},
	{"POST /changes", `{"changes":[{"delete":{"name":"a"}}]}`, 400, "If-Match", []string{"If-Match", "*"}},
	{"POST /revert", `{}`, 400, "to", nil},
	{"POST /revert", `{"to":5}`, 400, "to", nil},
	{"POST /revert", `{"to":"2026-02-30T00:00:00Z"}`, 400, wantMoment, nil},
	{"POST /changes/x/revert", `{}`, 400, wantPosition, nil},
	{"POST /changes/1-00c0ffee/revert", `{"onConflict":"MERGE"}`, 400, "onConflict", nil},
	{"POST /tokens", `{}`, 400, "name", nil},
	{"POST /tokens", `{"name":"a/b","grants":[{"actions":["READ"],"prefix":"a"}]}`, 400, "name", nil},
	{"POST /tokens", `{"name":"x","grants":[]}`, 400, "grants", nil},
	{"POST /tokens", `{"name":"x","grants":[{"actions":["ROOT"],"prefix":"a"}]}`, 400, "actions", nil},
	{"POST /tokens", `{"name":"x","grants":[{"actions":["READ"],"prefix":"/a"}]}`, 400, "prefix", nil},
	{"POST /tokens", `{"name":"x","grants":[{"actions":["READ"],"prefix":"a"}],"expiresAt":"2026-02-30T00:00:00Z"}`, 400, "expiresAt", nil},
	{"POST /tokens", `{"name":"x","grants":[{"actions":["READ"],"prefix":"a"}]}`, 400, "Idempotency-Key", []string{"Idempotency-Key", "k"}},
	{"PUT /tokens/caller/grants", `{"grants":5}`, 400, "grants", nil},
}

// runRequests sends all bad requests as the caller of a server.
func runRequests(t *testing.T, a asked) {
	t.Helper()
	before := a.head(t)
	for _, row := range append(badQueries[:len(badQueries):len(badQueries)], badWrites...) {
		want, says := row.want, row.says
		if a.kind == edgetest.Unknown {
			want, says = http.StatusUnauthorized, unauthenticated
		}
		status, text := a.ask(t, row.request, jsonType, row.body, row.headers...)
		if status != want || !strings.Contains(text, says) {
			t.Errorf("%s %.80q %.80q: got %d %.300s, want %d that says %s", row.request, row.body, row.headers, status, text, want, says)
		}
	}
	if now := a.head(t); now != before {
		t.Errorf("the position went from %s to %s", before, now)
	}
}
