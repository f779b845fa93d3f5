package lane_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"configapi/internal/eventstore"
	"configapi/internal/eventstore/lane"
)

func TestTurnsComeInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := lane.New(lane.Options{Running: 2})
		mustEnter(t, l)
		mustEnter(t, l)
		var order []int
		for i := range 5 {
			go func() {
				mustEnter(t, l)
				order = append(order, i)
			}()
			synctest.Wait()
		}
		for n := range 5 {
			if len(order) != n {
				t.Fatalf("%d have a turn, want %d", len(order), n)
			}
			l.Leave()
			synctest.Wait()
		}
		if !slices.IsSorted(order) {
			t.Errorf("the turns came in the order %v", order)
		}
	})
}

func TestTooManyAreRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := lane.New(lane.Options{Waiting: 3})
		mustEnter(t, l)
		began := time.Now()
		waited := make(chan time.Duration, 3)
		for range 3 {
			go func() {
				mustBeBusy(t, l)
				waited <- time.Since(began)
			}()
		}
		synctest.Wait()
		mustBeBusy(t, l)
		if took := time.Since(began); took != 0 {
			t.Errorf("one too many was refused after %v, want at once", took)
		}
		for range 3 {
			if took := <-waited; took != 2*time.Second {
				t.Errorf("one that waits was refused after %v, want 2s", took)
			}
		}
		l.Leave()
		mustEnter(t, l) // those that were refused have left no trace
	})
}

func TestEndOfTheContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := lane.New(lane.Options{})
		mustEnter(t, l)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := l.Enter(ctx); !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, eventstore.ErrBusy) {
			t.Errorf("got %v", err)
		}
		l.Leave()
		if err := l.Enter(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("with a context that has ended: got %v", err)
		}
		mustEnter(t, l)
	})
}

func mustEnter(t *testing.T, l *lane.Lane) {
	t.Helper()
	if err := l.Enter(t.Context()); err != nil {
		t.Error(err)
	}
}

func mustBeBusy(t *testing.T, l *lane.Lane) {
	t.Helper()
	if err := l.Enter(t.Context()); !errors.Is(err, eventstore.ErrBusy) {
		t.Errorf("got %v, want %v", err, eventstore.ErrBusy)
	}
}
