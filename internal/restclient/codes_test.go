package restclient_test

import (
	"testing"

	"configapi/client/rest"
	"configapi/internal/fault"
)

// TestCodes holds the codes that the client's module repeats against those of the server.
func TestCodes(t *testing.T) {
	for got, kind := range map[string]fault.Kind{
		rest.CodeInternal: fault.Internal, rest.CodeInvalidInput: fault.InvalidInput, rest.CodeNotFound: fault.NotFound,
		rest.CodeDeleted: fault.Deleted, rest.CodeNotDeleted: fault.NotDeleted, rest.CodeVersionConflict: fault.VersionConflict,
		rest.CodePositionUnknown: fault.PositionUnknown, rest.CodePositionNotReached: fault.PositionNotReached,
		rest.CodeIdempotencyMismatch: fault.IdempotencyMismatch, rest.CodeStale: fault.Stale, rest.CodeRevertConflict: fault.RevertBlocked,
		rest.CodeErased: fault.Erased, rest.CodeForbidden: fault.Denied, rest.CodeUnauthenticated: fault.Unauthenticated,
		rest.CodeUnavailable: fault.Unavailable, rest.CodeLimitExceeded: fault.LimitExceeded, rest.CodeRateLimited: fault.RateLimited,
	} {
		if got != kind.Code() {
			t.Errorf("got %s, want %s", got, kind.Code())
		}
	}
}
