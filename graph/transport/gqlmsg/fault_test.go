package gqlmsg

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
)

func TestRequestErrorsAreCut(t *testing.T) {
	long := strings.Repeat("é", 1000)
	original := &gqlerror.Error{Message: "x" + long, Path: ast.Path{ast.PathName("variable"), ast.PathIndex(1), ast.PathName(long), ast.PathName("a")}}
	got := RequestErrors(nil, gqlerror.List{original})[0]
	if want := "x" + strings.Repeat("é", 255) + "…"; got.Message != want {
		t.Errorf("got a message of %d bytes, want %d", len(got.Message), len(want))
	}
	if diff := cmp.Diff(ast.Path{ast.PathName("variable"), ast.PathIndex(1)}, got.Path); diff != "" {
		t.Errorf("path (-want +got)\n%s", diff)
	}
	if len(original.Message) != 2001 || len(original.Path) != 4 {
		t.Error("the original was changed")
	}
}
