package main

import (
	"testing"
	"time"
)

func TestWriteAims(t *testing.T) {
	for _, test := range []struct {
		clients int
		ratio   float64
		want    string
	}{
		{1, 1.00, "yes"},
		{1, 0.99, "the least"},
		{16, 0.90, "the least"},
		{64, 0.89, "**no**"},
		{256, 0.89, "the least"},
		{256, 0.80, "the least"},
		{256, 0.79, "**no**"},
		{256, 1.50, "yes"},
	} {
		if got := writeAim(test.clients).verdict(test.ratio); got != test.want {
			t.Errorf("%d clients, ratio %v: got %s, want %s", test.clients, test.ratio, got, test.want)
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
	if got := graphQLReadAim.verdict(0.45); got != "yes" {
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
	if aim, verdict := nodesAim(3); aim != ">= 0.75" || verdict(0.75) != "yes" || verdict(0.74) != "**no**" {
		t.Errorf("got %s, %s for 0.75, %s for 0.74", aim, verdict(0.75), verdict(0.74))
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
