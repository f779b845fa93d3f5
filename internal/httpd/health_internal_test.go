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
	"configapi/internal/projection"
)

func TestJudge(t *testing.T) {
	wrapped := func(err error) error { return fmt.Errorf("dialing 10.0.0.1: %w", err) }
	for _, row := range []struct {
		state configstore.Health
		want  checks
	}{
		{configstore.Health{}, checks{"ok", "ok", "ok"}},
		{configstore.Health{Applied: 7, Head: 7}, checks{"ok", "ok", "ok"}},
		{configstore.Health{Applied: 7, Head: 8}, checks{"ok", "ok", "ok"}}, // it was written just now
		{configstore.Health{Applied: 7, Head: 6}, checks{lostTail, "ok", "ok"}},
		{configstore.Health{Applied: 7, EventStore: wrapped(errors.New("x"))}, checks{unreachable, "ok", unreachable}},
		{configstore.Health{Applied: 7, EventStore: wrapped(context.DeadlineExceeded)}, checks{tooSlow, "ok", tooSlow}},
		{configstore.Health{Projection: wrapped(errors.New("x"))}, checks{"ok", behind, "ok"}},
		{configstore.Health{Projection: wrapped(configstore.ErrNotReady)}, checks{"ok", starting, "ok"}},
		{configstore.Health{Projection: wrapped(configstore.ErrRebuilding)}, checks{"ok", rebuilding, "ok"}},
		{configstore.Health{Applied: 7, Head: 9, Projection: wrapped(configstore.ErrBehind)}, checks{"ok", late, "ok"}},
		{configstore.Health{Projection: wrapped(projection.ErrDiverged)}, checks{diverged, diverged, "ok"}},
		{configstore.Health{Projection: wrapped(&eventstore.ChainError{Position: 9, Problem: "x"})}, checks{"ok", "the history is broken at position 9", "ok"}},
		{configstore.Health{Projection: wrapped(&config.UnknownEventError{Type: "T", SchemaVersion: 2})},
			checks{"ok", `an event is of type "T", schema version 2, which this program does not know`, "ok"}},
	} {
		if got := judge(row.state); got != row.want {
			t.Errorf("%+v: got %+v, want %+v", row.state, got, row.want)
		}
	}
}

func TestClock(t *testing.T) {
	for offset, want := range map[time.Duration]string{
		0:                        "",
		2 * time.Second:          "",
		-2 * time.Second:         "",
		2001 * time.Millisecond:  "this server's clock is 2s before the database's: keep both by NTP",
		-3210 * time.Millisecond: "this server's clock is 3.2s behind the database's: keep both by NTP",
	} {
		if got := clock(offset); got != want {
			t.Errorf("%v: got %q, want %q", offset, got, want)
		}
	}
}
