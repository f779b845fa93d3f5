package main

import "testing"

func TestMemoryPerSubscriber(t *testing.T) {
	m := idleMemory{Subscribers: 10_000, Before: 30e6, After: 280e6, Later: 330e6}
	if m.perSubscriber() != 25_000 || m.perSubscriberLater() != 30_000 {
		t.Errorf("got %v and %v, want 25000 and 30000", m.perSubscriber(), m.perSubscriberLater())
	}
}
