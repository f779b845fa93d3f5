package budget_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"configapi/internal/budget"
)

// grow takes bytes at once, or fails the test.
func grow(t *testing.T, r *budget.Reservation, bytes int64) {
	t.Helper()
	if err := r.Grow(t.Context(), bytes); err != nil {
		t.Fatalf("growing by %d: %v", bytes, err)
	}
}

func wantHeld(t *testing.T, b *budget.Budget, want int64) {
	t.Helper()
	if got := b.Held(); got != want {
		t.Errorf("got %d bytes held, want %d", got, want)
	}
}

// growing grows in a goroutine and returns a channel with its result.
func growing(ctx context.Context, r *budget.Reservation, bytes int64) <-chan error {
	done := make(chan error, 1)
	go func() { done <- r.Grow(ctx, bytes) }()
	synctest.Wait()
	return done
}

func TestGrowAndRelease(t *testing.T) {
	b := budget.New(budget.Options{Bytes: 100})
	one, other := b.Reservation(), b.Reservation()
	grow(t, one, 60)
	grow(t, other, 40)
	wantHeld(t, b, 100)
	one.Shrink(20)
	wantHeld(t, b, 80)
	one.Release()
	one.Release()
	wantHeld(t, b, 40)
	other.Shrink(1000)
	wantHeld(t, b, 0)
	if err := one.Grow(t.Context(), 101); !errors.Is(err, budget.ErrTooLarge) {
		t.Errorf("more than there ever is: got %v", err)
	}
	one.Force(150)
	wantHeld(t, b, 150)
	one.Release()
	wantHeld(t, b, 0)
}

func TestTryGrow(t *testing.T) {
	all := budget.New(budget.Options{Bytes: 100})
	part := all.Within(60)
	one, other := part.Reservation(), all.Reservation()
	if !one.TryGrow(50) || one.TryGrow(20) || !other.TryGrow(45) || one.TryGrow(10) {
		t.Error("it took what is not there, or did not take what is there")
	}
	wantHeld(t, part, 50)
	wantHeld(t, all, 95)
}

func TestZeroReservation(t *testing.T) {
	var r budget.Reservation
	grow(t, &r, 1<<40)
	r.Force(1)
	r.Shrink(1)
	r.Sending(func() { t.Error("cut") })
	r.Sent(1)
	r.Release()
	if r.Held() != 0 || r.IsCut() {
		t.Error("it holds something, or is cut")
	}
}

func TestWaitEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := budget.New(budget.Options{Bytes: 100})
		holder, waiter := b.Reservation(), b.Reservation()
		grow(t, holder, 100)
		began := time.Now()
		if err := waiter.Grow(t.Context(), 1); !errors.Is(err, budget.ErrExhausted) {
			t.Errorf("got %v", err)
		}
		if waited := time.Since(began); waited != 2*time.Second {
			t.Errorf("waited %v, want 2 s", waited)
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := growing(ctx, waiter, 1)
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
		done = growing(t.Context(), waiter, 30)
		holder.Shrink(30)
		if err := <-done; err != nil {
			t.Errorf("got %v", err)
		}
		wantHeld(t, b, 100)
		if n := b.Waiting(); n != 0 {
			t.Errorf("%d wait", n)
		}
	})
}

func TestNoWait(t *testing.T) {
	b := budget.New(budget.Options{Bytes: 100, Wait: budget.NoWait})
	grow(t, b.Reservation(), 100)
	if err := b.Reservation().Grow(t.Context(), 1); !errors.Is(err, budget.ErrExhausted) {
		t.Errorf("got %v", err)
	}
}

func TestForever(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := budget.New(budget.Options{Bytes: 100, Wait: budget.Forever})
		holder := b.Reservation()
		grow(t, holder, 100)
		done := growing(t.Context(), b.Reservation(), 1)
		time.Sleep(time.Hour)
		holder.Release()
		if err := <-done; err != nil {
			t.Errorf("got %v", err)
		}
	})
}

func TestQueueIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := budget.New(budget.Options{Bytes: 100, MaxWaiters: 1})
		grow(t, b.Reservation(), 100)
		done := growing(t.Context(), b.Reservation(), 1)
		began := time.Now()
		if err := b.Reservation().Grow(t.Context(), 1); !errors.Is(err, budget.ErrExhausted) || time.Since(began) > 0 {
			t.Errorf("got %v after %v, want a refusal at once", err, time.Since(began))
		}
		if err := <-done; !errors.Is(err, budget.ErrExhausted) {
			t.Errorf("got %v", err)
		}
	})
}

// TestOrder checks the order of waiters: first those that hold bytes, then by arrival, also when a
// later one would fit sooner.
func TestOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := budget.New(budget.Options{Bytes: 100, Wait: budget.Forever})
		holder, begun := b.Reservation(), b.Reservation()
		grow(t, holder, 90)
		grow(t, begun, 5)
		first := growing(t.Context(), b.Reservation(), 50)
		second := growing(t.Context(), b.Reservation(), 1)
		third := growing(t.Context(), begun, 10)
		holder.Shrink(5)
		synctest.Wait()
		if err := <-third; err != nil {
			t.Error(err)
		}
		if len(first) > 0 || len(second) > 0 {
			t.Error("one that holds nothing was served before its turn")
		}
		holder.Shrink(55)
		if err := errors.Join(<-first, <-second); err != nil {
			t.Error(err)
		}
		wantHeld(t, b, 30+15+50+1)
	})
}

// TestSmallOnes checks that large reservations leave the small part free, and that small ones do
// not wait for large ones.
func TestSmallOnes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := budget.New(budget.Options{Bytes: 100, SmallBytes: 25, SmallSize: 10})
		large := b.Reservation()
		if err := large.Grow(t.Context(), 76); !errors.Is(err, budget.ErrTooLarge) {
			t.Errorf("got %v", err)
		}
		grow(t, large, 75)
		waiting := growing(t.Context(), b.Reservation(), 10)
		small := b.Reservation()
		grow(t, small, 9)
		grow(t, b.Reservation(), 9)
		wantHeld(t, b, 93)
		// A small reservation that grows large counts as a large one.
		if err := small.Grow(t.Context(), 1); !errors.Is(err, budget.ErrExhausted) {
			t.Errorf("got %v", err)
		}
		if err := <-waiting; !errors.Is(err, budget.ErrExhausted) {
			t.Errorf("got %v", err)
		}
		large.Release()
		grow(t, small, 1)
		wantHeld(t, b, 19)
		small.Release()
		wantHeld(t, b, 9)
	})
}

func TestWithin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all := budget.New(budget.Options{Bytes: 100})
		one, other := all.Within(60), all.Within(60)
		a, b := one.Reservation(), one.Reservation()
		grow(t, a, 50)
		if err := b.Grow(t.Context(), 20); !errors.Is(err, budget.ErrExhausted) {
			t.Errorf("beyond its part: got %v", err)
		}
		if err := b.Grow(t.Context(), 61); !errors.Is(err, budget.ErrTooLarge) {
			t.Errorf("larger than its part: got %v", err)
		}
		c := other.Reservation()
		grow(t, c, 50)
		if err := b.Grow(t.Context(), 10); !errors.Is(err, budget.ErrExhausted) {
			t.Errorf("beyond all: got %v", err)
		}
		wantHeld(t, one, 50)
		wantHeld(t, all, 100)
		a.Release()
		c.Shrink(20)
		wantHeld(t, one, 0)
		wantHeld(t, other, 30)
		wantHeld(t, all, 30)
		c.Release()
		wantHeld(t, all, 0)
	})
}

// TestSlowestIsCut checks that only the slowest reservation is cut: none within the grace time,
// none while none waits, and no more than needed.
func TestSlowestIsCut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := budget.New(budget.Options{Bytes: 90})
		part := b.Within(50)
		var cut [3]atomic.Bool
		var reservations [3]*budget.Reservation
		for i := range reservations {
			r := b.Reservation()
			if i == 1 {
				r = part.Reservation()
			}
			reservations[i] = r
			grow(t, r, 30)
			r.Sending(func() {
				cut[i].Store(true)
				go r.Release()
			})
		}
		reservations[0].Sent(20)
		reservations[1].Sent(10)
		reservations[2].Sent(20)
		time.Sleep(time.Hour)
		if cut[0].Load() || cut[1].Load() || cut[2].Load() {
			t.Error("a reservation was cut while none waits")
		}
		began := time.Now()
		young := b.Reservation()
		grow(t, young, 20)
		young.Sending(func() { t.Error("a reservation was cut in its first second") })
		if cut[0].Load() || !cut[1].Load() || cut[2].Load() {
			t.Errorf("cut: %v %v %v, want the second", cut[0].Load(), cut[1].Load(), cut[2].Load())
		}
		if waited := time.Since(began); waited > time.Second {
			t.Errorf("waited %v", waited)
		}
		grow(t, b.Reservation(), 10)
		wantHeld(t, b, 90)
		wantHeld(t, part, 0)
	})
}

// TestCutCountsUntilReleased checks that no second reservation is cut while the first one's bytes
// are enough.
func TestCutCountsUntilReleased(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := budget.New(budget.Options{Bytes: 60})
		var cuts atomic.Int64
		slow := []*budget.Reservation{b.Reservation(), b.Reservation()}
		for _, r := range slow {
			grow(t, r, 30)
			r.Sending(func() { cuts.Add(1) })
		}
		time.Sleep(time.Second)
		done := growing(t.Context(), b.Reservation(), 30)
		time.Sleep(1500 * time.Millisecond)
		if n := cuts.Load(); n != 1 {
			t.Errorf("%d were cut, want 1", n)
		}
		for _, r := range slow {
			if r.IsCut() {
				r.Release()
			}
		}
		if err := <-done; err != nil {
			t.Error(err)
		}
		wantHeld(t, b, 60)
	})
}

// TestStress runs random operations. The budget is never exceeded, and is unused in the end.
func TestStress(t *testing.T) {
	const size = 1000
	b := budget.New(budget.Options{Bytes: size, SmallBytes: 250, SmallSize: 50, Wait: time.Millisecond})
	part := b.Within(400)
	var users sync.WaitGroup
	for seed := range uint64(8) {
		users.Go(func() {
			random := rand.New(rand.NewPCG(seed, 10))
			for range 300 {
				r := b.Reservation()
				if random.IntN(2) == 0 {
					r = part.Reservation()
				}
				ctx, cancel := context.WithCancel(t.Context())
				if random.IntN(8) == 0 {
					cancel()
				}
				for range random.IntN(5) {
					if r.Grow(ctx, random.Int64N(200)) == nil && random.IntN(4) == 0 {
						r.Shrink(random.Int64N(300))
					}
				}
				r.Sending(func() {})
				if held := b.Held(); held > size {
					t.Errorf("%d bytes are held", held)
				}
				cancel()
				r.Release()
			}
		})
	}
	users.Wait()
	wantHeld(t, b, 0)
	wantHeld(t, part, 0)
	if b.Waiting() != 0 {
		t.Error("reservations still wait")
	}
	whole := b.Reservation() // all of it is free again
	grow(t, whole, size-250)
	grow(t, b.Reservation(), 49)
}

// TestOptionsThatMakeNoSense checks that New panics with the name of the option.
func TestOptionsThatMakeNoSense(t *testing.T) {
	for name, opts := range map[string]budget.Options{
		"Bytes":      {},
		"SmallBytes": {Bytes: 1, SmallBytes: 1},
		"SmallSize":  {Bytes: 1, SmallSize: -1},
		"Wait":       {Bytes: 1, Wait: -time.Second},
		"MaxWaiters": {Bytes: 1, MaxWaiters: -1},
	} {
		func() {
			defer func() {
				if got, _ := recover().(string); !strings.HasPrefix(got, "budget: Options."+name+" is ") {
					t.Errorf("%s: New panics with %q", name, got)
				}
			}()
			budget.New(opts)
		}()
	}
}
