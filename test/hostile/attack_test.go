package main

import (
	"errors"
	"strings"
	"testing"
	"time"
)

func TestEachCeilingIsChecked(t *testing.T) {
	a := attack{most: figures{memory: 10, cpu: time.Second, wall: time.Second, write: time.Second, log: 10, each: time.Microsecond}}
	if names := a.exceeded(outcome{figures: a.most}); len(names) > 0 {
		t.Errorf("got %q at the ceilings", names)
	}
	for _, test := range []struct {
		want string
		seen outcome
	}{
		{"memory", outcome{figures: figures{memory: 11}}},
		{"CPU", outcome{figures: figures{cpu: 2 * time.Second}}},
		{"time", outcome{figures: figures{wall: 2 * time.Second}}},
		{"writes of others", outcome{figures: figures{write: 2 * time.Second}}},
		{"CPU of a request", outcome{figures: figures{each: 2 * time.Microsecond}}},
		{"log", outcome{figures: figures{log: 11}}},
		{"a valid token was refused", outcome{failed: errors.New("429")}},
		{"the server died", outcome{died: true}},
	} {
		names := a.exceeded(test.seen)
		if len(names) != 1 || !strings.HasPrefix(names[0], test.want) {
			t.Errorf("got %q, want one about %s", names, test.want)
		}
		if row := a.report(test.seen); !strings.Contains(row, "**"+test.want) {
			t.Errorf("the report does not say %q: %s", test.want, row)
		}
	}
}

func TestAttacksHaveCeilingsAndNames(t *testing.T) {
	seen := map[string]bool{}
	for _, a := range append(attacks, mixedAttack) {
		if a.most.memory == 0 || a.most.cpu == 0 || a.most.wall == 0 {
			t.Errorf("%s has no ceiling: %+v", a.name, a.most)
		}
		if seen[a.name] {
			t.Errorf("two attacks are named %s", a.name)
		}
		seen[a.name] = true
	}
	for _, name := range together {
		if !seen[name] {
			t.Errorf("%s is not an attack", name)
		}
	}
}

func TestPercentile(t *testing.T) {
	var taken latencies
	for i := range 100 {
		taken = append(taken, time.Duration(100-i))
	}
	for p, want := range map[int]time.Duration{50: 50, 99: 99, 100: 100} {
		if got := taken.percentile(p); got != want {
			t.Errorf("p%d: got %d, want %d", p, got, want)
		}
	}
	if got := latencies(nil).percentile(99); got != 0 {
		t.Errorf("got %v without any", got)
	}
}
