package document

import (
	"strings"
	"testing"

	"github.com/99designs/gqlgen/graphql"

	"configapi/graph/generated"
)

var schema = generated.NewExecutableSchema(generated.Config{}).Schema()

// TestValidationEndsEarly has more mistakes than are looked for. The transports cut the list, too,
// but only after all of its errors are written out.
func TestValidationEndsEarly(t *testing.T) {
	op := graphql.OperationContext{RawQuery: `{bounds{` + strings.Repeat("a b ", 90) + `}}`}
	if errs := New(schema, Options{}).Check(&op, nil); len(errs) != maxErrors {
		t.Errorf("got %d errors, want %d", len(errs), maxErrors)
	}
}

// TestDepth has a lower limit than servers have: fields of the schema hardly nest to that depth.
func TestDepth(t *testing.T) {
	c := New(schema, Options{})
	c.limits.depth = 5
	for doc, within := range map[string]bool{
		`{asOf(at:{time:"2026-01-01T00:00:00Z"}){configs{edges{node{id}}}}}`:                                                          true,
		`{configs{edges{node{history{edges{node{id}}}}}}}`:                                                                            false,
		`{...F} fragment F on Query{configs{edges{...G}}} fragment G on ConfigEdge{...on ConfigEdge{node{history{edges{node{id}}}}}}`: false,
		`{__type(name:"Int"){ofType{ofType{ofType{ofType{ofType{ofType{name}}}}}}}}`:                                                  true,
	} {
		errs := c.Check(&graphql.OperationContext{RawQuery: doc}, nil)
		const message = "an operation has fields more than 5 deep"
		switch {
		case within && len(errs) > 0:
			t.Errorf("%s: got %v", doc, errs)
		case !within && (len(errs) != 1 || errs[0].Message != message || errs[0].Extensions["code"] != "LIMIT_EXCEEDED"):
			t.Errorf("%s: got %v, want %q", doc, errs, message)
		}
	}
}
