package budget_test

import (
	"testing"
	"testing/synctest"
	"time"

	"configapi/internal/budget"
)

const mib = 1 << 20

func TestTurn(t *testing.T) {
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
		time.Sleep(time.Second) // it has found nothing to read
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

// TestTurnOfOneLargeSet: what is larger than the whole budget is sent all the same.
func TestTurnOfOneLargeSet(t *testing.T) {
	b := budget.New(budget.Options{Bytes: 4 * mib, Wait: budget.Forever})
	turn := budget.NewStream(b)
	if err := turn.ReserveMessage(t.Context(), 8*mib); err != nil {
		t.Fatal(err)
	}
	wantHeld(t, b, 24*mib+4096)
	turn.Release()
	wantHeld(t, b, 0)
}

func TestTurnWithoutBudget(t *testing.T) {
	turn := budget.NewStream(nil)
	if err := turn.ReservePage(t.Context(), true); err != nil {
		t.Error(err)
	}
	if err := turn.ReserveMessage(t.Context(), 1<<40); err != nil {
		t.Error(err)
	}
	turn.Resize(7)
	turn.Sending(func() { t.Error("cut") })
	turn.Sent(1)
	turn.Detach().Release()
	turn.Release()
}
