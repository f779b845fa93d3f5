package cli

import (
	"fmt"
	"io"
	"strings"
	"testing"

	"configapi/internal/edgetest"
)

// TestExitCodes ends a command with an error of each kind.
func TestExitCodes(t *testing.T) {
	for _, failure := range edgetest.Errors() {
		var said strings.Builder
		env := Env{Getenv: func(string) string { return "" }, Stdout: io.Discard, Stderr: &said}
		got := report(env, fmt.Errorf("verifying: %w", failure.Err))
		if want := failure.Kind.ExitCode(); got != want || !strings.Contains(said.String(), "verifying: ") {
			t.Errorf("%v: got %d and %q, want %d", failure.Err, got, &said, want)
		}
	}
}
