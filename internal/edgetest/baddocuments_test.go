package edgetest_test

import (
	"fmt"
	"strings"
	"testing"

	"configapi/internal/edgetest"
	"configapi/internal/eventstore"
)

// badDocument is an operation of GraphQL that is wrong for every caller.
type badDocument struct {
	document  string
	variables string // JSON; "": none
	code      string
	says      string // a part of the message, which names the rule
}

const (
	parseFailed  = "GRAPHQL_PARSE_FAILED"
	notValid     = "GRAPHQL_VALIDATION_FAILED"
	beyondLimits = "LIMIT_EXCEEDED"
	invalidInput = "INVALID_INPUT"
	notKnown     = "POSITION_UNKNOWN"

	// firstSet is the beginning of a mutation whose first field is right.
	firstSet = `a:setConfig(input:{name:"edgetest/first",value:"1"}){__typename} `
)

// badDocuments are operations that each transport takes.
var badDocuments = []badDocument{
	{`{configs(first:0){totalCount}}`, "", invalidInput, "1 to 500"},
	{`{configs(first:-1){totalCount}}`, "", invalidInput, "1 to 500"},
	{`{configs(first:501){totalCount}}`, "", invalidInput, "1 to 500"},
	{`{recentChanges(first:0){position}}`, "", invalidInput, "1 to 500"},
	{`{deletedConfigs(first:501){nodes{name}}}`, "", invalidInput, "1 to 500"},
	{`{children(first:0){nodes{__typename}}}`, "", invalidInput, "1 to 500"},
	{`{configs(after:"forged"){totalCount}}`, "", invalidInput, "after"},
	{`{recentChanges(after:"AAAA"){position}}`, "", invalidInput, "after"},
	{`{config(name:"a",atLeast:"x"){name}}`, "", notKnown, ""},
	{`{config(name:"a",atLeast:"1-00c0ffee"){name}}`, "", notKnown, ""},
	{`{asOf(at:{position:"999999-00c0ffee"}){configs(first:1){nodes{name}}}}`, "", notKnown, ""},
	{`{diff(from:{position:"1-00c0ffee"}){from}}`, "", notKnown, ""},
	{`{asOf(at:{time:"2026-02-30T00:00:00Z"}){configs(first:1){nodes{name}}}}`, "", invalidInput, "2024-01-15T10:30:00Z"},
	{`query($t:DateTime!){asOf(at:{time:$t}){configs(first:1){nodes{name}}}}`, `{"t":""}`, invalidInput, "2024-01-15T10:30:00Z"},
	{`{asOf(at:{}){configs(first:1){nodes{name}}}}`, "", notValid, "exactly one"},
	{`{configs(first:"1"){totalCount}}`, "", notValid, ""},
	{`{configs(first:2147483648){totalCount}}`, "", notValid, ""},
	{`{configs(orderBy:SIZE){totalCount}}`, "", notValid, "SIZE"},
	{`query($n:ConfigName!){config(name:$n){name}}`, `{"n":null}`, notValid, "$n"},
	{`query($n:ConfigName!){config(name:$n){name}}`, `{"n":7}`, invalidInput, "$n"},
	{`query($n:ConfigName!){config(name:$n){name}}`, "", notValid, "$n"},
	{`query($x:Boolean=true){configs(first:5){nodes{name @include(if:$x)}}}`, `{"x":null}`, notValid, ""},
	{`{`, "", parseFailed, ""},
	{`{config(name:"\uD800"){name}}`, "", parseFailed, ""},
	{`{nothing}`, "", notValid, "nothing"},
	{`query A{__typename} query B{__typename}`, "", notValid, "operationName"},
	{`{...F} fragment F on Query{bounds{head} ...F}`, "", notValid, ""},
	{`{bounds ` + strings.Repeat("@x", 500) + `{head}}`, "", notValid, ""},
	{`{bounds{` + strings.Repeat("head ", 1990) + `}}`, "", beyondLimits, ""},
	{`{` + numbered(11, "r%d:bounds{head} ") + `}`, "", beyondLimits, "10"},
	{`{bounds{` + numbered(31, "a%d:head ") + `}}`, "", beyondLimits, "30"},
	{numbered(11, "query q%d{__typename} "), "", beyondLimits, "10"},
	{`{` + strings.Repeat("n", 129) + `}`, "", beyondLimits, "128"},
	{strings.Repeat("{a", 13) + strings.Repeat("}", 13), "", beyondLimits, ""},
	{`{configs(first:500){nodes{history(first:500){nodes{version}}}}}`, "", beyondLimits, "50000"},

	{`mutation{` + firstSet + `b:setConfig(input:{name:"edgetest/second",value:null}){__typename}}`, "", notValid, "value"},
	{`mutation($v:String="d"){` + firstSet + `b:setConfig(input:{name:"edgetest/second",value:$v}){__typename}}`, `{"v":null}`, notValid, ""},
	{`mutation($v:Int){` + firstSet + `b:setConfig(input:{name:"edgetest/second",value:"",expectedVersion:$v}){__typename}}`, `{"v":2147483648}`, notValid, "$v"},
	{`mutation($v:Int){` + firstSet + `b:setConfig(input:{name:"edgetest/second",value:"",expectedVersion:$v}){__typename}}`, `{"v":"1"}`, notValid, "$v"},
	{`mutation($x:Boolean=true){` + firstSet + `b:deleteConfig(input:{name:"a"}){__typename @include(if:$x)}}`, `{"x":null}`, notValid, ""},
	{`mutation($v:String!){` + firstSet + `b:setConfig(input:{name:"edgetest/second",value:$v}){__typename}}`, `{"v":"\ud800"}`, "", ""},
	{`mutation{` + firstSet + `b:setConfig(input:{name:"edgetest/second",value:"\uD800"}){__typename}}`, "", parseFailed, ""},
	{`mutation{` + firstSet + `b:applyConfigs(input:{changes:[{}]}){__typename}}`, "", notValid, "exactly one"},
	{`mutation{` + firstSet + `b:revertConfigs(input:{to:{}}){__typename}}`, "", notValid, "exactly one"},
	{`mutation{` + firstSet + `nothing}`, "", notValid, "nothing"},
	{`mutation{` + numbered(11, `a%d:deleteConfig(input:{name:"a"}){__typename} `) + `}`, "", beyondLimits, "10"},
}

// numbered writes a part of a document n times, each with its number.
func numbered(n int, part string) string {
	var text strings.Builder
	for i := range n {
		fmt.Fprintf(&text, part, i)
	}
	return text.String()
}

// head returns the position of the newest change in the event store.
func (a asked) head(t *testing.T) eventstore.Position {
	t.Helper()
	head, err := a.store.Events.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return head.Position()
}

// runDocuments sends all bad documents over a transport as the caller of a server. onGet reports
// whether the transport sends no mutation.
func runDocuments(t *testing.T, a asked, edge graphReads, onGet bool) {
	t.Helper()
	before := a.head(t)
	for _, row := range badDocuments {
		body := query(row.document)
		if row.variables != "" {
			body = `{"query":` + quote(row.document) + `,"variables":` + row.variables + `}`
		}
		got := edge.try(t, jsonType, body)
		want, says := row.code, row.says
		switch {
		case a.kind == edgetest.Unknown:
			want, says = unauthenticated, ""
		case onGet && strings.HasPrefix(row.document, "mutation"):
			want, says = "", ""
		}
		if got.Code == "" || want != "" && got.Code != want || !strings.Contains(got.Text, says) || got.Text == "" {
			t.Errorf("%.150s %s: got %s %.200q, want %s that says %q", row.document, row.variables, got.Code, got.Text, want, says)
		}
	}
	if now := a.head(t); now != before {
		t.Errorf("the position went from %s to %s", before, now)
	}
	if log := a.log.String(); strings.Contains(log, "level=ERROR") {
		_, line, _ := strings.Cut(log, "level=ERROR")
		t.Errorf("the log has an error: %.500s", line)
	}
}
