package cli

import (
	"log/slog"
	"strings"
	"testing"
)

// TestConnectionsFitTheSystem: what the system cannot open must be refused with a word, and be said
// at start.
func TestConnectionsFitTheSystem(t *testing.T) {
	for _, row := range []struct {
		wished      int
		descriptors uint64
		want        int
	}{
		{20_000, 1 << 20, 20_000}, {20_000, 20_128, 20_000}, {20_000, 20_127, 19_999}, {20_000, 1024, 896}, {20_000, 200, 100},
		{20_000, 1, 1}, {100, 1024, 100}, {20_000, 1 << 63, 20_000},
	} {
		var log strings.Builder
		got := connectionsWithin(row.wished, row.descriptors, slog.New(slog.NewTextHandler(&log, nil)))
		if got != row.want {
			t.Errorf("%d connections with %d descriptors: got %d, want %d", row.wished, row.descriptors, got, row.want)
		}
		if said := strings.Contains(log.String(), "ulimit -n"); said != (got < row.wished) {
			t.Errorf("%d connections with %d descriptors: logged %q", row.wished, row.descriptors, log.String())
		}
	}
}
