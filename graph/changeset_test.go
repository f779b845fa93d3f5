package graph_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const setOutcome = `{__typename
	...on ConfigsChanged{dryRun unchanged position revisions{name operation value oldValue version position changeSet committedAt reason config{value}}}
	...on ChangesRejected{position errors{__typename code message path
		...on DeletedError{revision{version operation}}
		...on VersionConflictError{current{version value}}
		...on NotDeletedError{current{version value}}
		...on StaleError{current{version value oldValue}}
		...on RevertConflictError{change{version value} current{version value}}}}
}`

var applyDoc = `mutation($input:ApplyConfigsInput!){applyConfigs(input:$input)` + setOutcome + `}`

// mustChange returns a store with configs for a set of every kind of change, at position 6.
func mustChange(t testing.TB) *api {
	a := MustStart(t)
	a.MustSet(t, "updated", "1")
	a.MustSet(t, "deleted", "2")
	a.MustSet(t, "restored", "3")
	a.MustDelete(t, "restored")
	a.MustSet(t, "same", "4")
	a.MustSet(t, "other", "5")
	return a
}

var instants = regexp.MustCompile(`"committedAt":"[^"]*"`)

// everyChange is a set with every kind of change.
var everyChange = []vars{
	{"set": vars{"name": "created", "value": "new", "expectedVersion": 0}},
	{"set": vars{"name": "updated", "value": "2"}},
	{"set": vars{"name": "same", "value": "4", "onlyIfChanged": true}},
	{"delete": vars{"name": "deleted", "expectedVersion": 1}},
	{"restore": vars{"name": "restored"}},
}

// TestApplyConfigs carries out a set with every kind of change, after a dry run that says the same.
func TestApplyConfigs(t *testing.T) {
	a := mustChange(t)
	revision := func(name, operation, value, old string, version, position, set int, now string) string {
		return fmt.Sprintf(`{"name":%q,"operation":%q,"value":%s,"oldValue":%s,"version":%d,"position":"@%d","changeSet":"@%d","committedAt":"T","reason":"because","config":%s}`,
			name, operation, value, old, version, position, set, now)
	}
	answer := func(dryRun bool, at ...int) string {
		now := []string{`{"value":"new"}`, `{"value":"2"}`, `null`, `{"value":"3"}`}
		if dryRun {
			now = []string{`null`, `{"value":"1"}`, `{"value":"2"}`, `null`}
		}
		return fmt.Sprintf(`{"data":{"applyConfigs":{"__typename":"ConfigsChanged","dryRun":%t,"unchanged":["same"],"position":"@%d","revisions":[`, dryRun, at[3]) +
			revision("created", "CREATED", `"new"`, `null`, 1, at[0], at[3], now[0]) + "," + revision("updated", "UPDATED", `"2"`, `"1"`, 2, at[1], at[3], now[1]) + "," +
			revision("deleted", "DELETED", `null`, `"2"`, 2, at[2], at[3], now[2]) + "," + revision("restored", "RESTORED", `"3"`, `null`, 3, at[3], at[3], now[3]) + `]}}}`
	}
	post := func(input vars) string {
		return instants.ReplaceAllString(a.MustPost(t, applyDoc, vars{"input": input}), `"committedAt":"T"`)
	}
	input := vars{"changes": everyChange, "reason": "because", "dryRun": true, "idempotencyKey": "k"}
	before := a.head()
	if diff := cmp.Diff(answer(true, 6, 6, 6, 6), post(input)); diff != "" {
		t.Errorf("dry run (-want +got)\n%s", diff)
	}
	if a.head() != before {
		t.Fatalf("a dry run wrote something: the head is %s", a.head())
	}
	input["dryRun"] = false
	input["asSeenAt"] = before
	for range 2 { // the second time by the key
		want := answer(false, 7, 8, 9, 10)
		if diff := cmp.Diff(want, post(input)); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
	}
	a.want(t, applyDoc, vars{"input": vars{"changes": everyChange[:1], "idempotencyKey": "k"}}, `{"data":{"applyConfigs":{"__typename":"ChangesRejected","position":"@10","errors":[`+
		`{"__typename":"VersionConflictError","code":"VERSION_CONFLICT","message":"version 0 was expected, but the config has version 1","path":["changes","0","set","expectedVersion"],"current":{"version":1,"value":"new"}},`+
		`{"__typename":"IdempotencyError","code":"IDEMPOTENCY_MISMATCH","message":"the idempotency key was used for another request; take a new one","path":["idempotencyKey"]}]}}}`)
	a.want(t, applyDoc, vars{"input": vars{"changes": everyChange[1:2], "idempotencyKey": "k"}}, `{"data":{"applyConfigs":{"__typename":"ChangesRejected","position":"@10","errors":[`+
		`{"__typename":"IdempotencyError","code":"IDEMPOTENCY_MISMATCH","message":"the idempotency key was used for another request; take a new one","path":["idempotencyKey"]}]}}}`)
}

// TestPlannedRevisions checks that the revisions of a dry run have ids of their own, by which
// nothing can be fetched.
func TestPlannedRevisions(t *testing.T) {
	a := mustChange(t)
	type revision struct {
		ID, ConfigID string
		Reverts      *string
		Erased       bool
	}
	const doc = `mutation($input:ApplyConfigsInput!){applyConfigs(input:$input){...on ConfigsChanged{revisions{id configId reverts erased}}}}`
	seen := map[string]bool{}
	for range 2 {
		for i, r := range MustGet[[]revision](t, a, doc, vars{"input": vars{"changes": everyChange, "dryRun": true}}, "applyConfigs", "revisions") {
			if seen[r.ID] || r.Reverts != nil || r.Erased || r.ConfigID != id("c:"+[]string{"created", "updated", "deleted", "restored"}[i]) {
				t.Errorf("got %+v", r)
			}
			seen[r.ID] = true
			a.wantRefused(t, `query($id:ID!){node(id:$id){id}}`, vars{"id": r.ID}, "INVALID_INPUT", "must be an id that this server gave")
		}
	}
	applied := MustGet[[]revision](t, a, doc, vars{"input": vars{"changes": everyChange}}, "applyConfigs", "revisions")
	a.want(t, `query($id:ID!){node(id:$id){...on ConfigRevision{name version}}}`, vars{"id": applied[3].ID}, `{"data":{"node":{"name":"restored","version":3}}}`)
}

// TestNothingToDo has a set whose configs are as asked for already.
func TestNothingToDo(t *testing.T) {
	a := mustChange(t)
	a.want(t, applyDoc, vars{"input": vars{"changes": everyChange[2:3]}},
		`{"data":{"applyConfigs":{"__typename":"ConfigsChanged","dryRun":false,"unchanged":["same"],"position":"@6","revisions":[]}}}`)
}

// TestChangesRejected has a set with every failure that a change can have.
func TestChangesRejected(t *testing.T) {
	a := mustChange(t)
	before := a.head()
	seen := a.at(t, 4)
	other := a.at(t, 1)
	a.want(t, applyDoc, vars{"input": vars{"asSeenAt": seen, "reason": strings.Repeat("r", 1025), "idempotencyKey": "", "changes": []vars{
		{"set": vars{"name": "", "value": "1", "expectedVersion": -1}},
		{"set": vars{"name": "restored", "value": "1"}},
		{"delete": vars{"name": "nothing"}},
		{"restore": vars{"name": "deleted"}},
		{"set": vars{"name": "updated", "value": "1", "expectedVersion": 7}},
		{"delete": vars{"name": "same", "expectedRevision": other}},
		{"restore": vars{"name": "x", "expectedRevision": "soon"}},
		{"set": vars{"name": "other", "value": "1"}},
		{"delete": vars{"name": "updated"}},
	}}}, `{"data":{"applyConfigs":{"__typename":"ChangesRejected","position":"@6","errors":[`+strings.Join([]string{
		`{"__typename":"InvalidInputError","code":"INVALID_INPUT","message":"name is empty","path":["changes","0","set","name"]}`,
		`{"__typename":"InvalidInputError","code":"INVALID_INPUT","message":"expectedVersion must not be negative","path":["changes","0","set","expectedVersion"]}`,
		`{"__typename":"DeletedError","code":"DELETED","message":"the config is deleted; restore it first","path":["changes","1","set","name"],"revision":{"version":2,"operation":"DELETED"}}`,
		`{"__typename":"NotFoundError","code":"NOT_FOUND","message":"there is no config of this name","path":["changes","2","delete","name"]}`,
		`{"__typename":"NotDeletedError","code":"NOT_DELETED","message":"the config is not deleted, so there is nothing to restore","path":["changes","3","restore","name"],"current":{"version":1,"value":"2"}}`,
		`{"__typename":"VersionConflictError","code":"VERSION_CONFLICT","message":"version 7 was expected, but the config has version 1","path":["changes","4","set","expectedVersion"],"current":{"version":1,"value":"1"}}`,
		`{"__typename":"StaleError","code":"STALE","message":"the config has changed after the position asSeenAt; look at it and try again","path":["changes","5","delete","name"],"current":{"version":1,"value":"4","oldValue":null}}`,
		`{"__typename":"VersionConflictError","code":"VERSION_CONFLICT","message":"the config's newest revision is not the expected one; read it and try again","path":["changes","5","delete","expectedRevision"],"current":{"version":1,"value":"4"}}`,
		`{"__typename":"InvalidInputError","code":"POSITION_UNKNOWN","message":"expectedRevision must be the position of a revision, such as 1842-9f3a21c0, as this server gave it","path":["changes","6","restore","expectedRevision"]}`,
		`{"__typename":"StaleError","code":"STALE","message":"the config has changed after the position asSeenAt; look at it and try again","path":["changes","7","set","name"],"current":{"version":1,"value":"5","oldValue":null}}`,
		`{"__typename":"InvalidInputError","code":"INVALID_INPUT","message":"name stands in changes[4] already; a name may stand only once","path":["changes","8","delete","name"]}`,
		`{"__typename":"InvalidInputError","code":"INVALID_INPUT","message":"reason has 1025 bytes; at most 1024 are allowed","path":["reason"]}`,
		`{"__typename":"InvalidInputError","code":"INVALID_INPUT","message":"idempotencyKey is empty","path":["idempotencyKey"]}`,
	}, ",")+`]}}}`)
	if a.head() != before {
		t.Errorf("something was written: the head is %s", a.head())
	}
}

// TestBoundsOfChangeSets has sets with none, too many and too large changes. A set of one is always
// allowed.
func TestBoundsOfChangeSets(t *testing.T) {
	a := MustStart(t)
	sets := func(n, bytes int) (changes []vars) {
		for i := range n {
			changes = append(changes, vars{"set": vars{"name": fmt.Sprint("n", i), "value": strings.Repeat("v", bytes)}})
		}
		return changes
	}
	const doc = `mutation($input:ApplyConfigsInput!){applyConfigs(input:$input){...on ConfigsChanged{position} ...on ChangesRejected{errors{code message path}}}}`
	for _, row := range []struct {
		changes []vars
		says    string
	}{
		{[]vars{}, `{"code":"INVALID_INPUT","message":"changes is empty; at least one change is needed","path":["changes"]}`},
		{sets(1001, 0), `{"code":"INVALID_INPUT","message":"changes are 1001; at most 1000 are allowed","path":["changes"]}`},
		{sets(9, 500_000), `{"code":"INVALID_INPUT","message":"changes have 4500018 bytes of names, reason and new values; at most 4194304 are allowed","path":["changes"]}`},
	} {
		for _, dryRun := range []bool{true, false} {
			a.want(t, doc, vars{"input": vars{"changes": row.changes, "dryRun": dryRun}}, `{"data":{"applyConfigs":{"errors":[`+row.says+`]}}}`)
		}
	}
	if a.head() != "0-00000000" {
		t.Fatalf("something was written: the head is %s", a.head())
	}
	a.want(t, doc, vars{"input": vars{"changes": sets(1000, 1)}}, `{"data":{"applyConfigs":{"position":"@1000"}}}`)
	a.want(t, doc, vars{"input": vars{"changes": sets(1, 1<<20)}}, `{"data":{"applyConfigs":{"position":"@1001"}}}`)
}

// TestAsSeenAt has a client that looks, and applies what it saw: at once, and after another change.
func TestAsSeenAt(t *testing.T) {
	a, foreign := mustChange(t), mustChange(t)
	const doc = `mutation($input:ApplyConfigsInput!){applyConfigs(input:$input){...on ConfigsChanged{position} ...on ChangesRejected{errors{code path ...on StaleError{current{value}}}}}}`
	input := vars{"changes": everyChange, "dryRun": true}
	input["asSeenAt"] = MustGet[string](t, a, doc, vars{"input": input}, "applyConfigs", "position")
	a.MustSet(t, "same", "changed")
	for _, dryRun := range []bool{true, false} {
		input["dryRun"] = dryRun
		a.want(t, doc, vars{"input": input}, `{"data":{"applyConfigs":{"errors":[{"code":"STALE","path":["changes","2","set","name"],"current":{"value":"changed"}}]}}}`)
	}
	for _, unknown := range []string{foreign.head(), "99-00000000", "soon", "", "-1-00000000"} {
		input["asSeenAt"] = unknown
		a.want(t, doc, vars{"input": input}, `{"data":{"applyConfigs":{"errors":[{"code":"POSITION_UNKNOWN","path":["asSeenAt"]}]}}}`)
	}
	input["asSeenAt"] = a.head()
	a.want(t, doc, vars{"input": input}, `{"data":{"applyConfigs":{"position":"@12"}}}`)
}

// TestChangesAreOneOf has changes that are not exactly one of set, delete and restore.
func TestChangesAreOneOf(t *testing.T) {
	a := MustStart(t)
	const byVariable = `mutation($input:ApplyConfigsInput!){applyConfigs(input:$input){__typename}}`
	for change, says := range map[string]string{
		`{}`:           "must have exactly one of set, delete and restore, and not null",
		`{"set":null}`: "must have exactly one of set, delete and restore, and not null",
		`{"set":{"name":"a","value":"1"},"delete":null}`:         "must have exactly one of set, delete and restore, and not null",
		`{"set":{"name":"a","value":"1"},"delete":{"name":"b"}}`: "must have exactly one of set, delete and restore, and not null",
		`{"set":{"name":"a"}}`:                                   ".set.value must be given",
		`{"set":{"name":"a","value":null}}`:                      ".set.value must not be null",
		`{"delete":{"name":"a","reason":"r"}}`:                   ".delete.reason is not known",
		`{"delete":{"name":"a","idempotencyKey":"k"}}`:           ".delete.idempotencyKey is not known",
		`{"move":{"name":"a"}}`:                                  ".move is not known",
		`null`:                                                   "must not be null",
		`"a"`:                                                    "must be an object",
	} {
		a.wantRefused(t, byVariable, vars{"input": raw(`{"changes":[{"set":{"name":"ok","value":"1"}},` + change + `]}`)}, "GRAPHQL_VALIDATION_FAILED", says)
		if got := a.MustRefuse(t, byVariable, vars{"input": raw(`{"changes":[{"set":{"name":"ok","value":"1"}},` + change + `]}`)}); !strings.Contains(got.Message, "$input.changes[1]") {
			t.Errorf("%s: got %q, want the path of the change", change, got.Message)
		}
	}
	for _, change := range []string{`{}`, `{set:null}`, `{set:{name:"a",value:"1"},delete:{name:"b"}}`, `{set:{name:"a",value:"1"},delete:$none}`, `{delete:$null}`} {
		definitions := ""
		if i := strings.Index(change, "$"); i >= 0 {
			definitions = "(" + strings.Trim(change[i:], "}") + ":DeleteChangeInput)"
		}
		got := a.MustPost(t, `mutation`+definitions+`{applyConfigs(input:{changes:[`+change+`]}){__typename}}`, vars{"null": nil})
		if !strings.Contains(got, `"code":"GRAPHQL_VALIDATION_FAILED"`) || strings.Contains(got, `"data"`) {
			t.Errorf("%s: got %s", change, got)
		}
	}
	a.want(t, `mutation($d:DeleteChangeInput!){applyConfigs(input:{changes:{delete:$d}}){...on ChangesRejected{errors{path}}}}`, vars{"d": vars{"name": "a"}},
		`{"data":{"applyConfigs":{"errors":[{"path":["changes","0","delete","name"]}]}}}`)
	if a.head() != "0-00000000" {
		t.Errorf("something was written: the head is %s", a.head())
	}
}

// TestSetIsOneMessage subscribes to changes over a websocket and as server-sent events, with and
// without a position, and gets a set of 1,000 as one message.
func TestSetIsOneMessage(t *testing.T) {
	a := MustStart(t)
	const doc = `subscription($after:Position){configChanges(after:$after){changes{name changeSet} position}}`
	socket := a.MustDial(t)
	socket.subscribe("live", doc, nil)
	var changes []vars
	for i := range 1000 {
		changes = append(changes, vars{"set": vars{"name": fmt.Sprint("n", i), "value": "v"}})
	}
	socket.wantNext("live", `"configChanges":{"changes":[],"position":"@0"}`)
	mustBe := func(message string) {
		t.Helper()
		if n := strings.Count(message, `"changeSet":"@1000"`); n != 1000 || !strings.Contains(message, `"position":"@1000"`) {
			t.Errorf("got %d changes of the set in %.300s", n, message)
		}
	}
	a.MustPost(t, applyDoc, vars{"input": vars{"changes": changes}})
	mustBe(socket.receive())
	socket.subscribe("past", doc, vars{"after": "0-00000000"})
	mustBe(socket.receive())
	_, _, data := a.MustListen(t, doc, vars{"after": a.at(t, 500)}, "").event() // inside the set
	mustBe(plain(data))
	if got := MustGet[[]struct{ Name string }](t, a, `{changes(first:1){changes{name}}}`, nil, "changes", "changes"); len(got) != 1000 {
		t.Errorf("changes has %d changes, want the whole set", len(got))
	}
}
