package graph_test

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"configapi/internal/auth"
)

const tokenFields = `{name version grants{actions prefix} createdAt createdBy expiresAt secrets{publicId createdAt expiresAt lastUsedAt}}`

const tokenOutcome = `{__typename ...on TokenIssued{token` + tokenFields + `secret position} ...on TokenChanged{changed:token` + tokenFields + `position}
	...on UserError{code message path} ...on ForbiddenError{action} ...on TokenConflictError{current{name version}}}`

func tokenDoc(mutation string) string {
	of := strings.ToUpper(mutation[:1]) + mutation[1:]
	outcome := tokenOutcome
	switch mutation {
	case "createToken":
		outcome = strings.Replace(strings.Replace(outcome, `...on TokenChanged{changed:token`+tokenFields+`position}`, "", 1), `...on TokenConflictError{current{name version}}`, "", 1)
	case "rotateToken":
		outcome = strings.Replace(outcome, `...on TokenChanged{changed:token`+tokenFields+`position}`, "", 1)
	default:
		outcome = strings.Replace(outcome, `...on TokenIssued{token`+tokenFields+`secret position}`, "", 1)
	}
	return `mutation($input:` + of + `Input!){` + mutation + `(input:$input)` + outcome + `}`
}

var secretText = regexp.MustCompile(`cfg_[0-9A-Za-z]{22}_[0-9A-Za-z]{49}`)

// mustHide returns an answer with SECRET in place of the one secret that it must have, and with
// PUBLIC and TIME in place of public ids and of times of making.
func mustHide(t *testing.T, answer string) (hidden string, secrets []string) {
	t.Helper()
	secrets = secretText.FindAllString(answer, -1)
	for _, s := range secrets {
		if _, err := auth.ParseSecret(s); err != nil {
			t.Errorf("%s: %v", s, err)
		}
	}
	hidden = secretText.ReplaceAllString(answer, "SECRET")
	hidden = regexp.MustCompile(`"createdAt":"2026-01-01T00:00:\d\d.000000Z"`).ReplaceAllString(hidden, `"createdAt":"TIME"`)
	return regexp.MustCompile(`"publicId":"[0-9A-Za-z]{22}"`).ReplaceAllString(hidden, `"publicId":"PUBLIC"`), secrets
}

// TestTokens makes, rotates, changes and revokes a token.
func TestTokens(t *testing.T) {
	a := MustStart(t).as(t, "READ,WRITE,ADMIN:")
	step := func(mutation string, input vars, want string, secrets int) {
		t.Helper()
		got, found := mustHide(t, a.MustPost(t, tokenDoc(mutation), vars{"input": input}))
		if want = `{"data":{"` + mutation + `":` + want + `}}`; got != want || len(found) != secrets {
			t.Errorf("%s\n got %s\nwant %s", mutation, got, want)
		}
	}
	grant := func(prefix string, actions ...string) []vars { return []vars{{"prefix": prefix, "actions": actions}} }
	step("createToken", vars{"name": "ci", "grants": grant("payments/", "WRITE", "READ"), "expiresAt": "2027-01-01T00:00:00+01:00", "reason": "nightly"},
		`{"__typename":"TokenIssued","token":{"name":"ci","version":1,"grants":[{"actions":["READ","WRITE"],"prefix":"payments"}],"createdAt":"TIME","createdBy":"ci","expiresAt":"2026-12-31T23:00:00.000000Z","secrets":[{"publicId":"PUBLIC","createdAt":"TIME","expiresAt":null,"lastUsedAt":null}]},"secret":"SECRET","position":"@1"}`, 1)
	rotated := `{"name":"ci","version":2,"grants":[{"actions":["READ","WRITE"],"prefix":"payments"}],"createdAt":"TIME","createdBy":"ci","expiresAt":"2026-12-31T23:00:00.000000Z","secrets":[{"publicId":"PUBLIC","createdAt":"TIME","expiresAt":"2026-01-02T00:00:00.000000Z","lastUsedAt":null},{"publicId":"PUBLIC","createdAt":"TIME","expiresAt":null,"lastUsedAt":null}]}`
	step("rotateToken", vars{"name": "ci", "expectedVersion": 1, "keepOldUntil": "2026-01-02T00:00:00Z"}, `{"__typename":"TokenIssued","token":`+rotated+`,"secret":"SECRET","position":"@2"}`, 1)
	changed := strings.Replace(strings.Replace(rotated, `"version":2`, `"version":3`, 1), `{"actions":["READ","WRITE"],"prefix":"payments"}`, `{"actions":["READ"],"prefix":""}`, 1)
	step("changeGrants", vars{"name": "ci", "expectedVersion": 2, "grants": grant("", "READ")}, `{"__typename":"TokenChanged","changed":`+changed+`,"position":"@3"}`, 0)
	step("changeGrants", vars{"name": "ci", "expectedVersion": 2, "grants": grant("", "READ")},
		`{"__typename":"TokenConflictError","code":"VERSION_CONFLICT","message":"version 2 was expected, but the token has version 3","path":["expectedVersion"],"current":{"name":"ci","version":3}}`, 0)
	step("revokeToken", vars{"name": "ci", "expectedVersion": 9},
		`{"__typename":"TokenConflictError","code":"VERSION_CONFLICT","message":"version 9 was expected, but the token has version 3","path":["expectedVersion"],"current":{"name":"ci","version":3}}`, 0)
	step("revokeToken", vars{"name": "ci", "expectedVersion": 3}, `{"__typename":"TokenChanged","changed":null,"position":"@4"}`, 0)
	for _, mutation := range []string{"revokeToken", "rotateToken"} {
		step(mutation, vars{"name": "ci"}, `{"__typename":"NotFoundError","code":"NOT_FOUND","message":"there is no token of this name that you may see","path":["name"]}`, 0)
	}
}

// TestTokenInputs sends what breaks a rule. The path names the part of the input.
func TestTokenInputs(t *testing.T) {
	a := MustStart(t)
	grants := []vars{{"prefix": "a", "actions": []string{"READ"}}}
	for _, test := range []struct {
		mutation      string
		input         vars
		path, message string
	}{
		{"createToken", vars{"name": "a:b", "grants": grants}, `["name"]`, "name may hold only letters, digits, and _ - ."},
		{"createToken", vars{"name": "local", "grants": grants}, `["name"]`, "name is reserved; choose another one"},
		{"createToken", vars{"name": "ok", "grants": []vars{}}, `["grants"]`, "grants is empty; give at least one grant, or revoke the token"},
		{"createToken", vars{"name": "ok", "grants": []vars{grants[0], {"prefix": "a//b", "actions": []string{"READ"}}}}, `["grants","1","prefix"]`,
			"grants[1].prefix has an empty segment: / may neither begin nor end it, nor follow another /"},
		{"createToken", vars{"name": "ok", "grants": []vars{{"prefix": "a", "actions": []string{}}}}, `["grants","0","actions"]`, "grants[0].actions is empty; give at least one of READ, WRITE, ADMIN"},
		{"createToken", vars{"name": "ok", "grants": grants, "reason": strings.Repeat("x", 1025)}, `["reason"]`, "reason has 1025 bytes; at most 1024 are allowed"},
		{"createToken", vars{"name": "ok", "grants": grants, "expiresAt": "2020-01-01T00:00:00Z"}, `["expiresAt"]`, "expiresAt is not in the future"},
		{"rotateToken", vars{"name": ""}, `["name"]`, "name is empty"},
		{"changeGrants", vars{"name": "ok", "grants": []vars{}}, `["grants"]`, "grants is empty; give at least one grant, or revoke the token"},
		{"revokeToken", vars{"name": "ok", "expectedVersion": -1}, `["expectedVersion"]`, "expectedVersion must not be negative"},
	} {
		a.want(t, tokenDoc(test.mutation), vars{"input": test.input},
			`{"data":{"`+test.mutation+`":{"__typename":"InvalidInputError","code":"INVALID_INPUT","message":"`+test.message+`","path":`+test.path+`}}}`)
	}
	a.want(t, `{bounds{head}}`, nil, `{"data":{"bounds":{"head":"@0"}}}`)
}

// TestTokensOfOthers has a caller with ADMIN on a part of the names: tokens that may do more do not
// exist for it.
func TestTokensOfOthers(t *testing.T) {
	all := MustStart(t).as(t, "READ,WRITE,ADMIN:")
	for name, prefix := range map[string]string{"shop": "shop", "shop-a": "shop/a", "top": ""} {
		if got := all.MustPost(t, tokenDoc("createToken"), vars{"input": vars{"name": name, "grants": []vars{{"prefix": prefix, "actions": []string{"READ"}}}}}); !strings.Contains(got, "TokenIssued") {
			t.Fatal(got)
		}
	}
	some := all.as(t, "READ,ADMIN:shop")
	some.want(t, `{tokens{edges{node{name}} nodes{name} totalCount pageInfo{hasNextPage hasPreviousPage endCursor}}}`, nil,
		`{"data":{"tokens":{"edges":[{"node":{"name":"shop"}},{"node":{"name":"shop-a"}}],"nodes":[{"name":"shop"},{"name":"shop-a"}],"totalCount":2,"pageInfo":{"hasNextPage":false,"hasPreviousPage":false,"endCursor":null}}}}`)
	hidden := `{"__typename":"NotFoundError","code":"NOT_FOUND","message":"there is no token of this name that you may see","path":["name"]}`
	some.want(t, tokenDoc("rotateToken"), vars{"input": vars{"name": "top"}}, `{"data":{"rotateToken":`+hidden+`}}`)
	some.want(t, tokenDoc("revokeToken"), vars{"input": vars{"name": "top"}}, `{"data":{"revokeToken":`+hidden+`}}`)
	some.want(t, tokenDoc("createToken"), vars{"input": vars{"name": "x", "grants": []vars{{"prefix": "shop", "actions": []string{"WRITE"}}}}},
		`{"data":{"createToken":{"__typename":"ForbiddenError","code":"FORBIDDEN","message":"WRITE on shop is not granted; use a token that grants it","path":null,"action":"WRITE"}}}`)
	ids := all.MustGetTokenIDs(t)
	for name, want := range map[string]string{"shop": `{"name":"shop"}`, "top": `null`} {
		some.want(t, `query($id:ID!){node(id:$id){...on Token{name}}}`, vars{"id": ids[name]}, `{"data":{"node":`+want+`}}`)
	}
	all.as(t, "READ:").want(t, `query($id:ID!){node(id:$id){...on Token{name}}}`, vars{"id": ids["top"]}, `{"data":{"node":null}}`)
	got := all.as(t, "READ:").MustPost(t, `{tokens{nodes{name}}}`, nil)
	if !strings.Contains(got, `"code":"FORBIDDEN"`) || !strings.Contains(got, `"tokens":null`) {
		t.Errorf("got %s for a caller without ADMIN", got)
	}
}

// MustGetTokenIDs returns the ids of all tokens, read in pages of one.
func (a *api) MustGetTokenIDs(t *testing.T) map[string]string {
	t.Helper()
	ids, after := map[string]string{}, (*string)(nil)
	for range 10 {
		page := MustGet[struct {
			Nodes    []struct{ ID, Name string }
			PageInfo struct {
				EndCursor   *string
				HasNextPage bool
			}
		}](t, a, `query($after:String){tokens(first:1,after:$after){nodes{id name} pageInfo{endCursor hasNextPage}}}`, vars{"after": after}, "tokens")
		for _, node := range page.Nodes {
			ids[node.Name] = node.ID
		}
		if !page.PageInfo.HasNextPage {
			break
		}
		after = page.PageInfo.EndCursor
	}
	if len(ids) != 3 {
		t.Errorf("got %v, want 3 tokens", ids)
	}
	return ids
}

func TestViewer(t *testing.T) {
	open := MustStart(t)
	const query = `{viewer{name grants{actions prefix} expiresAt all:may(action:READ,prefix:"") below:may(action:READ,prefix:"shop/a/") write:may(action:WRITE,prefix:"shop")}}`
	open.want(t, query, nil, `{"data":{"viewer":{"name":null,"grants":[{"actions":["READ","WRITE","ADMIN"],"prefix":""}],"expiresAt":null,"all":true,"below":true,"write":true}}}`)
	open.as(t, "READ:shop").want(t, query, nil, `{"data":{"viewer":{"name":"ci","grants":[{"actions":["READ"],"prefix":"shop"}],"expiresAt":null,"all":false,"below":true,"write":false}}}`)
	if got := open.MustPost(t, `{viewer{may(action:READ,prefix:"a//b")}}`, nil); !strings.Contains(got, `"code":"INVALID_INPUT"`) {
		t.Errorf("got %s for a malformed prefix", got)
	}
}

// TestLastUsedAt uses the first of two tokens.
func TestLastUsedAt(t *testing.T) {
	a := MustStart(t)
	used := a.MustIssue(t, "a", time.Time{}, "READ:")
	a.MustIssue(t, "b", time.Time{}, "READ:")
	if _, err := a.Authenticate(t.Context(), used); err != nil {
		t.Fatal(err)
	}
	a.as(t, "READ,WRITE,ADMIN:").want(t, `{tokens{nodes{name secrets{lastUsedAt}}}}`, nil,
		`{"data":{"tokens":{"nodes":[{"name":"a","secrets":[{"lastUsedAt":"2026-01-01T00:00:00.000000Z"}]},{"name":"b","secrets":[{"lastUsedAt":null}]}]}}}`)
}
