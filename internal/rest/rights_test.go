package rest_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"configapi/internal/auth"
	"configapi/internal/configstore"
	"configapi/internal/configstore/configstoretest"
)

// as returns the same service as a caller with grants such as READ:app has it.
func (s *service) as(t testing.TB, grants ...string) *service {
	t.Helper()
	caller := configstoretest.Caller(t, "ci", grants...)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.edge.ServeHTTP(w, r.WithContext(auth.NewContext(r.Context(), caller)))
	}))
	t.Cleanup(server.Close)
	return &service{s.Store, s.edge, server}
}

// denied is the problem of a request about one config.
func denied(action, on string) string {
	return fmt.Sprintf(`{"type":"about:blank","title":"Forbidden","status":403,"detail":"%[1]s on %[2]s is not granted; use a token that grants it","code":"FORBIDDEN","action":"%[1]s"}`, action, on)
}

// mustAnswer fails unless an answer has this status and body, and shows no state but at a position.
func mustAnswer(t testing.TB, request string, got answer, status int, body string) {
	t.Helper()
	if got.status != status || got.body != body {
		t.Errorf("%s: got %d %s\nwant %d %s", request, got.status, got.body, status, body)
	}
	if status != http.StatusOK && (got.header.Get("ETag") != "" || got.header.Get("Config-Version") != "" || got.header.Get("Config-Position") == "") {
		t.Errorf("%s: got headers %v", request, got.header)
	}
}

// TestForbidden has a client that may change less than it asks for.
func TestForbidden(t *testing.T) {
	open := MustStart(t, configstore.Options{})
	open.MustSet(t, "a", "secret")
	open.MustSet(t, "gone", "secret")
	open.MustDelete(t, "gone")
	s := open.as(t, "READ:", "WRITE:other")
	for _, name := range []string{"a", "gone", "none"} {
		for _, request := range []string{"PUT /config/" + name, "DELETE /config/" + name, "POST /config/" + name + "/restore"} {
			body := ""
			if request[:3] == "PUT" {
				body = `{"value":"x"}`
			}
			mustAnswer(t, request, s.MustDo(t, request, body, `If-Match: "9"`, "Accept: application/problem+json"), http.StatusForbidden, denied("WRITE", name))
		}
		// The form of the request comes first.
		if got := s.MustDo(t, "PUT /config/"+name, `{"value":`); got.status != http.StatusBadRequest {
			t.Errorf("a broken body: got %d %s", got.status, got.body)
		}
		if got := s.MustDo(t, "PUT /config/"+name, `x`, "Content-Type: text/plain"); got.status != http.StatusUnsupportedMediaType {
			t.Errorf("another type: got %d %s", got.status, got.body)
		}
	}
}

// TestWriteWithoutRead has a client that may write and not read.
func TestWriteWithoutRead(t *testing.T) {
	open := MustStart(t, configstore.Options{})
	open.MustSet(t, "a", "secret")
	open.MustSet(t, "gone", "secret")
	open.MustDelete(t, "gone")
	s := open.as(t, "WRITE:")
	for range 2 { // the second time it is the receipt
		got := s.MustDo(t, "PUT /config/a", `{"value":"mine"}`, "Idempotency-Key: k")
		mustAnswer(t, "PUT", got, http.StatusOK, "OK")
		if tag, want := got.header.Get("ETag"), `"2-`+open.at(t, 4)[2:]+`"`; tag != want || got.header.Get("Config-Position") != open.at(t, 4) {
			t.Errorf("got headers %v, want the tag %s", got.header, want)
		}
	}
	for _, path := range []string{"/config/a", "/config/gone", "/config/none"} {
		mustAnswer(t, path, s.MustDo(t, "GET "+path, "", "Accept: application/json"), http.StatusNotFound, "Not Found")
	}
	const conflict = `{"type":"about:blank","title":"Precondition Failed","status":412,"detail":"version 1 was expected, but the config has another one","code":"VERSION_CONFLICT"}`
	mustAnswer(t, "If-Match", s.MustDo(t, "PUT /config/a", `{"value":"x"}`, `If-Match: "1"`), http.StatusPreconditionFailed, conflict)
	mustAnswer(t, "deleted", s.MustDo(t, "PUT /config/gone", `{"value":"x"}`), http.StatusGone, "Gone")
	mustAnswer(t, "only if changed", s.MustDo(t, "PUT /config/a", `{"value":"x"}`, "Config-Only-If-Changed: true"), http.StatusForbidden, denied("READ", "a"))
	mustAnswer(t, "restore", s.MustDo(t, "POST /config/gone/restore", ""), http.StatusForbidden, denied("READ", "gone"))
	mustAnswer(t, "restore with a value", s.MustDo(t, "POST /config/gone/restore", `{"value":"mine"}`), http.StatusOK, "OK")
	mustAnswer(t, "DELETE", s.MustDo(t, "DELETE /config/a", ""), http.StatusOK, "OK")
}

// TestForbiddenSet applies and reverts sets of which the client may not change or read some names.
func TestForbiddenSet(t *testing.T) {
	open := MustStart(t, configstore.Options{})
	for _, name := range []string{"deleted", "same", "updated"} {
		open.MustSet(t, name, "1")
	}
	s := open.as(t, "READ,WRITE:updated", "READ:same", "WRITE:deleted")
	problem := func(status int, title, code, detail, errors string) string {
		return fmt.Sprintf(`{"type":"about:blank","title":%q,"status":%d,"detail":"nothing was written: %s","code":%q,"position":%q,"errors":[%s]}`,
			title, status, detail, code, open.head(), errors)
	}
	forbidden := func(path, action, on string) string {
		return fmt.Sprintf(`{"code":"FORBIDDEN","message":"%[1]s on %[2]s is not granted; use a token that grants it","path":%[3]s,"current":null,"action":"%[1]s"}`, action, on, path)
	}
	const same = "WRITE on same is not granted; use a token that grants it"
	mustAnswer(t, "set", s.MustDo(t, "POST /changes", `{"asSeenAt":"9-00000000","changes":[{"set":{"name":"updated","value":"2","expectedVersion":9}},`+
		`{"set":{"name":"same","value":"2"}},{"set":{"name":"deleted","value":"2","onlyIfChanged":true}},{"delete":{"name":"none"}}]}`), http.StatusForbidden,
		problem(403, "Forbidden", "FORBIDDEN", same+" (the first of 3 failures)",
			forbidden(`["changes","1","set","name"]`, "WRITE", "same")+","+forbidden(`["changes","2","set","name"]`, "READ", "deleted")+","+
				forbidden(`["changes","3","delete","name"]`, "WRITE", "none")))
	mustAnswer(t, "conflict", s.MustDo(t, "POST /changes", `{"changes":[{"set":{"name":"deleted","value":"2","expectedVersion":7}}]}`), http.StatusConflict,
		problem(409, "Conflict", "VERSION_CONFLICT", "version 7 was expected, but the config has another one",
			`{"code":"VERSION_CONFLICT","message":"version 7 was expected, but the config has another one","path":["changes","0","set","expectedVersion"],"current":null}`))
	mustAnswer(t, "revert", s.MustDo(t, "POST /revert", `{"to":"0-00000000"}`), http.StatusForbidden,
		problem(403, "Forbidden", "FORBIDDEN", same, forbidden(`null`, "WRITE", "same")))
	const unknown = "this history never handed out that position"
	for _, position := range []string{open.at(t, 1), "9-00000000"} {
		mustAnswer(t, "undo", s.MustDo(t, "POST /changes/"+position+"/revert", ""), http.StatusBadRequest,
			problem(400, "Bad Request", "POSITION_UNKNOWN", unknown, `{"code":"POSITION_UNKNOWN","message":"`+unknown+`","path":["changeSet"],"current":null}`))
	}
}
