package document

import (
	"fmt"
	"strings"
	"testing"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
)

// TestKnownDocumentsAreNotParsedAgain checks that a text that has passed once gives the same
// document.
func TestKnownDocumentsAreNotParsedAgain(t *testing.T) {
	c := New(schema, Options{})
	check := func(text string) *ast.QueryDocument {
		op := graphql.OperationContext{RawQuery: text}
		_ = c.Check(&op, nil)
		return op.Doc
	}
	if first := check(`{configs{nodes{name}}}`); first == nil || check(`{configs{nodes{name}}}`) != first {
		t.Error("the document was parsed again")
	}
	for _, refused := range []string{`{`, `{nonsense}`, `{` + strings.Repeat("configs{nodes{name}}", 11) + `}`} {
		if check(refused); c.cache.get(refused) != nil {
			t.Errorf("%.40s is kept", refused)
		}
	}
	long := `{configs{nodes{name}}} #` + strings.Repeat(".", maxCachedDocument)
	if check(long); c.cache.get(long) != nil {
		t.Error("a long document is kept")
	}
}

// TestCacheIsBoundedInBytes fills a cache: what was asked for last stays.
func TestCacheIsBoundedInBytes(t *testing.T) {
	text := func(i int) string { return fmt.Sprintf("{n%03d}", i) }
	size := sizeOf(text(0))
	c := newCache(10 * size)
	for i := range 100 {
		c.add(text(i), new(checked))
		c.add(text(i), new(checked)) // counts once
		if c.get(text(0)) == nil {
			t.Fatalf("the first document, which was used all the time, is gone after %d more", i)
		}
		if c.bytes > c.maxBytes || c.bytes != c.documents.Len()*size {
			t.Fatalf("%d documents of %d bytes count %d", c.documents.Len(), size, c.bytes)
		}
	}
	if c.documents.Len() != 10 || c.get(text(99)) == nil || c.get(text(90)) != nil {
		t.Errorf("got %d documents, want the first and the last nine", c.documents.Len())
	}
	if c.add(strings.Repeat("a ", 10*wordBytes), new(checked)); c.bytes > c.maxBytes {
		t.Errorf("a document that is larger than the cache counts %d bytes", c.bytes)
	}
}

// TestCostOfKnownDocuments sends documents again with other variables: those whose cost depends on
// variables are counted each time.
func TestCostOfKnownDocuments(t *testing.T) {
	c := New(schema, Options{})
	pages := `{configs(first:$n){nodes{name history(first:$n){nodes{version}}}}}`
	sets := `{applyConfigs(input:$i){...on ConfigsChanged{revisions{` + strings.Repeat("...on ConfigRevision{oldValue}", 60) + `}}}}`
	changes := func(n int) map[string]any {
		list := make([]any, n)
		for i := range list {
			list[i] = map[string]any{"delete": map[string]any{"name": "a"}}
		}
		return map[string]any{"i": map[string]any{"changes": list}}
	}
	for _, row := range []struct {
		text      string
		variables map[string]any
		within    bool
	}{
		{`query($n:Int!)` + pages, map[string]any{"n": int64(10)}, true},
		{`query($n:Int!)` + pages, map[string]any{"n": int64(500)}, false},
		{`query($n:Int!)` + pages, map[string]any{"n": int64(10)}, true},
		{`query($n:Int=500)` + pages, nil, false},
		{`query($n:Int=500)` + pages, map[string]any{"n": int64(10)}, true},
		{strings.ReplaceAll(pages, "$n", "500"), nil, false},
		{strings.ReplaceAll(pages, "$n", "10"), nil, true},
		{`mutation($i:ApplyConfigsInput!)` + sets, changes(1), true},
		{`mutation($i:ApplyConfigsInput!)` + sets, changes(1000), false},
		{`mutation($i:ApplyConfigsInput!)` + sets, changes(1), true},
	} {
		op := graphql.OperationContext{RawQuery: row.text}
		if errs := c.Check(&op, row.variables); (len(errs) == 0) != row.within {
			t.Errorf("%.60s: got %v, want it to be within the limits: %t", row.text, errs, row.within)
		}
	}
}

// TestKnownOperations has three operations in one document, and another document that drops it.
func TestKnownOperations(t *testing.T) {
	calls := 0
	c := New(schema, Options{Prepare: func(op *ast.OperationDefinition) any {
		calls++
		return "prepared " + op.Name
	}})
	op := graphql.OperationContext{OperationName: "A", RawQuery: `query A{configs{nodes{name}}}` +
		`query B($n:Int){configs(first:$n){nodes{name}}}` + `query C{configs(first:500){nodes{history(first:500){nodes{version}}}}}`}
	if errs := c.Check(&op, nil); len(errs) > 0 {
		t.Fatal(errs)
	}
	for name, affordable := range map[string]bool{"A": true, "B": false, "C": false} {
		operation := op.Doc.Operations.ForName(name)
		if got, has := c.cache.operation(operation); !has || got.affordable != affordable {
			t.Errorf("%s: got %t, want %t", name, got.affordable, affordable)
		}
		if got := c.Prepared(operation); got != "prepared "+name || calls != 3 {
			t.Errorf("%s: got %v after %d calls, want 3", name, got, calls)
		}
	}
	c.cache.maxBytes = sizeOf(op.RawQuery)
	if errs := c.Check(&graphql.OperationContext{RawQuery: `{configs{nodes{name}}}`}, nil); len(errs) > 0 {
		t.Fatal(errs)
	}
	if got := c.Prepared(op.Operation); got != "prepared A" || calls != 5 || len(c.cache.operations) != 1 {
		t.Errorf("got %v after %d calls, and %d operations are kept, want 1", got, calls, len(c.cache.operations))
	}
}
