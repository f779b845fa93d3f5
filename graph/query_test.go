package graph_test

import (
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
)

const wholeRevision = `{__typename id name operation value oldValue version position changeSet committedAt actor reason}`

const wholeConfig = `{__typename id name value version revision` + wholeRevision + ` createdAt updatedAt}`

func TestConfig(t *testing.T) {
	a := MustStart(t)
	a.MustSet(t, "a/b", "1")
	a.MustSet(t, "gone", "1")
	a.MustSet(t, "a/b", "2")
	a.MustDelete(t, "gone")
	revision := `{"__typename":"ConfigRevision","id":"` + id("r:"+a.at(t, 3)) + `","name":"a/b","operation":"UPDATED","value":"2","oldValue":"1","version":2,` +
		`"position":"@3","changeSet":"@3","committedAt":"2026-01-01T00:00:02.000000Z","actor":null,"reason":null}`
	want := `{"__typename":"Config","id":"` + id("c:a/b") + `","name":"a/b","value":"2","version":2,"revision":` + revision +
		`,"createdAt":"2026-01-01T00:00:00.000000Z","updatedAt":"2026-01-01T00:00:02.000000Z"}`

	a.want(t, `{config(name:"a/b")`+wholeConfig+`}`, nil, `{"data":{"config":`+want+`}}`)
	a.want(t, `query($n:ConfigName!){config(name:$n)`+wholeConfig+`}`, vars{"n": "a/b"}, `{"data":{"config":`+want+`}}`)
	a.want(t, `{gone:config(name:"gone"){name} never:config(name:"never"){name} prefix:config(name:"a"){name}}`, nil,
		`{"data":{"gone":null,"never":null,"prefix":null}}`)
	for name, says := range map[string]string{
		"": "name is empty", "a//b": "empty segment", "a/../b": "segment that is . or ..", "a b": "letters, digits",
		strings.Repeat("n", 256): "at most 255",
	} {
		a.wantRefused(t, `query($n:ConfigName!){config(name:$n){name}}`, vars{"n": name}, "INVALID_INPUT", says)
		a.wantRefused(t, fmt.Sprintf(`{config(name:%q){name}}`, name), nil, "INVALID_INPUT", says)
	}
	a.wantRefused(t, `query($n:ConfigName!){config(name:$n){name}}`, vars{"n": 5}, "INVALID_INPUT", "name must be a string")
	a.wantRefused(t, `{config(name:5){name}}`, nil, "INVALID_INPUT", "name must be a string")
	a.wantRefused(t, `{config(name:null){name}}`, nil, "GRAPHQL_VALIDATION_FAILED", "null")
	a.wantRefused(t, `{config{name}}`, nil, "GRAPHQL_VALIDATION_FAILED", `"name"`)

	// A field that fails does not affect the others.
	if got := a.MustPost(t, `{config(name:""){name} bounds{head}}`, nil); !strings.Contains(got, `"path":["config"]`) || !strings.Contains(got, `"data":{"config":null,"bounds":{"head":"@4"}}`) {
		t.Errorf("got %s", got)
	}
}

func id(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }

func TestNode(t *testing.T) {
	a, other := MustStart(t), MustStart(t)
	a.MustSet(t, "a/b", "1")
	a.MustSet(t, "gone", "1")
	a.MustDelete(t, "gone")
	other.MustSet(t, "a/b", "1")
	const doc = `query($id:ID!){node(id:$id){__typename id ...on Config{name} ...on ConfigRevision{version operation}}}`

	for _, row := range []struct{ id, want string }{
		{id("c:a/b"), `{"__typename":"Config","id":"` + id("c:a/b") + `","name":"a/b"}`},
		{id("c:gone"), `null`},
		{id("c:never"), `null`},
		{id("r:" + a.at(t, 1)), `{"__typename":"ConfigRevision","id":"` + id("r:"+a.at(t, 1)) + `","version":1,"operation":"CREATED"}`},
		{id("r:" + a.at(t, 3)), `{"__typename":"ConfigRevision","id":"` + id("r:"+a.at(t, 3)) + `","version":2,"operation":"DELETED"}`},
		{id("r:" + other.at(t, 1)), `null`},
		{id("r:0-00000000"), `null`},
		{id("r:4" + a.at(t, 3)[1:]), `null`},
		{id("r:9223372036854775807-00000000"), `null`},
	} {
		a.want(t, doc, vars{"id": row.id}, `{"data":{"node":`+row.want+`}}`)
	}
	for _, malformed := range []any{"", "x", "a/b", id("a/b"), id("c:"), id("c:a//b"), id("r:"), id("r:1"), id("r:-1-00000000"), id("x:a"), id("c:a") + "=", " " + id("c:a"), 5} {
		a.wantRefused(t, doc, vars{"id": malformed}, "INVALID_INPUT", "id must be an id that this server gave")
	}

	// Every id that the API gives leads back to the object it came with.
	for _, at := range []string{`{config(name:"a/b"){id}}`, `{config(name:"a/b"){revision{id}}}`} {
		path := []string{"config", "id"}
		if strings.Contains(at, "revision") {
			path = []string{"config", "revision", "id"}
		}
		given := MustGet[string](t, a, at, nil, path...)
		if got := MustGet[string](t, a, doc, vars{"id": given}, "node", "id"); got != given {
			t.Errorf("%s: got %q, want %q", at, got, given)
		}
	}
}

func TestBounds(t *testing.T) {
	a := MustStart(t)
	const doc = `{bounds{head earliest}}`
	a.want(t, doc, nil, `{"data":{"bounds":{"head":"@0","earliest":"@0"}}}`)
	a.MustSet(t, "a", "1")
	a.MustSet(t, "a", "2")
	a.want(t, doc, nil, `{"data":{"bounds":{"head":"@2","earliest":"@0"}}}`)
	earliest := MustGet[string](t, a, doc, nil, "bounds", "earliest")
	a.want(t, `query($after:Position){changes(after:$after){changes{version}}}`, vars{"after": earliest}, `{"data":{"changes":{"changes":[{"version":1},{"version":2}]}}}`)
}

// TestDirectives has @skip and @include, with literals and variables.
func TestDirectives(t *testing.T) {
	a := MustStart(t)
	a.MustSet(t, "a", "1")
	a.want(t, `query($yes:Boolean!,$no:Boolean=false){config(name:"a"){name @skip(if:$yes) value @include(if:$yes) ...@include(if:$no){version} ...F @skip(if:true)}} fragment F on Config{id}`,
		vars{"yes": true}, `{"data":{"config":{"value":"1"}}}`)
}
