package httpd

import (
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"strconv"
	"strings"
	"testing"

	"configapi/internal/accesstest"
)

// TestEntryPoints compares the paths that the source of the server names with docs/access.md.
func TestEntryPoints(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "route.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var entries []string
	ast.Inspect(file, func(n ast.Node) bool {
		literal, is := n.(*ast.BasicLit)
		if !is || literal.Kind != token.STRING {
			return true
		}
		path, err := strconv.Unquote(literal.Value)
		if err == nil && len(path) > 1 && strings.HasPrefix(path, "/") && path != "/v1" && !slices.Contains(entries, path) {
			entries = append(entries, path)
		}
		return true
	})
	for entry, row := range accesstest.Check(t, "Server", entries) {
		if row.Takes != nil {
			t.Errorf("%s takes %v, which the server does not decide", entry, row.Takes)
		}
	}
}
