package writer_test

import (
	"fmt"
	"strings"
	"testing"

	"configapi/internal/writer"
)

func TestNegativeOptionsPanic(t *testing.T) {
	for _, opts := range []writer.Options{{BatchCommands: -1}, {BatchBytes: -1}, {AppendTimeout: -1}, {RetryMin: -1}} {
		func() {
			defer func() {
				if text := fmt.Sprint(recover()); !strings.Contains(text, "negative") {
					t.Errorf("%+v: got the panic %q, want one that says what is negative", opts, text)
				}
			}()
			writer.NewAttempts(opts)
		}()
	}
	writer.NewAttempts(writer.Options{})
}
