package main

import (
	"testing"
	"time"
)

func TestWriteAim(t *testing.T) {
	for ratio, want := range map[float64]string{1.20: "yes", 1.19: "the least", 1.00: "the least", 0.99: "**no**"} {
		if got := writeAim.verdict(ratio); got != want {
			t.Errorf("ratio %v: got %s, want %s", ratio, got, want)
		}
	}
}

func TestReadAims(t *testing.T) {
	if got := restReadAim.verdict(0.80); got != "yes" {
		t.Errorf("got %s, want yes", got)
	}
	if got := restReadAim.verdict(0.799); got != "**no**" {
		t.Errorf("got %s, want no", got)
	}
	if got := graphQLReadAim.verdict(0.50); got != "yes" {
		t.Errorf("got %s, want yes", got)
	}
}

func TestTimesMustBeBelowTheirLimit(t *testing.T) {
	if got := withinTime(999*time.Millisecond, startAim); got != "yes" {
		t.Errorf("got %s, want yes", got)
	}
	if got := withinTime(startAim, startAim); got != "**no**" {
		t.Errorf("got %s, want no", got)
	}
}

func TestStartOfAShortHistoryHasNoAim(t *testing.T) {
	if _, got := startVerdict(startAimEvents, startAimNames, time.Second/2); got != "yes" {
		t.Errorf("got %s, want yes", got)
	}
	if _, got := startVerdict(startAimEvents, startAimNames, time.Minute); got != "**no**" {
		t.Errorf("got %s, want no", got)
	}
	for _, got := range []string{second(startVerdict(startAimEvents-1, startAimNames, time.Minute)), second(startVerdict(startAimEvents, startAimNames+1, time.Minute))} {
		if got != notMeasured {
			t.Errorf("got %s, want none", got)
		}
	}
}

func second(_, text string) string { return text }

func TestRatiosOfStreamsMustNotExceedTheirLimit(t *testing.T) {
	for _, test := range []struct {
		verdict func(float64) string
		ratio   float64
		want    string
	}{
		{atMostRatio(0.60), 0.60, "yes"},
		{atMostRatio(0.60), 0.61, "**no**"},
		{belowRatio(2), 1.99, "yes"},
		{belowRatio(2), 2, "**no**"},
		{noAim, 9, notMeasured},
	} {
		if got := test.verdict(test.ratio); got != test.want {
			t.Errorf("ratio %v: got %s, want %s", test.ratio, got, test.want)
		}
	}
}

func TestThreeNodesHaveAnAim(t *testing.T) {
	if aim, verdict := nodesAim(3); aim != ">= 0.85" || verdict(0.85) != "yes" || verdict(0.84) != "**no**" {
		t.Errorf("got %s, %s for 0.85, %s for 0.84", aim, verdict(0.85), verdict(0.84))
	}
	if aim, verdict := nodesAim(2); aim != notMeasured || verdict(0.1) != notMeasured {
		t.Errorf("2 nodes: got %s, %s", aim, verdict(0.1))
	}
}

func TestMemoryPerSubscriber(t *testing.T) {
	m := idleMemory{Subscribers: 10_000, Before: 30e6, After: 280e6, Later: 330e6}
	if m.perSubscriber() != 25_000 || m.perSubscriberLater() != 30_000 {
		t.Errorf("got %v and %v, want 25000 and 30000", m.perSubscriber(), m.perSubscriberLater())
	}
}
