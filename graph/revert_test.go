package graph_test

import (
	"fmt"
	"strings"
	"testing"
)

var (
	revertDoc = `mutation($input:RevertConfigsInput!){revertConfigs(input:$input)` + setOutcome + `}`
	undoDoc   = `mutation($input:RevertChangeSetInput!){revertChangeSet(input:$input){__typename
		...on ConfigsChanged{dryRun unchanged position revisions{name operation value reverts}}
		...on ChangesRejected{errors{__typename code path ...on RevertConflictError{change{version value oldValue} current{version value oldValue}}}}}}`
)

// TestRevertConfigs brings configs back to a moment, after a dry run that says the same.
func TestRevertConfigs(t *testing.T) {
	a := mustTravel(t) // a: 1, 2; b: 1, deleted, restored
	revisions := func(position, b int) string {
		return fmt.Sprintf(`"revisions":[{"name":"a","operation":"UPDATED","value":"1","oldValue":"2","version":3,"position":"@%d","changeSet":"@%d"},`+
			`{"name":"b","operation":"DELETED","value":null,"oldValue":"1","version":4,"position":"@%d","changeSet":"@%d"}]`, position, b, b, b)
	}
	doc := strings.NewReplacer(" committedAt reason config{value}", "").Replace(revertDoc)
	for _, to := range []vars{{"position": a.at(t, 1)}, {"time": "2026-01-01T00:00:00.5Z"}} {
		a.want(t, doc, vars{"input": vars{"to": to, "dryRun": true, "idempotencyKey": "k"}},
			`{"data":{"revertConfigs":{"__typename":"ConfigsChanged","dryRun":true,"unchanged":[],"position":"@5",`+revisions(5, 5)+`}}}`)
	}
	input := vars{"to": vars{"position": a.at(t, 1)}, "asSeenAt": a.head(), "reason": "back", "idempotencyKey": "k"}
	for range 2 { // the second time by the key
		a.want(t, doc, vars{"input": input}, `{"data":{"revertConfigs":{"__typename":"ConfigsChanged","dryRun":false,"unchanged":[],"position":"@7",`+revisions(6, 7)+`}}}`)
	}
	a.want(t, `{configs{nodes{name value revision{reason reverts}}}}`, nil, `{"data":{"configs":{"nodes":[{"name":"a","value":"1","revision":{"reason":"back","reverts":null}}]}}}`)
	input["reason"] = "forward"
	a.want(t, doc, vars{"input": input}, `{"data":{"revertConfigs":{"__typename":"ChangesRejected","position":"@7","errors":[`+
		`{"__typename":"IdempotencyError","code":"IDEMPOTENCY_MISMATCH","message":"the idempotency key was used for another request; take a new one","path":["idempotencyKey"]}]}}}`)
	// There is nothing to do below a prefix that is as it was.
	a.want(t, doc, vars{"input": vars{"to": vars{"position": a.at(t, 1)}, "filter": vars{"prefix": "a"}}},
		`{"data":{"revertConfigs":{"__typename":"ConfigsChanged","dryRun":false,"unchanged":[],"position":"@7","revisions":[]}}}`)
}

// TestRevertChangeSet undoes a set, with each way to treat a config that has changed since, and
// undoes that again.
func TestRevertChangeSet(t *testing.T) {
	a := mustChange(t)
	set := MustGet[string](t, a, applyDoc, vars{"input": vars{"changes": everyChange}}, "applyConfigs", "position")
	a.MustSet(t, "updated", "later")
	conflict := `{"__typename":"RevertConflictError","code":"REVERT_CONFLICT","path":null,"change":{"version":2,"value":"2","oldValue":"1"},"current":{"version":3,"value":"later","oldValue":"2"}}`
	a.want(t, undoDoc, vars{"input": vars{"changeSet": set}}, `{"data":{"revertChangeSet":{"__typename":"ChangesRejected","errors":[`+conflict+`]}}}`)
	a.want(t, undoDoc, vars{"input": vars{"changeSet": set, "onConflict": nil, "dryRun": true}}, `{"data":{"revertChangeSet":{"__typename":"ChangesRejected","errors":[`+conflict+`]}}}`)
	a.want(t, undoDoc, vars{"input": vars{"changeSet": set, "onConflict": "OVERWRITE", "dryRun": true}},
		`{"data":{"revertChangeSet":{"__typename":"ConfigsChanged","dryRun":true,"unchanged":[],"position":"@11","revisions":[`+
			`{"name":"created","operation":"DELETED","value":null,"reverts":"@10"},{"name":"updated","operation":"UPDATED","value":"1","reverts":"@10"},`+
			`{"name":"deleted","operation":"RESTORED","value":"2","reverts":"@10"},{"name":"restored","operation":"DELETED","value":null,"reverts":"@10"}]}}}`)
	inside := a.at(t, 8)
	undone := `{"data":{"revertChangeSet":{"__typename":"ConfigsChanged","dryRun":false,"unchanged":["updated"],"position":"@14","revisions":[` +
		`{"name":"created","operation":"DELETED","value":null,"reverts":"@10"},` +
		`{"name":"deleted","operation":"RESTORED","value":"2","reverts":"@10"},{"name":"restored","operation":"DELETED","value":null,"reverts":"@10"}]}}}`
	for range 2 {
		a.want(t, undoDoc, vars{"input": vars{"changeSet": inside, "onConflict": "SKIP", "idempotencyKey": "k"}}, undone)
	}
	a.want(t, `{history(name:"deleted"){nodes{operation reverts}}}`, nil,
		`{"data":{"history":{"nodes":[{"operation":"RESTORED","reverts":"@10"},{"operation":"DELETED","reverts":null},{"operation":"CREATED","reverts":null}]}}}`)
	a.want(t, undoDoc, vars{"input": vars{"changeSet": a.head()}}, `{"data":{"revertChangeSet":{"__typename":"ConfigsChanged","dryRun":false,"unchanged":[],"position":"@17","revisions":[`+
		`{"name":"created","operation":"RESTORED","value":"new","reverts":"@14"},`+
		`{"name":"deleted","operation":"DELETED","value":null,"reverts":"@14"},{"name":"restored","operation":"RESTORED","value":"3","reverts":"@14"}]}}}`)
}

// TestRevertsRejected breaks the rules of the inputs, which is answered as data and writes nothing.
func TestRevertsRejected(t *testing.T) {
	a, foreign := mustTravel(t), mustTravel(t)
	before := a.head()
	const revert = `mutation($input:RevertConfigsInput!){revertConfigs(input:$input){...on ChangesRejected{position errors{code path}}}}`
	const undo = `mutation($input:RevertChangeSetInput!){revertChangeSet(input:$input){...on ChangesRejected{position errors{code path}}}}`
	long := strings.Repeat("r", 1025)
	past := vars{"position": a.at(t, 1)}
	for _, row := range []struct {
		doc   string
		input vars
		want  string
	}{
		{revert, vars{"to": vars{"position": foreign.at(t, 1)}}, `{"code":"POSITION_UNKNOWN","path":["to"]}`},
		{revert, vars{"to": vars{"position": "soon"}}, `{"code":"POSITION_UNKNOWN","path":["to"]}`},
		{revert, vars{"to": past, "asSeenAt": foreign.head()}, `{"code":"POSITION_UNKNOWN","path":["asSeenAt"]}`},
		{revert, vars{"to": past, "asSeenAt": ""}, `{"code":"POSITION_UNKNOWN","path":["asSeenAt"]}`},
		{revert, vars{"to": past, "filter": vars{"prefix": "a//b"}, "reason": long, "idempotencyKey": ""},
			`{"code":"INVALID_INPUT","path":["filter","prefix"]},{"code":"INVALID_INPUT","path":["reason"]},{"code":"INVALID_INPUT","path":["idempotencyKey"]}`},
		{revert, vars{"to": past, "filter": vars{"names": []string{"a", ""}}}, `{"code":"INVALID_INPUT","path":["filter","names","1"]}`},
		{revert, vars{"to": past, "asSeenAt": a.at(t, 2), "filter": vars{"names": []string{"a"}}}, `{"code":"STALE","path":null}`},
		{undo, vars{"changeSet": foreign.head()}, `{"code":"POSITION_UNKNOWN","path":["changeSet"]}`},
		{undo, vars{"changeSet": "0-00000000"}, `{"code":"POSITION_UNKNOWN","path":["changeSet"]}`},
		{undo, vars{"changeSet": "99-00000000"}, `{"code":"POSITION_UNKNOWN","path":["changeSet"]}`},
		{undo, vars{"changeSet": "soon", "reason": long}, `{"code":"POSITION_UNKNOWN","path":["changeSet"]},{"code":"INVALID_INPUT","path":["reason"]}`},
	} {
		mutation := strings.SplitN(strings.SplitN(row.doc, "{", 2)[1], "(", 2)[0]
		a.want(t, row.doc, vars{"input": row.input}, `{"data":{"`+mutation+`":{"position":"@5","errors":[`+row.want+`]}}}`)
	}
	for says, input := range map[string]vars{
		"exactly one of position and time": {"to": vars{}},
		"must be given":                    {},
		"$input.onConflict":                {"to": past, "onConflict": "FAIL"},
	} {
		a.wantRefused(t, revert, vars{"input": input}, "GRAPHQL_VALIDATION_FAILED", says)
	}
	a.wantRefused(t, undo, vars{"input": vars{"changeSet": before, "onConflict": "RETRY"}}, "GRAPHQL_VALIDATION_FAILED", "$input.onConflict must be a value of the enum")
	if a.head() != before {
		t.Errorf("something was written: the head is %s", a.head())
	}
}

// TestTooMuchToRevert has more configs that differ than one set can hold.
func TestTooMuchToRevert(t *testing.T) {
	a := MustStart(t)
	a.MustSet(t, "first", "1")
	for range 2 {
		a.MustPost(t, applyDoc, vars{"input": vars{"changes": sets(1000, "v")}})
	}
	a.MustSet(t, "last", "1")
	before := a.head()
	a.want(t, `mutation($input:RevertConfigsInput!){revertConfigs(input:$input){...on ChangesRejected{errors{code message path}}}}`, vars{"input": vars{"to": vars{"position": a.at(t, 1)}}},
		`{"data":{"revertConfigs":{"errors":[{"code":"INVALID_INPUT","message":"filter selects 1001 configs that differ; a change set takes at most 1000, and 4 MiB of values: select fewer","path":["filter"]}]}}}`)
	if a.head() != before {
		t.Errorf("something was written: the head is %s", a.head())
	}
}
