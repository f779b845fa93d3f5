package config_test

import (
	"testing"

	"configapi/internal/config"
)

// TestErrorsReadWell pins the texts that people see.
func TestErrorsReadWell(t *testing.T) {
	for _, test := range []struct {
		err  error
		want string
	}{
		{config.ErrNotFound, "there is no config of this name"},
		{config.ErrDeleted, "the config is deleted; restore it first"},
		{config.ErrNotDeleted, "the config is not deleted, so there is nothing to restore"},
		{&config.InvalidError{Field: "name", Rule: "is empty"}, "name is empty"},
		{&config.VersionConflictError{Expected: 3, Actual: 5}, "version 3 was expected, but the config has version 5"},
		{
			&config.UnknownEventError{Type: "ConfigRenamed", SchemaVersion: 2},
			`unknown event type "ConfigRenamed", schema version 2: probably a newer program wrote it`,
		},
	} {
		if got := test.err.Error(); got != test.want {
			t.Errorf("got %q, want %q", got, test.want)
		}
	}
}
