package config_test

import (
	"testing"

	"configapi/internal/config"
)

func TestCommandsSayTheirTargetReasonAndKey(t *testing.T) {
	why := must(config.ParseReason("as agreed on Monday"))
	key := must(config.ParseIdempotencyKey("k"))
	for _, cmd := range []config.Command{
		config.Set{Name: name("a"), Reason: why, IdempotencyKey: key},
		config.Delete{Name: name("a"), Reason: why, IdempotencyKey: key},
		config.Restore{Name: name("a"), Reason: why, IdempotencyKey: key},
	} {
		if cmd.Target() != name("a") || cmd.Why() != why || cmd.Key() != key {
			t.Errorf("%T: got target %q, reason %q and key %q", cmd, cmd.Target(), cmd.Why(), cmd.Key())
		}
	}
}
