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
	for section, source := range map[string]string{"Server": "route.go", "Admin socket": "admin.go"} {
		for entry, row := range accesstest.Check(t, section, pathsIn(t, source)) {
			if row.Takes != nil {
				t.Errorf("%s takes %v, which the server does not decide", entry, row.Takes)
			}
		}
	}
}

// pathsIn returns the paths that a source file names.
func pathsIn(t *testing.T, source string) (paths []string) {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), source, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(file, func(n ast.Node) bool {
		literal, is := n.(*ast.BasicLit)
		if !is || literal.Kind != token.STRING {
			return true
		}
		path, err := strconv.Unquote(literal.Value)
		if err == nil && len(path) > 1 && strings.HasPrefix(path, "/") && path != "/v1" && !slices.Contains(paths, path) {
			paths = append(paths, path)
		}
		return true
	})
	return paths
}
