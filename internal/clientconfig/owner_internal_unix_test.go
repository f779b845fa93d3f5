//go:build unix

package clientconfig

import "testing"

func TestOwners(t *testing.T) {
	for _, test := range []struct {
		owner, user int
		want        bool
	}{{1000, 1000, true}, {0, 1000, true}, {1001, 1000, false}, {1000, 0, false}} {
		if got := isTrusted(test.owner, test.user); got != test.want {
			t.Errorf("a file of %d for %d: got %t", test.owner, test.user, got)
		}
	}
}
