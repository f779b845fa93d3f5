package graph_test

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

// nest nests a field in itself, n deep.
func nest(field string, n int) string {
	return strings.Repeat("{"+field, n) + strings.Repeat("}", n)
}

// each repeats a format with the numbers from 0 to n-1.
func each(n int, format string) string {
	var all strings.Builder
	for i := range n {
		all.WriteString(strings.ReplaceAll(format, "#", fmt.Sprint(i)) + " ")
	}
	return all.String()
}

// doubling returns a document of n fragments, in which the innermost field occurs 2^n times.
func doubling(n int, field string) string {
	doc := `{configs{nodes{...f0}}}`
	for i := range n {
		doc += fmt.Sprintf(` fragment f%d on Config{...f%d ...f%d}`, i, i+1, i+1)
	}
	return doc + fmt.Sprintf(` fragment f%d on Config{%s}`, n, field)
}

func TestLimits(t *testing.T) {
	a := MustStart(t)
	a.MustSet(t, "a", "1")
	for name, row := range map[string]struct {
		within, beyond string
		says           string
	}{
		"root fields": {
			`{` + each(10, `a#:bounds{head}`) + `}`,
			`{` + each(11, `a#:bounds{head}`) + `}`,
			"an operation has more than 10 root fields",
		},
		"root fields in fragments": {
			`{...F ...on Query{...G}}` + `fragment F on Query{` + each(5, `a#:bounds{head}`) + `} fragment G on Query{` + each(5, `b#:bounds{head}`) + `}`,
			`{...F ...on Query{...G}}` + `fragment F on Query{` + each(5, `a#:bounds{head}`) + `} fragment G on Query{` + each(6, `b#:bounds{head}`) + `}`,
			"an operation has more than 10 root fields",
		},
		"root fields of mutations": {
			`mutation{` + each(10, `a#:setConfig(input:{name:"a",value:"1"}){__typename}`) + `}`,
			`mutation{` + each(11, `a#:setConfig(input:{name:"a",value:"1"}){__typename}`) + `}`,
			"an operation has more than 10 root fields",
		},
		"aliases": {
			`{configs{nodes{` + each(30, `a#:id`) + `}}}`,
			`{configs{nodes{` + each(31, `a#:id`) + `}}}`,
			"an operation has more than 30 aliases",
		},
		"aliases in fragments": {
			`{one:configs{nodes{...F}} two:configs{nodes{...F}}} fragment F on Config{` + each(14, `a#:id`) + `}`,
			`{one:configs{nodes{...F}} two:configs{nodes{...F}}} fragment F on Config{` + each(15, `a#:id`) + `}`,
			"an operation has more than 30 aliases",
		},
		"repeated fields": {
			`{bounds{` + strings.Repeat("head ", 201) + `}}`,
			`{bounds{` + strings.Repeat("head ", 202) + `}}`,
			"more than 200 fields of the document repeat another",
		},
		"repeated fields in inline fragments": {
			`{bounds{` + strings.Repeat("...on HistoryBounds{head}", 201) + `}}`,
			`{bounds{` + strings.Repeat("...on HistoryBounds{head}", 202) + `}}`,
			"more than 200 fields of the document repeat another",
		},
		"cost of grants": {
			// 1 + 490 × (1 + 1 + 50 × 2)
			`{tokens(first:490){nodes{grants{prefix actions}}}}`,
			`{tokens(first:491){nodes{grants{prefix actions}}}}`,
			"the operation costs more than 50000",
		},
		"cost": {
			// 1 + 499 × (1 + 20 + 39 × 2)
			`{one:configs(first:499){nodes{history(first:39){nodes{version}}}}}`,
			`{one:configs(first:500){nodes{history(first:50){nodes{version}}}}}`,
			"the operation costs more than 50000",
		},
		"cost of asOf": {
			// 1 + 500 × (1 + 4 × (20 + 1))
			`{configs(first:500){nodes{` + each(4, `a#:asOf(at:{time:"2026-01-01T00:00:00Z"}){version}`) + `}}}`,
			`{configs(first:500){nodes{` + each(5, `a#:asOf(at:{time:"2026-01-01T00:00:00Z"}){version}`) + `}}}`,
			"20 for each field that reads the past by itself, such as asOf and history",
		},
		"cost of old values": {
			// 1 + 500 × (1 + 1 + 20 + 20): those of the list are read together
			`{configs(first:500){nodes{revision{oldValue} asOf(at:{time:"2026-01-01T00:00:00Z"}){oldValue}}}}`,
			`{configs(first:500){nodes{` + each(3, `a#:asOf(at:{time:"2026-01-01T00:00:00Z"}){oldValue}`) + `}}}`,
			"the operation costs more than 50000",
		},
		"cost of counts": {
			`{` + each(10, `a#:configs(first:1){totalCount}`) + `}`,
			`{` + each(5, `a#:configs(first:1,contains:"a"){totalCount}`) + `}`,
			"the operation costs more than 50000",
		},
		"cost of counts of differences": {
			`{` + each(4, `a#:diff(from:{time:"2999-01-01T00:00:00Z"}){totalCount}`) + `}`,
			`{` + each(5, `a#:diff(from:{time:"2999-01-01T00:00:00Z"}){totalCount}`) + `}`,
			"the operation costs more than 50000",
		},
		"cost of reverts": {
			// 1 + 1000 × (1 + 20 + 1 + 1)
			`mutation{revertChangeSet(input:{changeSet:"0-00000000"}){...on ConfigsChanged{revisions{config{asOf(at:{time:"2999-01-01T00:00:00Z"}){value}}}}` +
				` ...on ChangesRejected{failures:errors{` + strings.Repeat("code ", 20) + ` ...on StaleError{current{version}} ...on RevertConflictError{current{version} change{version}}}}}}`,
			`mutation{revertChangeSet(input:{changeSet:"0-00000000"}){...on ConfigsChanged{revisions{config{` + each(3, `a#:asOf(at:{time:"2999-01-01T00:00:00Z"}){value}`) + `}}}}}`,
			"the operation costs more than 50000",
		},
		"cost of change sets": {
			`mutation{applyConfigs(input:{dryRun:true,changes:[` + each(10, `{set:{name:"n#",value:"1"}}`) + `]}){...on ConfigsChanged{revisions{config{history(first:500){nodes{version}}}}}}}`,
			`mutation{applyConfigs(input:{dryRun:true,changes:[` + each(100, `{set:{name:"n#",value:"1"}}`) + `]}){...on ConfigsChanged{revisions{config{history(first:500){nodes{version}}}}}}}`,
			"the operation costs more than 50000",
		},
		"cost of the changes of differences": {
			// 20 + 100 × (1 + 20 + 20 × 20)
			`{diff(from:{time:"2999-01-01T00:00:00Z"}){nodes{changes{` + strings.Repeat("version ", 20) + `}}}}`,
			`{diff(from:{time:"2999-01-01T00:00:00Z"},first:500){nodes{changes{` + strings.Repeat("version ", 5) + `}}}}`,
			"the operation costs more than 50000",
		},
		"names": {
			`{` + strings.Repeat("a", 128) + `:bounds{head}}`,
			`{` + strings.Repeat("a", 129) + `:bounds{head}}`,
			"a name or a number in the document has more than 128 bytes",
		},
		"numbers": {
			`{configs(first:1,filter:{prefix:"` + strings.Repeat("1", 200) + `"}){totalCount}} #` + strings.Repeat("1", 200),
			`{configs(first:` + strings.Repeat("1", 129) + `){totalCount}}`,
			"a name or a number in the document has more than 128 bytes",
		},
		"operations": {
			`{bounds{head}}`,
			each(11, `query q#{bounds{head}}`),
			"the document has more than 10 operations",
		},
		"cost by defaults": {
			`{configs{nodes{history{nodes{version value operation}}}}}`,
			`{configs{nodes{history{nodes{` + each(29, `a#:version`) + `} edges{node{` + strings.Repeat(`version value operation id name reason actor oldValue changeSet committedAt `, 2) + `} cursor}}}}}`,
			"the operation costs more than 50000",
		},
		"cost in fragments": {
			`{...F} fragment F on Query{configs(first:200){nodes{...G}}} fragment G on Config{history(first:100){nodes{version}}}`,
			`{...F} fragment F on Query{configs(first:500){nodes{...G}}} fragment G on Config{history(first:100){nodes{version}}}`,
			"the operation costs more than 50000",
		},
		"cost of introspection": {
			`{__schema{types{fields{args{type{name}}}}}}`,
			`{__schema{types{` + each(10, `a#:fields{`+each(2, `b#:args{type{interfaces{name}}}`)+`}`) + `}}}`,
			"the operation costs more than 50000",
		},
		"tokens": {
			`{bounds{head}}#` + strings.Repeat("head ", 3000),
			`query(` + each(500, `$a#:Int=1`) + `){bounds{head}}`,
			"exceeded token limit of 2000",
		},
	} {
		t.Run(name, func(t *testing.T) {
			if got := a.MustPost(t, row.within, nil); strings.Contains(got, `"errors"`) {
				t.Errorf("%s: got %s", row.within, got)
			}
			a.wantRefused(t, row.beyond, nil, "LIMIT_EXCEEDED", row.says)
			// Also when it may be cached.
			a.wantRefused(t, row.beyond, nil, "LIMIT_EXCEEDED", row.says)
		})
	}
	if a.head() != a.at(t, 11) {
		t.Errorf("something was written: the head is %s", a.head())
	}
}

// TestDepth asks for fields that do not exist: this schema does not nest to the limit.
func TestDepth(t *testing.T) {
	a := MustStart(t)
	a.want(t, `{asOf(at:{time:"2026-01-01T00:00:00Z"}){configs{edges{node{id}}}}}`, nil, `{"data":{"asOf":{"configs":{"edges":[]}}}}`)
	a.want(t, `{configs{edges{node{history{edges{node{id}}}}}}}`, nil, `{"data":{"configs":{"edges":[]}}}`)

	const deep = "an operation has fields more than 12 deep"
	if got := a.MustPost(t, nest("a", 13), nil); !strings.Contains(got, deep) {
		t.Errorf("got %s", got)
	}
	if got := a.MustPost(t, nest("a", 12), nil); strings.Contains(got, deep) || !strings.Contains(got, "Cannot query field") {
		t.Errorf("got %s", got)
	}
}

// TestCostOfVariables checks that the cost depends on the variables of each request, also when the
// document is cached.
func TestCostOfVariables(t *testing.T) {
	a := MustStart(t)
	const doc = `query($first:Int=500,$other:Int){configs(first:$first){nodes{history(first:$other){nodes{version}}}}}`
	const most = "the operation costs more than 50000"
	for _, row := range []struct {
		variables vars
		refused   bool
	}{
		{vars{"first": 10, "other": 10}, false},
		{vars{"first": 500, "other": 500}, true},
		{vars{"first": 10, "other": 500}, false},
		{vars{"other": 10}, false},                // 500, by the document
		{vars{"other": 100}, true},                // 500, by the document
		{vars{"first": nil, "other": 100}, false}, // 50, by the schema
		{vars{"first": 500}, false},               // 20, by the schema
		{vars{"first": 500, "other": nil}, false},
	} {
		got := a.MustPost(t, doc, row.variables)
		if refused := strings.Contains(got, most); refused != row.refused || refused == strings.Contains(got, `"data"`) {
			t.Errorf("%v: got %s", row.variables, got)
		}
	}
	// A page that is too large is refused for that.
	for _, first := range []any{0, -5, 501, 2147483647} {
		a.wantRefused(t, `query($first:Int){configs(first:$first){nodes{id}}}`, vars{"first": first}, "INVALID_INPUT", "it must be 1 to 500")
	}
}

// TestLimitsTakeLinearTime has documents that would keep the server busy for a second, or for ever,
// if fragments were walked at each use.
func TestLimitsTakeLinearTime(t *testing.T) {
	a := MustStart(t)
	for name, row := range map[string]struct{ doc, code string }{
		"fragments that double aliases":   {doubling(60, "x:id"), "LIMIT_EXCEEDED"},
		"fragments that double cost":      {doubling(60, "id"), "LIMIT_EXCEEDED"},
		"fragments that double and cycle": {doubling(60, "...f0"), "GRAPHQL_VALIDATION_FAILED"},
		"fragment in itself":              {`{...F} fragment F on Query{bounds{head} ...F}`, "GRAPHQL_VALIDATION_FAILED"},
		"cycle with depth":                {`{configs{...F}} fragment F on ConfigConnection{edges{...G}} fragment G on ConfigEdge{node{...H}} fragment H on Config{history{...F}}`, "GRAPHQL_VALIDATION_FAILED"},
		"unknown fragment":                {`{...F}`, "GRAPHQL_VALIDATION_FAILED"},
		"one fragment twice":              {`{...F} fragment F on Query{bounds{head}} fragment F on Query{bounds{` + strings.Repeat("head ", 250) + `}}`, "LIMIT_EXCEEDED"},
		"unused fragment":                 {`{bounds{head}} fragment F on Query{bounds{` + strings.Repeat("head ", 250) + `}}`, "LIMIT_EXCEEDED"},
		"fields by the thousand":          {`{bounds{` + strings.Repeat("head ", 1990) + `}}`, "LIMIT_EXCEEDED"},
		"names by the thousand":           {`{` + strings.Repeat("__typename ", 1990) + `}`, "LIMIT_EXCEEDED"},
		"tree of fields":                  {`{` + strings.Repeat("bounds{"+strings.Repeat("head ", 40)+"}", 45) + `}`, "LIMIT_EXCEEDED"},
		"braces":                          {strings.Repeat("{a", 999) + strings.Repeat("}", 999), "LIMIT_EXCEEDED"},
		"brackets":                        {`{configs(filter:{names:` + strings.Repeat("[", 1500) + strings.Repeat("]", 1500) + `}){totalCount}}`, "LIMIT_EXCEEDED"},
		"directives":                      {`{bounds ` + strings.Repeat("@x", 500) + `{head}}`, "GRAPHQL_VALIDATION_FAILED"},
		"known directives":                {`{bounds ` + strings.Repeat("@skip(if:false)", 200) + `{head}}`, "GRAPHQL_VALIDATION_FAILED"},
	} {
		got := a.MustPost(t, row.doc, nil)
		if n := strings.Count(got, `"message"`); n < 1 || n > 10 || !strings.Contains(got, `"code":"`+row.code+`"`) || strings.Contains(got, `"data"`) {
			t.Errorf("%s: %d errors, want code %s: %.2000s", name, n, row.code, got)
		}
	}
}

// TestToolsIntrospect sends the introspection query of common tools.
func TestToolsIntrospect(t *testing.T) {
	a := MustStart(t)
	query, err := os.ReadFile("testdata/introspection.graphql")
	if err != nil {
		t.Fatal(err)
	}
	if got := a.MustPost(t, string(query), nil); strings.Contains(got, `"errors":[`) {
		t.Errorf("got %.2000s", got)
	}
}
