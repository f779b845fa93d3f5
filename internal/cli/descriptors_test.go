package cli

import (
	"log/slog"
	"strings"
	"testing"
)

// TestConnectionsFitTheSystem checks that connections which the process cannot open are refused by
// the server, and that a warning says so at the start.
func TestConnectionsFitTheSystem(t *testing.T) {
	for _, row := range []struct {
		wanted      int
		descriptors uint64
		want        int
	}{
		{20_000, 1 << 20, 20_000}, {20_000, 20_128, 20_000}, {20_000, 20_127, 19_999}, {20_000, 1024, 896}, {20_000, 200, 100},
		{20_000, 1, 1}, {100, 1024, 100}, {20_000, 1 << 63, 20_000},
	} {
		var log strings.Builder
		got := connectionsWithin(row.wanted, row.descriptors, slog.New(slog.NewTextHandler(&log, nil)))
		if got != row.want {
			t.Errorf("%d connections with %d descriptors: got %d, want %d", row.wanted, row.descriptors, got, row.want)
		}
		if said := strings.Contains(log.String(), "ulimit -n"); said != (got < row.wanted) {
			t.Errorf("%d connections with %d descriptors: logged %q", row.wanted, row.descriptors, log.String())
		}
	}
}
