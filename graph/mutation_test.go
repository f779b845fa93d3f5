package graph_test

import (
	"fmt"
	"strings"
	"testing"

	"configapi/graph"
	"configapi/internal/configstore"
	"configapi/internal/eventstore/memory"
)

const outcome = `{__typename
	...on ConfigChanged{changed position config{name value version createdAt updatedAt} revision{operation value oldValue version position changeSet committedAt actor reason}}
	...on UserError{code message path}
	...on DeletedError{deletion:revision{version operation oldValue}}
	...on VersionConflictError{current{version operation value}}
}`

var (
	setDoc     = `mutation($input:SetConfigInput!){setConfig(input:$input)` + outcome + `}`
	deleteDoc  = `mutation($input:DeleteConfigInput!){deleteConfig(input:$input)` + outcome + `}`
	restoreDoc = `mutation($input:RestoreConfigInput!){restoreConfig(input:$input)` + strings.Replace(outcome, "...on DeletedError{deletion:revision{version operation oldValue}}", "...on NotDeletedError{current{version operation value}}", 1) + `}`
)

// TestMutations takes a config through its life, with every member of every result union.
func TestMutations(t *testing.T) {
	a := MustStart(t)
	doc := map[string]string{"setConfig": setDoc, "deleteConfig": deleteDoc, "restoreConfig": restoreDoc}
	for i, step := range []struct {
		mutation string
		input    vars
		want     string
	}{
		{"deleteConfig", vars{"name": "a"},
			`"__typename":"NotFoundError","code":"NOT_FOUND","message":"there is no config of this name","path":["name"]`},
		{"restoreConfig", vars{"name": "a"},
			`"__typename":"NotFoundError","code":"NOT_FOUND","message":"there is no config of this name","path":["name"]`},
		{"setConfig", vars{"name": "a", "value": "1", "expectedVersion": 1},
			`"__typename":"VersionConflictError","code":"VERSION_CONFLICT","message":"version 1 was expected, but the config has version 0","path":["expectedVersion"],"current":null`},
		{"setConfig", vars{"name": "a", "value": "1", "expectedVersion": 0, "reason": "first"},
			`"__typename":"ConfigChanged","changed":true,"position":"@1","config":{"name":"a","value":"1","version":1,"createdAt":"T3","updatedAt":"T3"},` +
				`"revision":{"operation":"CREATED","value":"1","oldValue":null,"version":1,"position":"@1","changeSet":"@1","committedAt":"T3","actor":null,"reason":"first"}`},
		{"setConfig", vars{"name": "a", "value": "2", "expectedVersion": 0},
			`"__typename":"VersionConflictError","code":"VERSION_CONFLICT","message":"version 0 was expected, but the config has version 1","path":["expectedVersion"],"current":{"version":1,"operation":"CREATED","value":"1"}`},
		{"setConfig", vars{"name": "a", "value": "", "expectedVersion": 1, "reason": ""},
			`"__typename":"ConfigChanged","changed":true,"position":"@2","config":{"name":"a","value":"","version":2,"createdAt":"T3","updatedAt":"T5"},` +
				`"revision":{"operation":"UPDATED","value":"","oldValue":"1","version":2,"position":"@2","changeSet":"@2","committedAt":"T5","actor":null,"reason":null}`},
		{"setConfig", vars{"name": "a", "value": "", "onlyIfChanged": true, "expectedVersion": 1},
			`"__typename":"VersionConflictError","code":"VERSION_CONFLICT","message":"version 1 was expected, but the config has version 2","path":["expectedVersion"],"current":{"version":2,"operation":"UPDATED","value":""}`},
		{"setConfig", vars{"name": "a", "value": "", "onlyIfChanged": true, "reason": "again"},
			`"__typename":"ConfigChanged","changed":false,"position":"@2","config":{"name":"a","value":"","version":2,"createdAt":"T3","updatedAt":"T5"},` +
				`"revision":{"operation":"UPDATED","value":"","oldValue":"1","version":2,"position":"@2","changeSet":"@2","committedAt":"T5","actor":null,"reason":null}`},
		{"setConfig", vars{"name": "a", "value": "", "onlyIfChanged": nil, "expectedVersion": nil, "reason": nil},
			`"__typename":"ConfigChanged","changed":true,"position":"@3","config":{"name":"a","value":"","version":3,"createdAt":"T3","updatedAt":"T8"},` +
				`"revision":{"operation":"UPDATED","value":"","oldValue":"","version":3,"position":"@3","changeSet":"@3","committedAt":"T8","actor":null,"reason":null}`},
		{"restoreConfig", vars{"name": "a"},
			`"__typename":"NotDeletedError","code":"NOT_DELETED","message":"the config is not deleted, so there is nothing to restore","path":["name"],"current":{"version":3,"operation":"UPDATED","value":""}`},
		{"deleteConfig", vars{"name": "a", "expectedVersion": 2147483647},
			`"__typename":"VersionConflictError","code":"VERSION_CONFLICT","message":"version 2147483647 was expected, but the config has version 3","path":["expectedVersion"],"current":{"version":3,"operation":"UPDATED","value":""}`},
		{"deleteConfig", vars{"name": "a", "expectedVersion": 3, "reason": "unused"},
			`"__typename":"ConfigChanged","changed":true,"position":"@4","config":null,` +
				`"revision":{"operation":"DELETED","value":null,"oldValue":"","version":4,"position":"@4","changeSet":"@4","committedAt":"T11","actor":null,"reason":"unused"}`},
		{"deleteConfig", vars{"name": "a", "expectedVersion": 9},
			`"__typename":"DeletedError","code":"DELETED","message":"the config is deleted; restore it first","path":["name"],"deletion":{"version":4,"operation":"DELETED","oldValue":""}`},
		{"setConfig", vars{"name": "a", "value": "4"},
			`"__typename":"DeletedError","code":"DELETED","message":"the config is deleted; restore it first","path":["name"],"deletion":{"version":4,"operation":"DELETED","oldValue":""}`},
		{"restoreConfig", vars{"name": "a", "expectedVersion": 0},
			`"__typename":"VersionConflictError","code":"VERSION_CONFLICT","message":"version 0 was expected, but the config has version 4","path":["expectedVersion"],"current":{"version":4,"operation":"DELETED","value":null}`},
		{"restoreConfig", vars{"name": "a", "expectedVersion": 4, "value": "new", "reason": "needed"},
			`"__typename":"ConfigChanged","changed":true,"position":"@5","config":{"name":"a","value":"new","version":5,"createdAt":"T3","updatedAt":"T15"},` +
				`"revision":{"operation":"RESTORED","value":"new","oldValue":null,"version":5,"position":"@5","changeSet":"@5","committedAt":"T15","actor":null,"reason":"needed"}`},
		{"deleteConfig", vars{"name": "a"},
			`"__typename":"ConfigChanged","changed":true,"position":"@6","config":null,` +
				`"revision":{"operation":"DELETED","value":null,"oldValue":"new","version":6,"position":"@6","changeSet":"@6","committedAt":"T16","actor":null,"reason":null}`},
		{"restoreConfig", vars{"name": "a"},
			`"__typename":"ConfigChanged","changed":true,"position":"@7","config":{"name":"a","value":"new","version":7,"createdAt":"T3","updatedAt":"T17"},` +
				`"revision":{"operation":"RESTORED","value":"new","oldValue":null,"version":7,"position":"@7","changeSet":"@7","committedAt":"T17","actor":null,"reason":null}`},
	} {
		want := step.want
		for n := range 18 { // the command with n commands before it
			want = strings.ReplaceAll(want, fmt.Sprintf(`"T%d"`, n), fmt.Sprintf(`"2026-01-01T00:00:%02d.000000Z"`, n))
		}
		t.Run(fmt.Sprint(i, " ", step.mutation), func(t *testing.T) {
			a.want(t, doc[step.mutation], vars{"input": step.input}, `{"data":{"`+step.mutation+`":{`+want+`}}}`)
		})
	}
}

// TestMutationRules breaks each rule about inputs, which is answered as data and writes nothing.
func TestMutationRules(t *testing.T) {
	const longest = 100
	a := MustServe(t, memory.New(), configstore.Options{MaxValueBytes: longest}, graph.Options{})
	a.MustSet(t, "live", "1")
	a.MustSet(t, "gone", "1")
	a.MustDelete(t, "gone")
	before := a.head()
	common := []struct {
		input     vars
		path, say string
	}{
		{vars{"name": ""}, "name", "name is empty"},
		{vars{"name": strings.Repeat("n", 256)}, "name", "name has 256 bytes; at most 255 are allowed"},
		{vars{"name": "a/../b"}, "name", "name has a segment that is . or .."},
		{vars{"expectedVersion": -1}, "expectedVersion", "expectedVersion must not be negative"},
		{vars{"expectedVersion": -2147483648}, "expectedVersion", "expectedVersion must not be negative"},
		{vars{"reason": strings.Repeat("r", 1025)}, "reason", "reason has 1025 bytes; at most 1024 are allowed"},
		{vars{"reason": "a\x00"}, "reason", "reason holds a NUL character (U+0000)"},
		{vars{"idempotencyKey": ""}, "idempotencyKey", "idempotencyKey is empty"},
		{vars{"idempotencyKey": "a\n"}, "idempotencyKey", "idempotencyKey may hold only printable ASCII characters"},
		{vars{"idempotencyKey": strings.Repeat("k", 65)}, "idempotencyKey", "idempotencyKey has 65 bytes; at most 64 are allowed"},
	}
	ofValues := []struct {
		input     vars
		path, say string
	}{
		{vars{"value": strings.Repeat("v", longest+1)}, "value", "value has 101 bytes; at most 100 are allowed"},
		{vars{"value": strings.Repeat("é", longest/2) + "e"}, "value", "value has 101 bytes; at most 100 are allowed"},
		{vars{"value": "\x00"}, "value", "value holds a NUL character (U+0000)"},
	}
	for _, m := range []struct {
		mutation, doc string
		fine          vars
	}{
		{"setConfig", setDoc, vars{"name": "live", "value": "2"}},
		{"deleteConfig", deleteDoc, vars{"name": "live"}},
		{"restoreConfig", restoreDoc, vars{"name": "gone"}},
	} {
		rows := common
		if m.mutation != "deleteConfig" {
			rows = append(rows[:len(rows):len(rows)], ofValues...)
		}
		for _, row := range rows {
			input := vars{}
			for _, from := range []vars{m.fine, row.input} {
				for name, value := range from {
					input[name] = value
				}
			}
			a.want(t, m.doc, vars{"input": input}, `{"data":{"`+m.mutation+`":{"__typename":"InvalidInputError","code":"INVALID_INPUT","message":"`+row.say+`","path":["`+row.path+`"]}}}`)
		}
	}
	if after := a.head(); after != before {
		t.Errorf("the head went from %s to %s", before, after)
	}

	for _, value := range []string{strings.Repeat("v", longest), strings.Repeat("é", longest/2), "\x01\x1f\"\\/\u2028\U0001f3c3 \t\r\n", ""} {
		got := MustGet[string](t, a, `mutation($input:SetConfigInput!){setConfig(input:$input){...on ConfigChanged{config{value}}}}`,
			vars{"input": vars{"name": "live", "value": value}}, "setConfig", "config", "value")
		if got != value {
			t.Errorf("got %q, want %q", got, value)
		}
	}
}

// TestMutationTypes sends values that are no input at all. That is an error, not data, and writes
// nothing.
func TestMutationTypes(t *testing.T) {
	a := MustStart(t)
	const invalid = "GRAPHQL_VALIDATION_FAILED"
	for _, row := range []struct {
		input      vars
		code, says string
	}{
		{vars{"name": "a"}, invalid, "must be given"},
		{vars{"value": "1"}, invalid, "must be given"},
		{vars{"name": nil, "value": "1"}, invalid, "must not be null"},
		{vars{"name": "a", "value": nil}, invalid, "must not be null"},
		{vars{"name": "a", "value": 30}, invalid, "must be a string"},
		{vars{"name": "a", "value": true}, invalid, "must be a string"},
		{vars{"name": "a", "value": []string{"1"}}, invalid, "must be a string"},
		{vars{"name": "a", "value": "1", "note": "x"}, invalid, "is not known"},
		{vars{"name": "a", "value": "1", "onlyIfChanged": "true"}, invalid, "must be true or false"},
		{vars{"name": "a", "value": "1", "expectedVersion": 0.5}, invalid, "must be a whole number of at most 32 bits"},
		{vars{"name": "a", "value": "1", "expectedVersion": "0"}, invalid, "must be a whole number of at most 32 bits"},
		{vars{"name": "a", "value": "1", "expectedVersion": int64(1) << 31}, invalid, "must be a whole number of at most 32 bits"},
		{vars{"name": "a", "value": "1", "expectedVersion": -int64(1)<<31 - 1}, invalid, "must be a whole number of at most 32 bits"},
		{vars{"name": "a", "value": "1", "expectedVersion": 1e300}, invalid, "must be a whole number of at most 32 bits"},
		{vars{"name": 5, "value": "1"}, "INVALID_INPUT", "name must be a string"},
		{vars{"name": true, "value": "1"}, "INVALID_INPUT", "name must be a string"},
		{vars{"name": []string{"a"}, "value": "1"}, "INVALID_INPUT", "name must be a string"},
		{vars{"name": vars{"a": "b"}, "value": "1"}, "INVALID_INPUT", "name must be a string"},
	} {
		a.wantRefused(t, setDoc, vars{"input": row.input}, row.code, row.says)
	}
	a.wantRefused(t, setDoc, vars{"input": nil}, invalid, "must not be null")
	a.wantRefused(t, setDoc, vars{"input": "a"}, invalid, "must be an object, of the type SetConfigInput")
	a.wantRefused(t, setDoc, vars{}, invalid, "must be given")
	a.wantRefused(t, `mutation{setConfig(input:{name:"a",value:"1",expectedVersion:2147483648}){__typename}}`, nil, invalid, "must be a whole number of at most 32 bits")

	if a.head() != "0-00000000" {
		t.Error("something was written")
	}
}

// TestMutationsInOrder checks GraphQL's rule that the mutations of an operation run one after the
// other.
func TestMutationsInOrder(t *testing.T) {
	a := MustStart(t)
	a.want(t, `mutation{
		first:setConfig(input:{name:"a",value:"1"}){...on ConfigChanged{position}}
		second:setConfig(input:{name:"a",value:"2",expectedVersion:1}){...on ConfigChanged{position config{history{nodes{version}}}}}
		third:setConfig(input:{name:"a",value:"3",expectedVersion:1}){...on UserError{code}}
		fourth:deleteConfig(input:{name:"a"}){...on ConfigChanged{position config{value} revision{oldValue}}}
	}`, nil, `{"data":{"first":{"position":"@1"},"second":{"position":"@2","config":{"history":{"nodes":[{"version":2},{"version":1}]}}},`+
		`"third":{"code":"VERSION_CONFLICT"},"fourth":{"position":"@3","config":null,"revision":{"oldValue":"2"}}}}`)
}
