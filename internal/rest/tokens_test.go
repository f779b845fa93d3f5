package rest_test

import (
	"encoding/json"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"configapi/internal/auth"
	"configapi/internal/configstore"
)

var (
	secretText  = regexp.MustCompile(`cfg_[0-9A-Za-z]{22}_[0-9A-Za-z]{49}`)
	publicText  = regexp.MustCompile(`"publicId":"[0-9A-Za-z]{22}"`)
	instantText = regexp.MustCompile(`"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z"`)
	placeText   = regexp.MustCompile(`"position":"(\d+)-[0-9a-f]{8}"`)
)

// hideToken returns an answer without what differs each time: secrets, public ids, instants and
// hashes.
func hideToken(t *testing.T, text string) string {
	t.Helper()
	for _, s := range secretText.FindAllString(text, -1) {
		if _, err := auth.ParseSecret(s); err != nil {
			t.Errorf("%s: %v", s, err)
		}
	}
	text = secretText.ReplaceAllString(text, "SECRET")
	text = publicText.ReplaceAllString(text, `"publicId":"PUBLIC"`)
	return placeText.ReplaceAllString(instantText.ReplaceAllString(text, `"TIME"`), `"position":"$1"`)
}

const (
	oneSecret  = `{"publicId":"PUBLIC","createdAt":"TIME","expiresAt":null,"lastUsedAt":null}`
	ciVersion1 = `{"name":"ci","version":1,"grants":[{"actions":["READ","WRITE"],"prefix":"payments"}],"createdAt":"TIME","createdBy":"ci","expiresAt":"2998-12-31T23:00:00.000000Z","secrets":[` + oneSecret + `]}`
)

// TestTokens makes, rotates, changes and revokes a token. No answer may be stored.
func TestTokens(t *testing.T) {
	s := MustStart(t, configstore.Options{}).as(t, "READ,WRITE,ADMIN:")
	rotated := strings.Replace(strings.Replace(ciVersion1, `"version":1`, `"version":2`, 1), oneSecret,
		`{"publicId":"PUBLIC","createdAt":"TIME","expiresAt":"TIME","lastUsedAt":null},`+oneSecret, 1)
	changed := strings.Replace(strings.Replace(rotated, `"version":2`, `"version":3`, 1), `{"actions":["READ","WRITE"],"prefix":"payments"}`, `{"actions":["READ"],"prefix":""}`, 1)
	stale := `{"type":"about:blank","title":"Precondition Failed","status":412,"detail":"version 2 was expected, but the token has version 3","code":"VERSION_CONFLICT","current_version":3}`
	soon := time.Now().Add(24 * time.Hour).UTC().Format("2006-01-02T15:04:05Z")
	for _, step := range []struct {
		request, body, header string
		status                int
		want, tag             string
	}{
		{"POST /tokens", `{"name":"ci","grants":[{"actions":["WRITE","READ"],"prefix":"payments/"}],"expiresAt":"2999-01-01T00:00:00+01:00","reason":"nightly"}`, "X: x",
			200, `{"token":` + ciVersion1 + `,"secret":"SECRET","position":"1"}`, `"1"`},
		{"GET /tokens", "", "X: x", 200, `{"tokens":[` + ciVersion1 + `],"totalCount":1}`, ""},
		{"POST /tokens/ci/rotate", `{"keepOldUntil":"` + soon + `"}`, `If-Match: "1"`, 200, `{"token":` + rotated + `,"secret":"SECRET","position":"2"}`, `"2"`},
		{"PUT /tokens/ci/grants", `{"grants":[{"actions":["READ"],"prefix":""}],"expectedVersion":2}`, `Config-Reason: less`, 200, `{"token":` + changed + `,"position":"3"}`, `"3"`},
		{"PUT /tokens/ci/grants", `{"grants":[{"actions":["READ"],"prefix":""}],"expectedVersion":2}`, "X: x", 412, stale, `"3"`},
		{"POST /tokens/ci/rotate", "", `If-Match: "2"`, 412, stale, `"3"`},
		{"DELETE /tokens/ci", "", `If-Match: "3-00c0ffee"`, 412, strings.Replace(stale, "version 2", "version 0", 1), `"3"`},
		{"DELETE /tokens/ci", "", `If-Match: *`, 200, `{"token":null,"position":"4"}`, ""},
		{"DELETE /tokens/ci", "", "X: x", 404, `{"type":"about:blank","title":"Not Found","status":404,"detail":"there is no token of this name that you may see","code":"NOT_FOUND"}`, ""},
		{"GET /tokens", "", "X: x", 200, `{"tokens":[],"totalCount":0}`, ""},
	} {
		got := s.MustDo(t, step.request, step.body, step.header)
		if got.status != step.status || hideToken(t, got.body) != step.want || got.header.Get("ETag") != step.tag {
			t.Errorf("%s %s\n got %d %s, tag %s\nwant %d %s", step.request, step.body, got.status, hideToken(t, got.body), got.header.Get("ETag"), step.status, step.want)
		}
		if got.header.Get("Cache-Control") != "no-store" || got.header.Get("Config-Position") == "" {
			t.Errorf("%s: got %v", step.request, got.header)
		}
	}
}

// TestTokenRequests sends requests that break a rule. Nothing is written.
func TestTokenRequests(t *testing.T) {
	s := MustStart(t, configstore.Options{})
	const grants = `"grants":[{"actions":["READ"],"prefix":""}]`
	for _, test := range []struct{ request, body, header, want string }{
		{"POST /tokens", "", "X: x", `member "name" is missing`},
		{"POST /tokens", `{"name":"a"}`, "X: x", `member "grants" is missing`},
		{"POST /tokens", `{"name":"a","grants":[{"actions":["READ"]}]}`, "X: x", "must have actions and a prefix"},
		{"POST /tokens", `{"name":"a","grants":[{"actions":["LOOK"],"prefix":""}]}`, "X: x", "READ, WRITE, ADMIN"},
		{"POST /tokens", `{"name":"a","grants":[{"actions":[],"prefix":""}]}`, "X: x", "grants[0].actions is empty"},
		{"POST /tokens", `{"name":"a:b",` + grants + `}`, "X: x", "letters, digits"},
		{"POST /tokens", `{"name":"a",` + grants + `,"expiresAt":"0001-01-01T00:00:00Z"}`, "X: x", "expiresAt is not in the future"},
		{"POST /tokens", `{"name":"a",` + grants + `,"expiresAt":"tomorrow"}`, "X: x", "expiresAt must be an RFC 3339 instant"},
		{"POST /tokens", `{"name":"a",` + grants + `,"expiresAt":"2020-01-01T00:00:00Z"}`, "X: x", "expiresAt is not in the future"},
		{"POST /tokens", `{"name":"a",` + grants + `,"expiresAt":"0001-01-01T00:00:00Z"}`, "X: x", "expiresAt is not in the future"},
		{"POST /tokens", `{"name":"a",` + grants + `,"expectedVersion":1}`, "X: x", `"expectedVersion" is not taken here`},
		{"POST /tokens", `{"name":"a",` + grants + `,"secret":"x"}`, "X: x", "secret"},
		{"POST /tokens", `{"name":"a",` + grants + `}`, "Idempotency-Key: k", "after an unknown outcome, rotate the token"},
		{"POST /tokens", `{"name":"a",` + grants + `,"reason":"x"}`, "Config-Reason: y", "differs from the reason in the body"},
		{"POST /tokens", `{"name":"a",` + grants + `}`, "Config-Restore: true", "can only be true on a PUT"},
		{"POST /tokens?x=1", `{"name":"a",` + grants + `}`, "X: x", `unknown parameter`},
		{"POST /tokens/a/rotate", `{"name":"b"}`, "X: x", "the path has the name"},
		{"POST /tokens/a/rotate", `{` + grants + `}`, "X: x", `"grants" is not taken here`},
		{"PUT /tokens/a/grants", `{"expiresAt":null}`, "X: x", `"grants" is missing`},
		{"PUT /tokens/a/grants", `{` + grants + `,"expectedVersion":1}`, `If-Match: "2"`, "differs from expectedVersion"},
		{"DELETE /tokens/a%2Fb", "", "X: x", "letters, digits"},
		{"DELETE /tokens/a", "", `If-Match: "1", "2"`, "must be * or one entity tag"},
		{"DELETE /tokens/a", "", `If-None-Match: *`, "cannot be given with a token"},
		{"DELETE /tokens/a", `{"keepOldUntil":"2020-01-01T00:00:00Z"}`, "X: x", `"keepOldUntil" is not taken here`},
		{"GET /tokens?first=0", "", "X: x", "first must be a number"},
		{"GET /tokens?after=x", "", "X: x", "after must be"},
	} {
		got := s.MustDo(t, test.request, test.body, test.header)
		if got.status != http.StatusBadRequest || !strings.Contains(strings.ReplaceAll(got.body, `\"`, `"`), test.want) || got.header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s %s: got %d %s, want 400 with %q", test.request, test.body, got.status, got.body, test.want)
		}
	}
	if got := s.head(); got != "0-00000000" {
		t.Errorf("the head is %s", got)
	}
}

// TestTokensOfOthers has a caller with ADMIN on a part of the names: tokens that may do more do not
// exist for it.
func TestTokensOfOthers(t *testing.T) {
	all := MustStart(t, configstore.Options{}).as(t, "READ,WRITE,ADMIN:")
	for name, prefix := range map[string]string{"a": "shop", "b": "shop/a", "c": "shop", "top": ""} {
		if got := all.MustDo(t, "POST /tokens", `{"name":"`+name+`","grants":[{"actions":["READ"],"prefix":"`+prefix+`"}]}`); got.status != 200 {
			t.Fatal(got)
		}
	}
	some := all.as(t, "READ,ADMIN:shop")
	var names []string
	for path := "/tokens?first=1"; path != ""; {
		got := some.MustDo(t, "GET "+path, "")
		var page struct {
			Tokens     []struct{ Name string }
			TotalCount int
		}
		if err := json.Unmarshal([]byte(got.body), &page); err != nil || len(page.Tokens) != 1 || page.TotalCount != 3 {
			t.Fatalf("%s: got %s", path, got.body)
		}
		names, path = append(names, page.Tokens[0].Name), ""
		if next, _, more := strings.Cut(strings.TrimPrefix(got.header.Get("Link"), "<"), ">"); more {
			path = "/tokens" + next
		}
	}
	if strings.Join(names, " ") != "a b c" {
		t.Errorf("got %v", names)
	}
	for _, request := range []string{"POST /tokens/top/rotate", "DELETE /tokens/top", "DELETE /tokens/none"} {
		if got := some.MustDo(t, request, ""); got.status != http.StatusNotFound {
			t.Errorf("%s: got %d %s", request, got.status, got.body)
		}
	}
	if got := some.MustDo(t, "POST /tokens", `{"name":"x","grants":[{"actions":["WRITE"],"prefix":"shop"}]}`); got.status != http.StatusForbidden || got.body != denied("WRITE", "shop") {
		t.Errorf("got %d %s", got.status, got.body)
	}
}

// TestOneToken reads tokens one by one, by their names and by their secrets.
func TestOneToken(t *testing.T) {
	all := MustStart(t, configstore.Options{}).as(t, "READ,WRITE,ADMIN:")
	id := func(answer answer) string {
		secret := secretText.FindString(answer.body)
		if secret == "" {
			t.Fatalf("got no secret in %s", answer.body)
		}
		return secret[:len("cfg_")+22]
	}
	first := id(all.MustDo(t, "POST /tokens", `{"name":"ci","grants":[{"actions":["READ","WRITE"],"prefix":"payments"}],"expiresAt":"2998-12-31T23:00:00Z"}`))
	top := id(all.MustDo(t, "POST /tokens", `{"name":"top","grants":[{"actions":["READ"],"prefix":""}]}`))
	ended := strings.Replace(ciVersion1, oneSecret, "", 1)
	revoked := `{"token":` + strings.Replace(ended, `"version":1`, `"version":2`, 1) + `,"revoked":true,"secret":` + oneSecret + `,"inForce":false}`
	for _, step := range []struct {
		request string
		status  int
		want    string
	}{
		{"GET /tokens/ci", 200, `{"token":` + ciVersion1 + `}`},
		{"GET /v1/secrets/" + first, 200, `{"token":` + ciVersion1 + `,"revoked":false,"secret":` + oneSecret + `,"inForce":true}`},
		{"DELETE /tokens/ci", 200, `{"token":null,"position":"3"}`},
		{"GET /tokens/ci", 404, noToken},
		{"GET /tokens/none", 404, noToken},
		{"GET /secrets/" + strings.TrimPrefix(first, "cfg_"), 200, revoked},
		{"GET /secrets/cfg_0123456789012345678901", 404, noToken},
	} {
		got := all.MustDo(t, step.request, "")
		if got.status != step.status || hideToken(t, got.body) != step.want || got.header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s\n got %d %s\nwant %d %s", step.request, got.status, hideToken(t, got.body), step.status, step.want)
		}
	}
	secret, _ := auth.NewSecret()
	for _, wrong := range []string{"GET /tokens/a:b", "GET /secrets/x", "GET /secrets/" + secret, "GET /tokens/ci?x=1"} {
		if got := all.MustDo(t, wrong, ""); got.status != http.StatusBadRequest || strings.Contains(got.body, secret) {
			t.Errorf("%s: got %d %s", wrong, got.status, got.body)
		}
	}
	some := all.as(t, "READ,ADMIN:shop")
	for _, request := range []string{"GET /tokens/top", "GET /secrets/" + top} {
		if got := some.MustDo(t, request, ""); got.status != http.StatusNotFound || got.body != noToken {
			t.Errorf("%s: got %d %s", request, got.status, got.body)
		}
	}
}

const noToken = `{"type":"about:blank","title":"Not Found","status":404,"detail":"there is no token of this name that you may see","code":"NOT_FOUND"}`

// TestLastUsedAt uses the first of two tokens.
func TestLastUsedAt(t *testing.T) {
	at := time.Date(2026, 3, 1, 12, 34, 56, 789_000_000, time.UTC)
	s := MustStart(t, configstore.Options{Now: func() time.Time { return at }})
	used := s.MustIssue(t, "a", time.Time{}, "READ:")
	s.MustIssue(t, "b", time.Time{}, "READ:")
	if _, err := s.Authenticate(t.Context(), used); err != nil {
		t.Fatal(err)
	}
	got := s.as(t, "READ,WRITE,ADMIN:").MustDo(t, "GET /tokens", "", "X: x").body
	if first, second, _ := strings.Cut(got, `"name":"b"`); !strings.Contains(first, `"lastUsedAt":"2026-03-01T12:34:00.000000Z"`) || !strings.Contains(second, `"lastUsedAt":null`) {
		t.Errorf("got %s", got)
	}
}
