package graph

import (
	"errors"
	"sync"
	"testing"
	"time"

	"configapi/internal/configstore"
	"configapi/internal/eventstore"
)

// TestEqualMomentsShareALookUp has many fields of one operation ask for the same moments at once.
func TestEqualMomentsShareALookUp(t *testing.T) {
	noon := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	moments := []moment{
		{instant: noon},
		{instant: noon.Add(time.Microsecond)},
		{position: eventstore.Bookmark{Position: 7}},
		{position: eventstore.Bookmark{Position: 7, Prefix: [4]byte{1}}},
		{},
	}
	p, found, failed := new(pin), make([]int, len(moments)), errors.New("failed")
	var asking sync.WaitGroup
	for i, m := range moments {
		want := new(configstore.Snapshot)
		for range 16 {
			asking.Go(func() {
				got, err := p.share(t.Context(), m, func() (*configstore.Snapshot, error) {
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
	p := new(pin)
	func() {
		defer func() { _ = recover() }()
		_, _ = p.share(t.Context(), moment{}, func() (*configstore.Snapshot, error) { panic("boom") })
	}()
	if got, err := p.share(t.Context(), moment{}, nil); got != nil || err != errLookup {
		t.Errorf("got %v, %v", got, err)
	}
}
