package configstore_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"configapi/internal/accesstest"
	"configapi/internal/auth"
	"configapi/internal/configstore"
)

// TestEntryPoints compares the exported methods of the config store with docs/access.md. A method
// of the store itself that takes a right takes the caller.
func TestEntryPoints(t *testing.T) {
	var entries []string
	takesCaller := make(map[string]bool)
	caller := reflect.TypeFor[auth.Caller]()
	for _, of := range []reflect.Type{
		reflect.TypeFor[*configstore.Store](), reflect.TypeFor[*configstore.Reader](), reflect.TypeFor[*configstore.Snapshot](),
		reflect.TypeFor[*configstore.OldValues](), reflect.TypeFor[*configstore.Watch](), reflect.TypeFor[*configstore.ConfigWatch](),
	} {
		for method := range of.Methods() {
			entry := of.Elem().Name() + "." + method.Name
			entries = append(entries, entry)
			for in := range method.Type.Ins() {
				takesCaller[entry] = takesCaller[entry] || in == caller
			}
		}
	}
	for entry, row := range accesstest.Check(t, "Config store", entries) {
		if strings.HasPrefix(entry, "Store.") && len(row.Takes) > 0 && !takesCaller[entry] {
			t.Errorf("%s takes %v, and no caller", entry, row.Takes)
		}
	}
}

// TestNoEntryPointDropsTheCaller reads the source of the config store: a function that has a caller
// uses it.
func TestNoEntryPointDropsTheCaller(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, name := range files {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, declaration := range file.Decls {
			f, is := declaration.(*ast.FuncDecl)
			if !is || strings.HasSuffix(name, "_test.go") {
				continue
			}
			for _, parameter := range f.Type.Params.List {
				if selector, is := parameter.Type.(*ast.SelectorExpr); !is || selector.Sel.Name != "Caller" {
					continue
				}
				found++
				if len(parameter.Names) != 1 || !uses(f.Body, parameter.Names[0].Name) {
					t.Errorf("%s drops its caller", f.Name.Name)
				}
			}
		}
	}
	if found < 10 {
		t.Errorf("only %d functions have a caller", found)
	}
}

// uses reports whether a body has an identifier.
func uses(body *ast.BlockStmt, name string) (used bool) {
	ast.Inspect(body, func(n ast.Node) bool {
		id, is := n.(*ast.Ident)
		used = used || is && id.Name == name && name != "_"
		return true
	})
	return used
}
