package graph

import (
	"errors"
	"testing"

	"configapi/graph/transport/gqlws"
	"configapi/internal/attempts"
	"configapi/internal/auth"
	"configapi/internal/fault"
)

// TestRefusalsFitACloseFrame shows that clients of websockets get the whole sentence that says why
// they are refused. A close frame has 123 bytes for it.
func TestRefusalsFitACloseFrame(t *testing.T) {
	const most = 123
	for _, cause := range []error{
		auth.ErrMalformed, auth.ErrNotValid, auth.ErrNoToken, auth.ErrRevoked, auth.ErrExpired, auth.ErrChanged,
		fault.ErrNotReady, fault.ErrRebuilding, fault.ReadFailed(errors.New("x")), fault.ReadFailed(fault.ErrBroken),
		fault.ReadFailed(fault.ErrTooManyUnknown), fault.ReadFailed(fault.ErrRightsTooOld),
	} {
		refused, is := errors.AsType[*gqlws.CloseError](refusal(cause))
		if !is || refused.Reason == "" || len(refused.Reason) > most {
			t.Errorf("%v: got %v, want a reason of %d bytes at most", cause, refused, most)
		}
	}
	if len(attempts.Message) > most {
		t.Errorf("%q has more than %d bytes", attempts.Message, most)
	}
}
