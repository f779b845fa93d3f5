package rest_test

import (
	"net/http"
	"strings"
	"testing"

	"configapi/internal/accesstest"
	"configapi/internal/auth"
	"configapi/internal/config"
	"configapi/internal/configstore"
	"configapi/internal/configstore/configstoretest"
)

// samples has a request of each entry point: its path, its body, and the answer of a caller without
// any grant.
var samples = map[string]struct {
	path, body string
	status     int
}{
	"GET /config":                       {"/config", "", 200},
	"GET /config/{name}":                {"/config/secret%2Fa", "", 404},
	"PUT /config/{name}":                {"/config/secret%2Fa", `{"value":"x"}`, 403},
	"DELETE /config/{name}":             {"/config/secret%2Fa", "", 403},
	"GET /config/{name}/history":        {"/config/secret%2Fa/history", "", 200},
	"GET /config/{name}/at/{timestamp}": {"/config/secret%2Fa/at/2200-01-01T00:00:00Z", "", 404},
	"POST /config/{name}/restore":       {"/config/secret%2Fgone/restore", "", 403},
	"GET /events":                       {"/events?after=0-00000000", "", 200},
	"GET /changes":                      {"/changes", "", 200},
	"POST /changes":                     {"/changes", `{"changes":[{"delete":{"name":"secret/a"}}]}`, 403},
	"GET /changes/recent":               {"/changes/recent", "", 200},
	"POST /changes/{position}/revert":   {"/changes/HEAD/revert", "", 403},
	"POST /revert":                      {"/revert", `{"to":"0-00000000"}`, 403},
	"GET /diff":                         {"/diff?from=0-00000000", "", 200},
	"GET /deleted":                      {"/deleted", "", 200},
	"GET /children":                     {"/children", "", 200},
	"GET /tokens":                       {"/tokens", "", 403},
	"GET /tokens/{name}":                {"/tokens/secret", "", 403},
	"GET /secrets/{publicId}":           {"/%73ecrets/0123456789012345678901", "", 403}, // not the word that the test replaces
	"POST /tokens":                      {"/tokens", `{"name":"secret","grants":[{"actions":["READ"],"prefix":""}]}`, 403},
	"POST /tokens/{name}/rotate":        {"/tokens/secret/rotate", "", 403},
	"PUT /tokens/{name}/grants":         {"/tokens/secret/grants", `{"grants":[{"actions":["READ"],"prefix":""}]}`, 403},
	"DELETE /tokens/{name}":             {"/tokens/secret", "", 403},
}

// TestAccessOfNobody sends a request to every entry point of a store with secrets, by a caller
// without any grant. Answers about a config that is there are those about one that is not, and none
// of them has a name, a value, an actor or a reason.
func TestAccessOfNobody(t *testing.T) {
	open := MustStart(t, configstore.Options{})
	set := config.ChangeSet{Reason: mustReason(t, "secret reason")}.Of(configstoretest.Set(t, "secret/a", "secret value"), configstoretest.Set(t, "secret/gone", "secret value"))
	if _, err := open.Apply(t.Context(), auth.Caller{Name: "secret actor", Grants: auth.Everything}, set); err != nil {
		t.Fatal(err)
	}
	open.MustDelete(t, "secret/gone")
	nobody := open.as(t)
	for entry := range accesstest.Read(t, "REST") {
		sample, known := samples[entry]
		if !known {
			t.Errorf("there is no request for %s here", entry)
			continue
		}
		method, _, _ := strings.Cut(entry, " ")
		path := strings.Replace(sample.path, "HEAD", open.head(), 1)
		if entry == "GET /events" {
			if got := nobody.MustListen(t, path).changes(); len(got.Changes) > 0 || got.Position != open.head() {
				t.Errorf("%s: got %+v", entry, got)
			}
			continue
		}
		got := nobody.MustDo(t, method+" "+path, sample.body, "Accept: application/problem+json, */*")
		if got.status != sample.status {
			t.Errorf("%s: got %d %s, want %d", entry, got.status, got.body, sample.status)
		}
		// A refusal names what the request does.
		if got.status != http.StatusForbidden && strings.Contains(got.body, "secret") || strings.Contains(got.body, "secret value") {
			t.Errorf("%s: got %s", entry, got.body)
		}
		other := nobody.MustDo(t, method+" "+strings.Replace(path, "secret", "nothing", 1), strings.Replace(sample.body, "secret", "nothing", 1), "Accept: application/problem+json, */*")
		if other.status != got.status || other.body != strings.ReplaceAll(got.body, "secret", "nothing") {
			t.Errorf("%s: got %d %s, and for a name that was never there %d %s", entry, got.status, got.body, other.status, other.body)
		}
	}
	if got := open.MustDo(t, "GET /config/secret%2Fa", ""); got.body != "secret value" {
		t.Errorf("a request of nobody has changed something: got %s", got.body)
	}
}

func mustReason(t testing.TB, text string) config.Reason {
	t.Helper()
	reason, err := config.ParseReason(text)
	if err != nil {
		t.Fatal(err)
	}
	return reason
}
