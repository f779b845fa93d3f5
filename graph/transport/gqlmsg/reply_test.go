package gqlmsg

import (
	"net/http"
	"testing"

	"github.com/vektah/gqlparser/v2/gqlerror"
)

func TestStatusOfCodes(t *testing.T) {
	for code, want := range map[string]int{
		"FORBIDDEN": 403, "UNAVAILABLE": 503, "INTERNAL": 500, "SOMETHING_ELSE": 400, "LIMIT_EXCEEDED": 400,
	} {
		errs := gqlerror.List{{Message: "no", Extensions: map[string]any{"code": code}}}
		if got := MediaResponse.StatusOf(errs); got != want {
			t.Errorf("%s: got %d, want %d", code, got, want)
		}
		if got := MediaJSON.StatusOf(errs); got != http.StatusOK {
			t.Errorf("%s as application/json: got %d, want 200", code, got)
		}
	}
}
