package clientcmd

import (
	"testing"
	"time"
)

// heard is a follower whose configs were current at a time.
type heard struct{ at time.Time }

func (h *heard) Stale() (bool, time.Time) { return true, h.at }

// TestOutages: an error is logged once in each outage.
func TestOutages(t *testing.T) {
	var o outages
	server := &heard{time.Now()}
	for i, step := range []struct {
		before func()
		text   string
		want   bool
	}{
		{func() {}, "503", true},
		{func() {}, "503", false},
		{func() { o.follow(server) }, "503", false},
		{func() {}, "refused", true},
		{func() {}, "503", true},
		{func() {}, "503", false},
		{func() { server.at = time.Now().Add(time.Nanosecond) }, "503", true},
		{func() { server.at = o.at }, "503", false},
	} {
		step.before()
		if got := o.isNew(step.text); got != step.want {
			t.Errorf("step %d: got %v, want %v", i, got, step.want)
		}
	}
}
