package eventstream_test

import (
	"errors"
	"testing"

	"configapi/internal/eventstream"
)

func TestLimit(t *testing.T) {
	limit := eventstream.NewLimit(4, 2)
	open := func(remote string, want error) {
		t.Helper()
		if err := limit.Open(eventstream.ClientOf(remote)); !errors.Is(err, want) {
			t.Errorf("%s: got %v, want %v", remote, err, want)
		}
	}
	open("192.0.2.1:1", nil)
	open("[::ffff:192.0.2.1]:2", nil) // the same address, written in another way
	open("192.0.2.1:3", eventstream.ErrTooManyOfAddress)
	open("[2001:db8::1]:1", nil)
	open("192.0.2.2:1", nil)
	open("192.0.2.3:1", eventstream.ErrTooMany)
	open("127.0.0.1:1", eventstream.ErrTooMany)
	limit.Close(eventstream.ClientOf("192.0.2.1:1"))
	limit.Close(eventstream.ClientOf("192.0.2.2:1"))
	open("[2001:db8::2%eth0]:1", nil) // of the same /64
	open("[2001:db8::ffff:0:0:0]:1", eventstream.ErrTooManyOfAddress)
	open("192.0.2.1:1", nil)
	if got := limit.Count(); got != 4 {
		t.Errorf("got %d open, want 4", got)
	}
}

// TestLimitOfLoopback: many clients behind a proxy on the same machine have one address.
func TestLimitOfLoopback(t *testing.T) {
	limit := eventstream.NewLimit(0, 1)
	for _, remote := range []string{"127.0.0.1:1", "127.0.0.1:2", "[::1]:1", "[::1]:2", "[::ffff:127.0.0.1]:1", "@", ""} {
		if err := limit.Open(eventstream.ClientOf(remote)); err != nil {
			t.Errorf("%s: %v", remote, err)
		}
		if err := limit.Open(eventstream.ClientOf(remote)); err != nil {
			t.Errorf("%s again: %v", remote, err)
		}
	}
}

func TestNoLimit(t *testing.T) {
	var limit *eventstream.Limit
	if err := limit.Open(eventstream.ClientOf("192.0.2.1:1")); err != nil || limit.Count() != 0 {
		t.Errorf("got %v", err)
	}
	limit.Close(eventstream.ClientOf("192.0.2.1:1"))
}

func TestNegativeLimitsAreRefused(t *testing.T) {
	for _, limits := range [][2]int{{-1, 0}, {0, -1}} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%v: no panic", limits)
				}
			}()
			eventstream.NewLimit(limits[0], limits[1])
		}()
	}
}
