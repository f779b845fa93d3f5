package graph_test

import (
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"configapi/graph"
	"configapi/internal/configstore"
	"configapi/internal/eventstore/memory"
)

// edge sends an operation over one transport, and returns the errors of its answer as JSON. The
// answer must have no data.
type edge func(t *testing.T, body string) string

// edgesOf are all transports of an API.
func edgesOf(a *api) map[string]edge {
	post := func(t *testing.T, body, accept string, status int) string {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, a.url, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Accept", accept)
		response, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		got, err := io.ReadAll(response.Body)
		if err != nil || response.StatusCode != status {
			t.Fatalf("%s: got %s %s, %v, want %d", body, response.Status, got, err, status)
		}
		return string(got)
	}
	return map[string]edge{
		"HTTP": func(t *testing.T, body string) string {
			return errorsIn(t, post(t, body, "application/json", 200))
		},
		"HTTP, other form": func(t *testing.T, body string) string {
			return errorsIn(t, post(t, body, "application/graphql-response+json", 400))
		},
		"SSE": func(t *testing.T, body string) string {
			next, found := strings.CutPrefix(post(t, body, "text/event-stream", 200), ":\n\nevent: next\ndata: ")
			data, end, _ := strings.Cut(next, "\n")
			if !found || end != "\nevent: complete\ndata: \n\n" {
				t.Fatalf("%s: got %q, %q", body, next, end)
			}
			return errorsIn(t, data)
		},
		"websocket": func(t *testing.T, body string) string {
			c := a.MustDial(t)
			c.send(`{"id":"1","type":"subscribe","payload":` + body + `}`)
			got, found := strings.CutPrefix(c.receive(), `{"id":"1","type":"error","payload":`)
			if !found {
				t.Fatalf("%s: got %s", body, got)
			}
			return strings.TrimSuffix(got, "}")
		},
	}
}

func errorsIn(t *testing.T, answer string) string {
	t.Helper()
	var members map[string]json.RawMessage
	if err := json.Unmarshal([]byte(answer), &members); err != nil || len(members) != 1 {
		t.Fatalf("got %s, %v, want errors alone", answer, err)
	}
	return string(members["errors"])
}

const (
	twoWrites = `{a:setConfig(input:{name:"a",value:"1"}){__typename} b:setConfig(input:{name:"b",value:"1",`
	invalid   = "GRAPHQL_VALIDATION_FAILED"
)

// invalidOperations are operations that gqlgen alone refuses only after it has executed a part of
// them, or that it executes as something else.
var invalidOperations = []struct{ doc, variables, code, says string }{
	{`mutation($v:String="d"){setConfig(input:{name:"n",value:$v}){__typename}}`, `{"v":null}`, invalid, "argument input.value of field setConfig must not be null, as $v is"},
	{`mutation($n:ConfigName="d"){setConfig(input:{name:$n,value:""}){__typename}}`, `{"n":null}`, invalid, "must not be null"},
	{`mutation($i:SetConfigInput={name:"a",value:""}){setConfig(input:$i){__typename}}`, `{"i":null}`, invalid, "must not be null"},
	{`query($x:Boolean=true){configs(first:500){nodes{name @include(if:$x)}}}`, `{"x":null}`, invalid, "directive @include must not be null, as $x is"},
	{`query($x:Boolean=true){configs{nodes{...F @skip(if:$x)}}} fragment F on Config{name}`, `{"x":null}`, invalid, "directive @skip must not be null"},
	{`mutation($x:Boolean=true){setConfig(input:{name:"n",value:"1"}){...on ConfigChanged{position @skip(if:$x)}}}`, `{"x":null}`, invalid, "must not be null"},
	{`mutation($v:Int)` + twoWrites + `expectedVersion:$v}){__typename}}`, `{"v":2147483648}`, invalid, "$v must be a whole number of at most 32 bits"},
	{`mutation($v:Int)` + twoWrites + `expectedVersion:$v}){__typename}}`, `{"v":"1"}`, invalid, "$v must be a whole number"},
	{`mutation($v:Int)` + twoWrites + `expectedVersion:$v}){__typename}}`, `{"v":1.5}`, invalid, "$v must be a whole number"},
	{`mutation` + twoWrites + `expectedVersion:2147483648}){__typename}}`, `{}`, invalid, "argument input.expectedVersion of field setConfig must be a whole number"},
	{`mutation($v:Position)` + twoWrites + `expectedRevision:$v}){__typename}}`, `{"v":7}`, "POSITION_UNKNOWN", "looks like"},
	{`mutation` + twoWrites + `expectedRevision:EARLIER}){__typename}}`, `{}`, "POSITION_UNKNOWN", "looks like"},
	{`mutation($c:Consistency)` + twoWrites + `}){...on ConfigChanged{config{asOf(at:{time:"yesterday"}){version}}}}}`, `{}`, invalid, "never used"},
	{`mutation` + twoWrites + `}){...on ConfigChanged{config{asOf(at:{time:"yesterday"}){version}}}}}`, `{}`, "INVALID_INPUT", "time must be an RFC 3339 instant"},
	{`query($c:Consistency){config(name:"a",consistency:$c){name}}`, `{"c":"STRONG"}`, invalid, "$c must be a value of the enum Consistency"},
	{`query($c:Consistency){config(name:"a",consistency:$c){name}}`, `{"c":"local"}`, invalid, "$c must be a value of the enum Consistency"},
	{`{config(name:7){name}}`, `{}`, "INVALID_INPUT", "name must be a string"},
	{`{config(name:LOCAL){name}}`, `{}`, "INVALID_INPUT", "name must be a string"},
	{`{changes(after:"1"){position}}`, `{}`, "POSITION_UNKNOWN", "looks like"},
	{`query($p:Position!){asOf(at:{position:$p}){position}}`, `{"p":""}`, "POSITION_UNKNOWN", "$p: this history never handed out"},
	{`query($t:DateTime!){asOf(at:{time:$t}){position}}`, `{"t":"2026-02-30T00:00:00Z"}`, "INVALID_INPUT", "$t: time must be an RFC 3339 instant"},
	{`query($a:AsOfInput!){asOf(at:$a){position}}`, `{"a":{"position":"0-00000000","time":null}}`, invalid, "$a must have exactly one of position and time"},
	{`query($f:ConfigFilterInput){configs(filter:$f){totalCount}}`, `{"f":{"names":["a",null]}}`, invalid, "$f.names[1] must not be null"},
	{`mutation` + twoWrites + `reason:"\uD800"}){__typename}}`, `{}`, "GRAPHQL_PARSE_FAILED", "half a surrogate pair"},
	{`mutation{setConfig(input:{name:"g",value:"\uDC00\uD800"}){__typename}}`, `{}`, "GRAPHQL_PARSE_FAILED", "half a surrogate pair"},
	{`mutation{setConfig(input:{name:"g",value:"\uD800\uD801"}){__typename}}`, `{}`, "GRAPHQL_PARSE_FAILED", "half a surrogate pair"},
	{`mutation{setConfig(input:{name:"g",value:"\uD800\u0041"}){__typename}}`, `{}`, "GRAPHQL_PARSE_FAILED", "half a surrogate pair"},
	{`mutation{setConfig(input:{name:"g",value:"\uD800\uE000"}){__typename}}`, `{}`, "GRAPHQL_PARSE_FAILED", "half a surrogate pair"},
	{`mutation{setConfig(input:{name:"g",value:"\u{D800}"}){__typename}}`, `{}`, "GRAPHQL_PARSE_FAILED", ""},
	{`{bounds @defer{head}}`, `{}`, invalid, "Unknown directive"},
}

// invalidSubscriptions are subscriptions of that kind.
var invalidSubscriptions = []struct{ doc, variables, code, says string }{
	{`subscription($s:Boolean!){configChanges @skip(if:$s){position}}`, `{"s":false}`, invalid, "must not have @skip at its root"},
	{`subscription{...F @include(if:true)} fragment F on Subscription{configChanges{position}}`, `{}`, invalid, "must not have @include at its root"},
	{`subscription{...F} fragment F on Subscription{...{configChanges @include(if:true){position}}}`, `{}`, invalid, "must not have @include at its root"},
	{`subscription{a:configChanges{position} b:configChanges{position}}`, `{}`, invalid, "exactly one root field"},
	{`subscription{...F configChanges{position}} fragment F on Subscription{b:configChanges{position}}`, `{}`, invalid, "exactly one root field"},
	{`subscription{configChanges{position} __typename}`, `{}`, invalid, "at its root"},
	{`subscription($p:Position){configChanges(after:$p){position}}`, `{"p":"x"}`, "POSITION_UNKNOWN", "looks like"},
	{`subscription($n:ConfigName="a"){config(name:$n){name}}`, `{"n":null}`, invalid, "must not be null"},
}

// TestCheckedBeforeItRuns checks on all transports that nothing of an operation is executed when a
// part of it breaks a rule.
func TestCheckedBeforeItRuns(t *testing.T) {
	log := new(testLog)
	a := MustServe(t, memory.New(), configstore.Options{}, graph.Options{Log: slog.New(slog.NewJSONHandler(log, nil))})
	a.MustSet(t, "config", "1")
	before := a.head()
	for name, send := range edgesOf(a) {
		for _, row := range append(invalidOperations, invalidSubscriptions...) {
			query, _ := json.Marshal(row.doc)
			got := send(t, `{"query":`+string(query)+`,"variables":`+row.variables+`}`)
			if !strings.Contains(got, `"code":"`+row.code+`"`) || !strings.Contains(got, row.says) || strings.Contains(got, `"path"`) || !strings.Contains(got, `"line"`) {
				t.Errorf("%s: %s with %s: got %s, want code %s and %q", name, row.doc, row.variables, got, row.code, row.says)
			}
		}
	}
	if a.head() != before {
		t.Errorf("something was written: the head is %s", a.head())
	}
	if entries := log.entries(t); len(entries) > 0 {
		t.Errorf("the log has %v", entries)
	}
}

// TestSurrogatesInLiterals has valid texts, and texts that look like escapes and are none.
func TestSurrogatesInLiterals(t *testing.T) {
	a := MustStart(t)
	for literal, want := range map[string]string{
		`"\uD83D\uDE00"`:           "😀",
		`"\u{1F600}"`:              "😀",
		`"\\uD800"`:                `\uD800`,
		`"""\uD800"""`:             `\uD800`,
		`"""\""" "\uD800" """`:     `""" "\uD800" `,
		`"#" #"\uD800"` + "\n":     "#",
		`"a\"\\" # "\uDC00` + "\n": `a"\`,
		`"\ud7ff\ue000"`:           "\ud7ff\ue000",
		`"""a""""`:                 `a"`,
		`""`:                       "",
	} {
		got := MustGet[string](t, a, `mutation{setConfig(input:{name:"a",value:`+literal+`}){...on ConfigChanged{config{value}}}}`, nil, "setConfig", "config", "value")
		if got != want {
			t.Errorf("%s: got %q, want %q", literal, got, want)
		}
	}
}

// TestNestedFieldsFailAlone checks on every transport that the path of an error begins at the root,
// and that the other fields are answered.
func TestNestedFieldsFailAlone(t *testing.T) {
	a := MustStart(t)
	a.MustSet(t, "a", "1")
	const first = `"first is 0; it must be 1 to 500"`
	a.want(t, `{config(name:"a"){value history(first:0){nodes{version}}}}`, nil,
		`{"errors":[{"message":`+first+`,"path":["config","history"],"locations":[{"line":1,"column":25}],"extensions":{"code":"INVALID_INPUT"}}],"data":{"config":{"value":"1","history":null}}}`)
	a.want(t, `{asOf(at:{time:"2999-01-01T00:00:00Z"}){position configs(first:0){nodes{version}}}}`, nil,
		`{"errors":[{"message":`+first+`,"path":["asOf","configs"],"locations":[{"line":1,"column":50}],"extensions":{"code":"INVALID_INPUT"}}],"data":{"asOf":{"position":"@1","configs":null}}}`)

	const doc = `subscription{mine:config(name:"a"){value past:history(first:0){nodes{version}}}}`
	const path, data = `"path":["mine","past"]`, `"data":{"mine":{"value":"1","past":null}}`
	c := a.MustDial(t)
	c.subscribe("1", doc, nil)
	if got := c.receive(); !strings.Contains(got, path) || !strings.Contains(got, data) {
		t.Errorf("websocket: got %s", got)
	}
	if _, _, got := a.MustListen(t, doc, nil, "").event(); !strings.Contains(got, path) || !strings.Contains(got, data) {
		t.Errorf("SSE: got %s", got)
	}
}
