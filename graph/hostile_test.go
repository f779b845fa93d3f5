package graph_test

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// hostileDocuments would each keep a server busy for seconds, or fill its memory, if the limits
// were checked after GraphQL's rules, if a rule made suggestions, or if it wrote out every error.
func hostileDocuments() map[string]string {
	long, name := strings.Repeat("x", 300_000), strings.Repeat("y", 120)
	value := strings.Repeat("z", 1_000_000)
	ring := `{...` + name + `0}`
	for i := range 180 {
		ring += fmt.Sprintf(" fragment %s%d on Query{...%s%d ...%s0}", name, i, name, (i+1)%180, name)
	}
	chain := `{...f0}`
	for i := range 240 {
		chain += fmt.Sprintf(" fragment f%d on Query{...f%d}", i, i+1)
	}
	return map[string]string{
		"operations with one long name":    each(320, `query a#{...F}`) + `fragment F on Query{` + long + `}`,
		"long enum value":                  `{config(name:"a",consistency:` + long + `){name}}`,
		"long input field":                 `{configs(filter:{` + long + `:1}){totalCount}}`,
		"long argument":                    `{configs(` + long + `:1){totalCount}}`,
		"long directive":                   `{bounds @` + long + `{head}}`,
		"long type":                        `{...on ` + long + `{head}}`,
		"long variable":                    `query($` + long + `:Int){bounds{head}}`,
		"long number":                      `{configs(first:` + strings.Repeat("9", 1_000_000) + `){totalCount}}`,
		"many input fields":                `{configs(filter:{` + each(600, name+"#:1") + `}){totalCount}}`,
		"many arguments":                   `{configs(` + each(600, name+"#:1") + `){totalCount}}`,
		"many directives":                  `{bounds ` + each(900, "@"+name+"#") + `{head}}`,
		"many fields":                      `{configs{nodes{` + each(1900, name+"#") + `}}}`,
		"many variables":                   `query(` + each(480, "$"+name+"#:Int") + `){bounds{head}}`,
		"many variables of unknown types":  `query(` + each(400, "$v#:"+name+"#") + `){bounds{head}}`,
		"many undefined variables":         `{configs(filter:{names:[` + each(900, "$v#") + `]}){totalCount}}`,
		"ring of fragments":                ring,
		"chain of fragments with no end":   chain,
		"value that is written out often":  `query($x:` + strings.Repeat("[", 400) + "Int" + strings.Repeat("]", 400) + `=` + strings.Repeat("[", 300) + `"` + value + `" 99999999999` + strings.Repeat("]", 300) + `){bounds{head}}`,
		"many values that are written out": `{` + each(9, `a#:configs(first:"`+value+`"){totalCount}`) + `}`,
		"lists within lists":               `{configs(filter:{names:` + strings.Repeat("[", 990) + strings.Repeat("]", 990) + `}){totalCount}}`,
		"comments":                         strings.Repeat("#\n", 300_000) + `{bounds}`,
		"commas":                           `{` + strings.Repeat(",", 3_000_000) + `bounds}`,
		"string without an end":            `{configs(filter:{prefix:"` + value,
		"block string without an end":      `{configs(filter:{prefix:"""` + strings.Repeat(`""\`, 1_000_000),
	}
}

// TestHostileDocuments checks that each is refused soon and with few errors. The time is far above
// what any machine needs, and far below what the documents take when they are checked in another
// order.
func TestHostileDocuments(t *testing.T) {
	a := MustStart(t)
	for name, doc := range hostileDocuments() {
		start := time.Now()
		got := a.MustPost(t, doc, nil)
		if took := time.Since(start); took > 20*time.Second { // without the limits it is minutes
			t.Errorf("%s: it took %v", name, took)
		}
		if n := strings.Count(got, `"message"`); n < 1 || n > 10 || len(got) > 20_000 || strings.Contains(got, `"data"`) || strings.Contains(got, "Did you mean") {
			t.Errorf("%s: %d errors in %d bytes: %.500s", name, n, len(got), got)
		}
	}
}

// TestNoSuggestions has names that are similar to names of the schema.
func TestNoSuggestions(t *testing.T) {
	a := MustStart(t)
	for _, doc := range []string{
		`{confi{name}}`, `{configs(frst:1){totalCount}}`, `{configs(filter:{prefi:"a"}){totalCount}}`, `{config(name:"a",consistency:LOCA){name}}`,
		`{config(name:"a",consistency:"LOCA"){name}}`, `{...on Quer{bounds{head}}}`, `query($c:Consistenc){bounds{head}}`, `{bounds}`, `{bounds @skp(if:true){head}}`,
		`{bounds @skip(f:true){head}}`, `mutation{setConfg(input:{name:"a",value:"b"}){__typename}}`,
	} {
		got := a.MustPost(t, doc, nil)
		if !strings.Contains(got, "GRAPHQL_VALIDATION_FAILED") || strings.Contains(got, "mean") || strings.Contains(got, `{ ... }`) {
			t.Errorf("%s: got %s", doc, got)
		}
	}
}
