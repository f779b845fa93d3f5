package auth_test

import (
	"errors"
	"testing"
	"time"

	"configapi/internal/auth"
	"configapi/internal/config"
)

// TestTheFirstInstantIsNoExpiry has clients send the time that programs have for none. A token
// that would have expired long ago must not be one that never does.
func TestTheFirstInstantIsNoExpiry(t *testing.T) {
	grants := []auth.Grant{{Actions: []auth.Action{auth.Read}, Prefix: "a"}}
	for _, at := range []time.Time{{}, time.Time{}.Add(time.Nanosecond), time.Time{}.In(time.FixedZone("", 3600))} {
		_, issue := auth.TokenFields{Name: "ci", Grants: grants, ExpiresAt: &at}.Issue()
		_, rotate := auth.TokenFields{Name: "ci", KeepOldUntil: &at}.Rotate()
		for field, err := range map[string]error{"expiresAt": issue, "keepOldUntil": rotate} {
			if invalid, is := errors.AsType[*config.InvalidError](err); !is || invalid.Field != field {
				t.Errorf("%v: got %v, want an error about %s", at, err, field)
			}
		}
	}
	later := time.Time{}.Add(time.Microsecond)
	for _, at := range []*time.Time{nil, &later} { // of these, the second one is refused by what has a clock
		cmd, err := auth.TokenFields{Name: "ci", Grants: grants, ExpiresAt: at}.Issue()
		if err != nil || cmd.ExpiresAt.IsZero() != (at == nil) {
			t.Errorf("%v: got %v, %v", at, cmd.ExpiresAt, err)
		}
	}
}
