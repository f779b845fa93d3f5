package graph

import (
	"strings"
	"testing"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
)

// TestValidationEndsEarly has more mistakes than are looked for. The transports cut the list, too,
// but only when all of it is written out.
func TestValidationEndsEarly(t *testing.T) {
	d := documents{schema: executable(&resolver{}).Schema(), cache: graphql.NoCache[*ast.QueryDocument]{}}
	d.limits.setDefaults()
	if _, errs := d.parse(t.Context(), `{bounds{`+strings.Repeat("a b ", 90)+`}}`); len(errs) != maxDocumentErrors {
		t.Errorf("got %d errors, want %d", len(errs), maxDocumentErrors)
	}
}
