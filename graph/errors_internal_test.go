package graph

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"reflect"
	"testing"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"configapi/internal/edgetest"
	"configapi/internal/fault"
)

// TestAllKinds presents an error of each kind, as resolvers return it and as gqlgen wraps it.
func TestAllKinds(t *testing.T) {
	p := presenter{func(context.Context) string { return "" }, func(context.Context, error) {}, slog.New(slog.NewTextHandler(io.Discard, nil))}
	for _, failure := range edgetest.Errors() {
		for _, err := range []error{
			failure.Err,
			fmt.Errorf("wrapped: %w", failure.Err),
			gqlerror.WrapPath(ast.Path{ast.PathName("config")}, failure.Err),
		} {
			if got, want := p.present(t.Context(), err), failure.Kind.Code(); got.Extensions["code"] != want {
				t.Errorf("%v: got %v, want %s", err, got.Extensions, want)
			}
		}
	}
}

// TestExpectedFailures checks that failures for which the schema has a type are data, with the same
// codes.
func TestExpectedFailures(t *testing.T) {
	for _, expected := range edgetest.Errors() {
		data := userError(expected.Err, []string{"name"}, nil)
		switch expected.Kind {
		case fault.Internal, fault.PositionNotReached, fault.Unauthenticated, fault.Unavailable:
			if data != nil {
				t.Errorf("%v: got %+v, want it to be an error", expected.Err, data)
			}
		default:
			if got, want := reflect.ValueOf(data).FieldByName("Code").String(), expected.Kind.Code(); got != want {
				t.Errorf("%v: got %s, want %s", expected.Err, got, want)
			}
		}
	}
}
