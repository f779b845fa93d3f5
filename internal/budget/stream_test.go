package budget_test

import (
	"testing"
	"testing/synctest"
	"time"

	"configapi/internal/budget"
)

const mib = 1 << 20

func TestStream(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := budget.New(budget.Options{Bytes: 4 * mib, Wait: budget.Forever})
		one, other := budget.NewStream(b), budget.NewStream(b)
		if err := one.ReservePage(t.Context(), true); err != nil {
			t.Fatal(err)
		}
		began := make(chan error, 1)
		go func() { began <- other.ReservePage(t.Context(), true) }()
		synctest.Wait()
		if err := one.ReserveMessage(t.Context(), mib); err != nil || len(began) > 0 {
			t.Fatalf("got %v; the other began: %v", err, len(began) > 0)
		}
		one.Resize(mib)
		wantHeld(t, b, mib)
		one.Release()
		if err := <-began; err != nil {
			t.Fatal(err)
		}
		wantHeld(t, b, 4*mib)
		time.Sleep(time.Second) // the page is not read in time
		synctest.Wait()
		wantHeld(t, b, 0)
		if err := other.ReserveMessage(t.Context(), 1000); err != nil {
			t.Fatal(err)
		}
		wantHeld(t, b, 3000+4096)
		passed := other.Detach()
		other.Release()
		wantHeld(t, b, 3000+4096)
		passed.Release()
		wantHeld(t, b, 0)
	})
}

// TestStreamOfOneLargeSet sends a message that is larger than the whole budget.
func TestStreamOfOneLargeSet(t *testing.T) {
	b := budget.New(budget.Options{Bytes: 4 * mib, Wait: budget.Forever})
	stream := budget.NewStream(b)
	if err := stream.ReserveMessage(t.Context(), 8*mib); err != nil {
		t.Fatal(err)
	}
	wantHeld(t, b, 24*mib+4096)
	stream.Release()
	wantHeld(t, b, 0)
}

func TestStreamWithoutBudget(t *testing.T) {
	stream := budget.NewStream(nil)
	if err := stream.ReservePage(t.Context(), true); err != nil {
		t.Error(err)
	}
	if err := stream.ReserveMessage(t.Context(), 1<<40); err != nil {
		t.Error(err)
	}
	stream.Resize(7)
	stream.Sending(func() { t.Error("cut") })
	stream.Sent(1)
	stream.Detach().Release()
	stream.Release()
}
