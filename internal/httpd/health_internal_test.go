package httpd

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"configapi/internal/config"
	"configapi/internal/configstore"
	"configapi/internal/eventstore"
	"configapi/internal/fault"
	"configapi/internal/projection"
)

func TestChecksOf(t *testing.T) {
	wrapped := func(err error) error { return fmt.Errorf("dialing 10.0.0.1: %w", err) }
	for _, row := range []struct {
		state configstore.Health
		want  checks
	}{
		{configstore.Health{}, checks{"ok", "ok", "ok"}},
		{configstore.Health{Applied: 7, Head: 7}, checks{"ok", "ok", "ok"}},
		// its event was written just now
		{configstore.Health{Applied: 7, Head: 8}, checks{"ok", "ok", "ok"}},
		{configstore.Health{Applied: 7, Head: 6}, checks{lostTail, "ok", "ok"}},
		{configstore.Health{Applied: 7, EventStore: wrapped(errors.New("x"))}, checks{unreachable, "ok", unreachable}},
		{configstore.Health{Applied: 7, EventStore: wrapped(context.DeadlineExceeded)}, checks{tooSlow, "ok", tooSlow}},
		{configstore.Health{Projection: wrapped(errors.New("x"))}, checks{"ok", behind, "ok"}},
		{configstore.Health{Projection: wrapped(fault.ErrNotReady)}, checks{"ok", starting, "ok"}},
		{configstore.Health{Projection: wrapped(fault.ErrRebuilding)}, checks{"ok", rebuilding, "ok"}},
		{configstore.Health{Applied: 7, Head: 9, Projection: wrapped(configstore.ErrBehind)}, checks{"ok", tooFarBehind, "ok"}},
		{configstore.Health{Projection: wrapped(projection.ErrDiverged)}, checks{diverged, diverged, "ok"}},
		{configstore.Health{Projection: wrapped(&eventstore.ChainError{Seq: 9, Problem: "x"})}, checks{"ok", "the history is broken at position 9", "ok"}},
		{configstore.Health{Projection: wrapped(&config.UnknownEventError{Type: "T", SchemaVersion: 2})},
			checks{"ok", `an event is of type "T", schema version 2, which this program does not know`, "ok"}},
	} {
		if got := checksOf(row.state); got != row.want {
			t.Errorf("%+v: got %+v, want %+v", row.state, got, row.want)
		}
	}
}

func TestClock(t *testing.T) {
	offset := func(d time.Duration) configstore.Health { return configstore.Health{ClockOffset: d} }
	for _, row := range []struct {
		state configstore.Health
		want  string
	}{
		{offset(0), ""},
		{offset(2 * time.Second), ""},
		{offset(-2 * time.Second), ""},
		{offset(2001 * time.Millisecond), "this server's clock is 2s ahead of the database's: keep both by NTP"},
		{offset(-3210 * time.Millisecond), "this server's clock is 3.2s behind the database's: keep both by NTP"},
		{
			configstore.Health{ClockOffset: time.Hour, Writing: fault.ErrClockAhead},
			"this server's clock is 1h0m0s ahead of the database's: writes are refused until it is set right",
		},
		{configstore.Health{ClockJump: time.Hour}, "this server's clock was set and is 1h0m0s ahead of what it was: keep it by NTP"},
		{configstore.Health{ClockJump: -time.Hour}, "this server's clock was set and is 1h0m0s behind what it was: keep it by NTP"},
		{
			configstore.Health{HeadAhead: time.Hour},
			"the newest event is 1h0m0s ahead of this server's clock: until then, a read at the present time shows the state before that event",
		},
	} {
		if got := clockText(row.state); got != row.want {
			t.Errorf("%+v: got %q, want %q", row.state, got, row.want)
		}
	}
}

func TestWrites(t *testing.T) {
	for _, row := range []struct {
		problem error
		want    string
	}{
		{nil, ""},
		{errors.New("secret"), "nothing can be written"},
		{fmt.Errorf("secret: %w", eventstore.ErrSuperseded), "nothing can be written: " + superseded},
		{fmt.Errorf("/secret: %w", eventstore.ErrReplaced), "nothing can be written: its file was removed or replaced; put it back, or restart the server"},
		{fault.ErrClockAhead, "nothing can be written: the clock is too far ahead"},
	} {
		if got := writesText(row.problem); got != row.want {
			t.Errorf("%v: got %q, want %q", row.problem, got, row.want)
		}
	}
}
