package auth_test

import (
	"testing"

	"configapi/internal/auth"
	"configapi/internal/config"
)

func TestContext(t *testing.T) {
	if got := auth.FromContext(t.Context()); got != auth.Anonymous {
		t.Errorf("without a caller: got %+v", got)
	}
	want := auth.Caller{Name: "ci", Grants: mustGrants(t, grant("app", auth.Read))}
	if got := auth.FromContext(auth.NewContext(t.Context(), want)); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	// A caller without grants is one that may do nothing, not an anonymous one.
	if got := auth.FromContext(auth.NewContext(t.Context(), auth.Caller{})); got.May(auth.Read, config.Name{}) {
		t.Errorf("a caller without grants: got %+v", got)
	}
}
