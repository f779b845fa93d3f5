package requestid_test

import (
	"context"
	"net/http"
	"testing"

	"configapi/internal/requestid"
)

func TestTheContextCarriesTheID(t *testing.T) {
	var slot requestid.Slot
	ctx, cancel := context.WithCancel(requestid.With(t.Context(), &slot))
	defer cancel()
	if got := requestid.From(ctx); got != "" {
		t.Errorf("got %q before the first request", got)
	}
	for _, id := range []string{"a-1", "a-2"} {
		slot.Set(&id)
		if got := requestid.From(ctx); got != id {
			t.Errorf("got %q, want %q", got, id)
		}
	}
	if got := requestid.From(t.Context()); got != "" {
		t.Errorf("got %q from a context without a slot", got)
	}
}

func TestTheHeaderIsCanonical(t *testing.T) {
	if want := http.CanonicalHeaderKey(requestid.Header); requestid.Header != want {
		t.Errorf("got %q, want %q: headers are set without looking", requestid.Header, want)
	}
}
