package attempts

import (
	"context"
	"fmt"
	"net/netip"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"configapi/internal/eventstream"
)

// The defaults.
const (
	delay    = time.Second
	burst    = 20
	interval = 3 * time.Second
)

// TestOneAddress has one address send more refused tokens than it may.
func TestOneAddress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, client := New(Options{}), eventstream.ClientOf("[2001:db8::1]:1")
		for range burst {
			before := time.Now()
			if retry := a.Refused(t.Context(), client); retry != 0 || time.Since(before) != delay {
				t.Fatalf("got %v after %v, want a delay of %v", retry, time.Since(before), delay)
			}
		}
		left := burst*interval - burst*delay // of the first attempts some are forgotten
		var retry time.Duration
		for range burst {
			if retry = a.Refused(t.Context(), client); retry > 0 {
				break
			}
		}
		if retry <= 0 || retry > interval {
			t.Fatalf("after more than %d: got %v", burst, retry)
		}
		before := time.Now()
		if again := a.Refused(t.Context(), eventstream.ClientOf("[2001:db8::2]:9")); again != retry || time.Since(before) != 0 {
			t.Errorf("another address of the same /64: got %v after %v", again, time.Since(before))
		}
		if other := a.Refused(t.Context(), eventstream.ClientOf("[2001:db8:0:1::1]:1")); other != 0 {
			t.Errorf("another /64: got %v", other)
		}
		time.Sleep(retry)
		if again := a.Refused(t.Context(), client); again != 0 {
			t.Errorf("after the time that was said: got %v", again)
		}
		time.Sleep(left + burst*interval)
		if again := a.Refused(t.Context(), client); again != 0 {
			t.Errorf("much later: got %v", again)
		}
	})
}

func TestTheDelayEndsWithItsRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		before := time.Now()
		if retry := New(Options{}).Refused(ctx, eventstream.ClientOf("192.0.2.1:1")); retry != 0 || time.Since(before) != 0 {
			t.Errorf("got %v after %v", retry, time.Since(before))
		}
	})
}

// TestManyAddresses sends tokens from more addresses than are remembered.
func TestManyAddresses(t *testing.T) {
	a, now := New(Options{}), time.Now()
	address := func(i int) eventstream.Client {
		return eventstream.ClientOf(fmt.Sprintf("10.%d.%d.%d:1", i>>16, i>>8&255, i&255))
	}
	for i := range maxAddresses {
		if retry := a.count(address(i), now); retry != 0 {
			t.Fatalf("address %d: got %v", i, retry)
		}
	}
	refused := 0
	for i := range 2 * burst {
		if a.count(address(maxAddresses+i), now) > 0 {
			refused++
		}
	}
	if refused != burst || len(a.byAddress) != maxAddresses {
		t.Errorf("%d of %d further addresses were refused, %d are remembered", refused, 2*burst, len(a.byAddress))
	}
	if retry := a.count(address(0), now); retry != 0 {
		t.Errorf("a known address: got %v", retry)
	}
	if retry := a.count(address(3*maxAddresses), now.Add(burst*interval)); retry != 0 || len(a.byAddress) != 1 {
		t.Errorf("later: got %v, %d addresses are remembered", retry, len(a.byAddress))
	}
}

// TestAMillionAddresses sends a token from each of so many addresses, of which few are remembered.
func TestAMillionAddresses(t *testing.T) {
	a, now := New(Options{}), time.Now()
	for i := range 1_000_000 {
		// a /64 each, and 1,000 of them a second, so that those of before are forgotten meanwhile
		network := netip.AddrFrom16([16]byte{0x20, 1, 0xd, 0xb8, 0, byte(i >> 16), byte(i >> 8), byte(i)})
		a.count(eventstream.ClientOf(network.String()), now.Add(time.Duration(i)*time.Millisecond))
		if len(a.byAddress) > maxAddresses {
			t.Fatalf("%d addresses are remembered after %d", len(a.byAddress), i+1)
		}
	}
	if len(a.byAddress) < maxAddresses/2 {
		t.Errorf("%d addresses are remembered, want about as many as there may be", len(a.byAddress))
	}
}

// TestAnswersHeldBack has more clients than the number of answers that are held back.
func TestAnswersHeldBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := New(Options{})
		client := func(i int) eventstream.Client { return eventstream.ClientOf(fmt.Sprintf("10.0.%d.%d:1", i>>8, i&255)) }
		var held sync.WaitGroup
		for i := range maxDelayed {
			held.Go(func() {
				if retry := a.Refused(t.Context(), client(i)); retry != 0 {
					t.Errorf("address %d: got %v", i, retry)
				}
			})
		}
		synctest.Wait()
		before := time.Now()
		if retry := a.Refused(t.Context(), client(maxDelayed)); retry != delay || time.Since(before) != 0 {
			t.Errorf("one more: got %v after %v", retry, time.Since(before))
		}
		held.Wait()
		if retry := a.Refused(t.Context(), client(maxDelayed)); retry != 0 || time.Since(before) != 2*delay {
			t.Errorf("after the others: got %v after %v", retry, time.Since(before))
		}
	})
}

func TestNil(t *testing.T) {
	var none *Attempts
	if retry := none.Refused(t.Context(), eventstream.Client{}); retry != 0 {
		t.Errorf("got %v", retry)
	}
}
