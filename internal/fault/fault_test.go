package fault_test

import (
	"context"
	"errors"
	"testing"

	"configapi/internal/auth"
	"configapi/internal/config"
	"configapi/internal/eventstore"
	"configapi/internal/fault"
)

func TestKinds(t *testing.T) {
	_, name := config.ParseName("")
	_, value := config.ParseValue("12", 1)
	for _, test := range []struct {
		err  error
		want fault.Kind
	}{
		{nil, fault.Internal},
		{errors.New("anything else"), fault.Internal},
		{name, fault.InvalidInput},
		{value, fault.TooLarge},
		{config.ErrNotFound, fault.NotFound},
		{config.ErrDeleted, fault.Deleted},
		{config.ErrNotDeleted, fault.NotDeleted},
		{&config.VersionConflictError{}, fault.VersionConflict},
		{config.ErrRevisionConflict, fault.VersionConflict},
		{fault.ErrPositionUnknown, fault.PositionUnknown},
		{fault.ErrPositionNotReached, fault.PositionNotReached},
		{fault.ErrIdempotencyMismatch, fault.IdempotencyMismatch},
		{fault.ErrStale, fault.Stale},
		{fault.ErrErased, fault.Erased},
		{&fault.RevertConflict{}, fault.RevertBlocked},
		{&fault.ForbiddenError{Action: auth.Read}, fault.Denied},
		{&fault.Rejection{Failures: []fault.Failure{{Err: fault.ErrStale}, {Err: name}}}, fault.Stale},
		{&fault.Rejection{Failures: []fault.Failure{{Err: name}, {Err: fault.ErrStale}}}, fault.InvalidInput},
		{auth.ErrTokenNotFound, fault.NotFound},
		{&auth.TokenConflictError{Current: &auth.Token{}}, fault.VersionConflict},
		{auth.ErrMalformed, fault.Unauthenticated},
		{auth.ErrNotValid, fault.Unauthenticated},
		{auth.ErrNoToken, fault.Unauthenticated},
		{auth.ErrRevoked, fault.Unauthenticated},
		{auth.ErrExpired, fault.Unauthenticated},
		{auth.ErrChanged, fault.Denied},
		{fault.ReadFailed(fault.ErrTooManyUnknown), fault.Unavailable},
		{fault.OutcomeUnknown(fault.ErrTokenUnknown), fault.Unavailable},
		{fault.ErrNotReady, fault.Unavailable},
		{fault.ErrRebuilding, fault.Unavailable},
		{&fault.UnavailableError{}, fault.Unavailable},
		{&fault.UnavailableError{Cause: config.ErrNotFound}, fault.Unavailable},
		{fault.ReadFailed(eventstore.ErrBusy), fault.Unavailable},
		{fault.NotWritten(fault.ErrClockAhead), fault.Unavailable},
		{fault.OutcomeUnknown(eventstore.ErrReplaced), fault.Unavailable},
		{context.Canceled, fault.Unavailable},
		{context.DeadlineExceeded, fault.Unavailable},
	} {
		err := test.err
		for range 2 {
			if got := fault.KindOf(err); got != test.want {
				t.Errorf("%v: got kind %d, want %d", err, got, test.want)
			}
			if err != nil {
				err = &fault.Refusal{Reason: err} // a wrapped error has the same kind
			}
		}
	}
}

// TestUnavailable shows what the errors of an unavailable store say, and that they do not say the
// cause unless clients can do something about it.
func TestUnavailable(t *testing.T) {
	cause := errors.New("10.0.0.7: connection refused")
	const unknown = "the outcome is unknown: the change may have been made; read the config before trying again"
	for _, test := range []struct {
		err  error
		want string
	}{
		{fault.ReadFailed(cause), "the store is not available; try again later"},
		{fault.ReadFailed(eventstore.ErrBusy), "the store is busy: too many reads of the past are waiting; try again later"},
		{fault.NotWritten(cause), "nothing was written: the store is not available; try again later"},
		{fault.NotWritten(nil), "nothing was written: the store is not available; try again later"},
		{fault.NotWritten(fault.ErrClockAhead), fault.ErrClockAhead.Error()},
		{fault.NotWritten(eventstore.ErrReplaced), eventstore.ErrReplaced.Error()},
		{fault.NotWritten(config.ErrPlanOutdated), "nothing was written: the configs to revert are changed all the time; try again later, or select fewer"},
		{fault.OutcomeUnknown(cause), unknown},
		{fault.OutcomeUnknown(errors.Join(fault.ErrTokenUnknown, cause)), fault.ErrTokenUnknown.Error()},
		{fault.ReadFailed(fault.ErrTooManyUnknown), fault.ErrTooManyUnknown.Error()},
		{fault.OutcomeUnknown(eventstore.ErrReplaced), unknown + ". Why: " + eventstore.ErrReplaced.Error()},
	} {
		if got := test.err.Error(); got != test.want {
			t.Errorf("got %q, want %q", got, test.want)
		}
	}
}

func TestBeforeWrite(t *testing.T) {
	if err := fault.BeforeWrite(auth.ErrNotValid); err != auth.ErrNotValid {
		t.Errorf("a token that has ended: got %v", err)
	}
	err := fault.BeforeWrite(fault.ErrNotReady)
	var unavailable *fault.UnavailableError
	if !errors.As(err, &unavailable) || unavailable.Reading || unavailable.OutcomeUnknown || !errors.Is(err, fault.ErrNotReady) {
		t.Errorf("a server that starts: got %+v", err)
	}
	err = fault.BeforeWrite(fault.ReadFailed(fault.ErrRightsTooOld))
	if !errors.As(err, &unavailable) || unavailable.Reading || unavailable.Cause != fault.ErrRightsTooOld {
		t.Errorf("a server that does not reach its store: got %+v", err)
	}
}
