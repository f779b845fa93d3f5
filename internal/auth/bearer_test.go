package auth_test

import (
	"errors"
	"testing"

	"configapi/internal/auth"
)

func TestBearer(t *testing.T) {
	for _, test := range []struct {
		values []string
		secret string
		given  bool
		wrong  bool
	}{
		{nil, "", false, false},
		{[]string{"Bearer cfg_a"}, "cfg_a", true, false},
		{[]string{" bearer   cfg_a "}, "cfg_a", true, false},
		{[]string{"Bearer a b"}, "a b", true, false}, // no secret: found out later
		{[]string{"Bearer"}, "", true, true},
		{[]string{"Bearer "}, "", true, true},
		{[]string{"Bearer cfg_a", "Bearer cfg_a"}, "", true, true},
		{[]string{"Basic Y2ZnOl8="}, "", false, false},
		{[]string{""}, "", false, false},
		{[]string{"cfg_a"}, "", false, false},
	} {
		secret, given, err := auth.Bearer(test.values)
		if secret != test.secret || given != test.given || errors.Is(err, auth.ErrMalformed) != test.wrong {
			t.Errorf("%q: got %q, %t, %v", test.values, secret, given, err)
		}
	}
}
