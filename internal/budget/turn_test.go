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
		one, other := budget.NewTurn(b), budget.NewTurn(b)
		if err := one.Begin(t.Context(), true); err != nil {
			t.Fatal(err)
		}
		began := make(chan error, 1)
		go func() { began <- other.Begin(t.Context(), true) }()
		synctest.Wait()
		if err := one.Read(t.Context(), mib); err != nil || len(began) > 0 {
			t.Fatalf("got %v; the other began: %v", err, len(began) > 0)
		}
		one.Hold(mib)
		wantHeld(t, b, mib)
		one.End()
		if err := <-began; err != nil {
			t.Fatal(err)
		}
		wantHeld(t, b, 4*mib)
		time.Sleep(time.Second) // it has found nothing to read
		synctest.Wait()
		wantHeld(t, b, 0)
		if err := other.Read(t.Context(), 1000); err != nil {
			t.Fatal(err)
		}
		wantHeld(t, b, 3000+4096)
		passed := other.Pass()
		other.End()
		wantHeld(t, b, 3000+4096)
		passed.Release()
		wantHeld(t, b, 0)
	})
}

// TestTurnOfOneLargeSet: what is larger than the whole budget is sent all the same.
func TestTurnOfOneLargeSet(t *testing.T) {
	b := budget.New(budget.Options{Bytes: 4 * mib, Wait: budget.Forever})
	turn := budget.NewTurn(b)
	if err := turn.Read(t.Context(), 8*mib); err != nil {
		t.Fatal(err)
	}
	wantHeld(t, b, 24*mib+4096)
	turn.End()
	wantHeld(t, b, 0)
}

func TestTurnWithoutBudget(t *testing.T) {
	turn := budget.NewTurn(nil)
	if err := turn.Begin(t.Context(), true); err != nil {
		t.Error(err)
	}
	if err := turn.Read(t.Context(), 1<<40); err != nil {
		t.Error(err)
	}
	turn.Hold(7)
	turn.Sending(func() { t.Error("cut") })
	turn.Sent(1)
	turn.Pass().Release()
	turn.End()
}
