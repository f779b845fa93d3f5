package queryqueue_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"configapi/internal/eventstore"
	"configapi/internal/eventstore/queryqueue"
)

func TestTurnsComeInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := queryqueue.New(2)
		mustAcquire(t, q)
		mustAcquire(t, q)
		var order []int
		for i := range 5 {
			go func() {
				mustAcquire(t, q)
				order = append(order, i)
			}()
			synctest.Wait()
		}
		for n := range 5 {
			if len(order) != n {
				t.Fatalf("%d have a turn, want %d", len(order), n)
			}
			q.Release()
			synctest.Wait()
		}
		if !slices.IsSorted(order) {
			t.Errorf("the turns came in the order %v", order)
		}
	})
}

// TestTooManyAreRefused asks for one read more than may wait. New(0) lets one run.
func TestTooManyAreRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := queryqueue.New(0)
		mustAcquire(t, q)
		began := time.Now()
		waited := make(chan time.Duration, queryqueue.MaxWaiting)
		for range queryqueue.MaxWaiting {
			go func() {
				mustBeBusy(t, q)
				waited <- time.Since(began)
			}()
		}
		synctest.Wait()
		mustBeBusy(t, q)
		if took := time.Since(began); took != 0 {
			t.Errorf("one too many was refused after %v, want at once", took)
		}
		for range queryqueue.MaxWaiting {
			if took := <-waited; took != queryqueue.MaxWait {
				t.Errorf("a read that waits was refused after %v, want %v", took, queryqueue.MaxWait)
			}
		}
		q.Release()
		mustAcquire(t, q) // the refused reads have left no trace
	})
}

func TestEndOfTheContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := queryqueue.New(1)
		mustAcquire(t, q)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := q.Acquire(ctx); !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, eventstore.ErrBusy) {
			t.Errorf("got %v, want only %v", err, context.DeadlineExceeded)
		}
		q.Release()
		if err := q.Acquire(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("with a context that has ended: got %v, want %v", err, context.DeadlineExceeded)
		}
		mustAcquire(t, q)
	})
}

func mustAcquire(t *testing.T, q *queryqueue.Queue) {
	t.Helper()
	if err := q.Acquire(t.Context()); err != nil {
		t.Error(err)
	}
}

func mustBeBusy(t *testing.T, q *queryqueue.Queue) {
	t.Helper()
	if err := q.Acquire(t.Context()); !errors.Is(err, eventstore.ErrBusy) {
		t.Errorf("got %v, want %v", err, eventstore.ErrBusy)
	}
}
