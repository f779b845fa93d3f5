package bounds

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"configapi/internal/budget"
)

const mib = 1 << 20

// wantEmpty checks that nothing of the budgets is reserved any more.
func wantEmpty(t *testing.T, b *Budgets) {
	t.Helper()
	for _, b := range []*budget.Budget{b.Answers, b.Pages, b.LargeAnswers} {
		if b.Held() != 0 || b.Waiting() != 0 {
			t.Errorf("%d are held, and %d wait", b.Held(), b.Waiting())
		}
	}
}

// TestNegativeOptions are a mistake of the program.
func TestNegativeOptions(t *testing.T) {
	for _, opts := range []Options{{MaxAnswer: -1}, {OperationTime: -1}} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%+v are accepted", opts)
				}
			}()
			NewBudgets(opts)
		}()
	}
}

// TestFieldsThatWaitForMemory: many fields of one answer wait together, 2 s and not 2 s each, and
// the answer's time may end meanwhile.
func TestFieldsThatWaitForMemory(t *testing.T) {
	for _, limit := range []time.Duration{time.Hour, time.Second} {
		synctest.Test(t, func(t *testing.T) {
			budgets := NewBudgets(Options{Answers: budget.New(budget.Options{Bytes: mib / 2}), OperationTime: limit})
			others := budgets.Answers.Reservation()
			if err := others.Grow(t.Context(), mib/2-firstBytes); err != nil {
				t.Fatal(err)
			}
			a := NewAnswer(t.Context(), budgets, budgets.Answers)
			if err := a.Begin(); err != nil {
				t.Fatal(err)
			}
			began := time.Now()
			var fields sync.WaitGroup
			for range 8 {
				fields.Go(func() {
					if err := a.Count(context.WithValue(a, t, t), 20_000); err == nil {
						t.Error("there was memory")
					}
				})
			}
			fields.Wait()
			if took := time.Since(began); took != min(limit, 2*time.Second) {
				t.Errorf("they waited %v", took)
			}
			a.End()
			others.Release()
			wantEmpty(t, budgets)
		})
	}
}

// TestPageBehindAWait: while a field of an answer waits for budgets, the page that another field
// has read waits in nobody's memory: it is dropped, and read again when there is budgets.
func TestPageBehindAWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		budgets := NewBudgets(Options{Answers: budget.New(budget.Options{Bytes: mib})})
		others := budgets.Answers.Reservation()
		if err := others.Grow(t.Context(), mib/2); err != nil {
			t.Fatal(err)
		}
		a := NewAnswer(t.Context(), budgets, budgets.Answers)
		if err := a.Begin(); err != nil {
			t.Fatal(err)
		}
		var fields sync.WaitGroup
		fields.Go(func() {
			if err := a.Count(a, mib*3/5); err != nil {
				t.Error(err)
			}
		})
		synctest.Wait()
		var reads atomic.Int32
		fields.Go(func() {
			read := func() (int64, error) { return 1000, nil }
			if _, err := ReadPage(a, PageBytes, read, func(n int64) int64 { reads.Add(1); return n }); err != nil {
				t.Error(err)
			}
		})
		synctest.Wait()
		others.Release()
		fields.Wait()
		if reads.Load() != 2 {
			t.Errorf("the page was read %d times: it was kept while there was no budgets", reads.Load())
		}
		a.End()
		wantEmpty(t, budgets)
	})
}

// TestMemoryOfAnAnswer: what is passed on is held until it is released, and all else until the end.
func TestMemoryOfAnAnswer(t *testing.T) {
	for _, passed := range []bool{false, true} {
		budgets := NewBudgets(Options{})
		a := NewAnswer(t.Context(), budgets, budgets.Answers)
		if err := errors.Join(a.Begin(), a.Count(t.Context(), 2*mib)); err != nil {
			t.Fatal(err)
		}
		if held := budgets.Answers.Held(); held < 2*mib || budgets.LargeAnswers.Held() != 1 {
			t.Errorf("%d bytes are held, and %d slots", held, budgets.LargeAnswers.Held())
		}
		var shared *budget.Shared
		if passed {
			shared = a.Pass(100)
		}
		a.End()
		if held := budgets.Answers.Held(); passed && held != 100 || !passed && held != 0 {
			t.Errorf("%d bytes are held after the end; passed on: %t", held, passed)
		}
		shared.Release()
		wantEmpty(t, budgets)
		if a.Proceed() == nil || a.Count(t.Context(), 1) == nil {
			t.Error("a field goes on after the end")
		}
	}
}
