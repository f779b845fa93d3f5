package main

import "testing"

func TestParseStatm(t *testing.T) {
	if got, err := parseStatm([]byte("312345 9000 1200 3000 0 40000 0\n")); err != nil || got != 9000 {
		t.Errorf("got %d, %v, want 9000", got, err)
	}
	for _, text := range []string{"", "312345", "312345 many 1200"} {
		if got, err := parseStatm([]byte(text)); err == nil {
			t.Errorf("%q: got %d, want an error", text, got)
		}
	}
}

func TestMemoryPerSubscriber(t *testing.T) {
	m := idleMemory{Subscribers: 10_000, Before: 30e6, After: 280e6, Later: 330e6}
	if m.perSubscriber() != 25_000 || m.perSubscriberLater() != 30_000 {
		t.Errorf("got %v and %v, want 25000 and 30000", m.perSubscriber(), m.perSubscriberLater())
	}
}
