package rest_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestNoFlagsInTexts holds the texts of the module to what a program that uses it has: it has no
// flags of the command line, and not its environment.
func TestNoFlagsInTexts(t *testing.T) {
	foreign := regexp.MustCompile(`(^|[^-])--[a-z]|CONFIGAPI_`)
	files := token.NewFileSet()
	texts := 0
	err := filepath.WalkDir("..", func(path string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		file, err := parser.ParseFile(files, path, nil, 0)
		if err != nil {
			return err
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if text, is := n.(*ast.BasicLit); is && text.Kind == token.STRING {
				texts++
				if foreign.MatchString(text.Value) {
					t.Errorf("%s: %s", files.Position(text.Pos()), text.Value)
				}
			}
			return true
		})
		return nil
	})
	if err != nil || texts == 0 {
		t.Fatalf("got %d texts, %v", texts, err)
	}
}
