package configstore

import (
	"errors"
	"sync"
	"testing"
	"time"

	"configapi/internal/eventstore"
)

// TestEqualMomentsShareALookUp has many fields of one operation ask for the same moments at once.
func TestEqualMomentsShareALookUp(t *testing.T) {
	noon := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	moments := []Moment{
		{Instant: noon},
		{Instant: noon.Add(time.Microsecond)},
		{Position: eventstore.Position{Seq: 7}},
		{Position: eventstore.Position{Seq: 7, Prefix: [4]byte{1}}},
		{},
	}
	p, found, failed := new(Moments), make([]int, len(moments)), errors.New("failed")
	var asking sync.WaitGroup
	for i, m := range moments {
		want := new(Snapshot)
		for range 16 {
			asking.Go(func() {
				got, err := p.LookUp(t.Context(), m, func() (*Snapshot, error) {
					found[i]++ // the race detector sees it if two do
					return want, failed
				})
				if got != want || err != failed {
					t.Errorf("%v: got %p, %v, want %p", m, got, err, want)
				}
			})
		}
	}
	asking.Wait()
	for i, n := range found {
		if n != 1 {
			t.Errorf("%v was looked up %d times", moments[i], n)
		}
	}
}

// TestALookUpThatPanicsIsAnErrorForTheOthers keeps them from a snapshot that is not there.
func TestALookUpThatPanicsIsAnErrorForTheOthers(t *testing.T) {
	p := new(Moments)
	func() {
		defer func() { _ = recover() }()
		_, _ = p.LookUp(t.Context(), Moment{}, func() (*Snapshot, error) { panic("boom") })
	}()
	if got, err := p.LookUp(t.Context(), Moment{}, nil); got != nil || err != errLookup {
		t.Errorf("got %v, %v", got, err)
	}
}
