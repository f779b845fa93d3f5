package requestid_test

import (
	"context"
	"net/http"
	"testing"

	"configapi/internal/requestid"
)

func TestTheContextCarriesTheID(t *testing.T) {
	type other struct{}
	ctx, cancel := context.WithCancel(requestid.With(context.WithValue(t.Context(), other{}, "x"), "a-1"))
	defer cancel()
	if ctx.Value(other{}) != "x" {
		t.Error("the context has lost another value")
	}
	if got := requestid.From(ctx); got != "a-1" {
		t.Errorf("got %q, want a-1", got)
	}
	if got := requestid.From(t.Context()); got != "" {
		t.Errorf("got %q from a context without an id", got)
	}
}

func TestTheHeaderIsCanonical(t *testing.T) {
	if want := http.CanonicalHeaderKey(requestid.Header); requestid.Header != want {
		t.Errorf("got %q, want %q: headers are set without looking", requestid.Header, want)
	}
}
