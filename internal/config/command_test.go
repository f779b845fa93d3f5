package config_test

import (
	"testing"

	"configapi/internal/config"
)

func TestCommandsSayTheirTargetAndReason(t *testing.T) {
	why := must(config.ParseReason("as agreed on Monday"))
	for _, cmd := range []config.Command{
		config.Set{Name: name("a"), Reason: why},
		config.Delete{Name: name("a"), Reason: why},
		config.Restore{Name: name("a"), Reason: why},
	} {
		if cmd.Target() != name("a") || cmd.Why() != why {
			t.Errorf("%T: got target %q and reason %q", cmd, cmd.Target(), cmd.Why())
		}
	}
}
