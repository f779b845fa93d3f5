package configstore

import (
	"errors"
	"sync"
	"testing"
	"time"

	"configapi/internal/eventstore"
)

// TestEqualPointsShareASnapshot has many fields of one request ask for the same points in time at
// once.
func TestEqualPointsShareASnapshot(t *testing.T) {
	noon := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	points := []PointInTime{
		{Instant: noon},
		{Instant: noon.Add(time.Microsecond)},
		{Position: eventstore.Position{Seq: 7}},
		{Position: eventstore.Position{Seq: 7, Prefix: [4]byte{1}}},
		{},
	}
	p, found, failed := new(SnapshotCache), make([]int, len(points)), errors.New("failed")
	var asking sync.WaitGroup
	for i, m := range points {
		want := new(Snapshot)
		for range 16 {
			asking.Go(func() {
				got, err := p.Get(t.Context(), m, func() (*Snapshot, error) {
					found[i]++ // two at once are a race
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
			t.Errorf("%v was looked up %d times", points[i], n)
		}
	}
}

// TestAPanicIsAnErrorForConcurrentCallers shows that they get an error and no snapshot.
func TestAPanicIsAnErrorForConcurrentCallers(t *testing.T) {
	p := new(SnapshotCache)
	func() {
		defer func() { _ = recover() }()
		_, _ = p.Get(t.Context(), PointInTime{}, func() (*Snapshot, error) { panic("boom") })
	}()
	if got, err := p.Get(t.Context(), PointInTime{}, nil); got != nil || err != errFindPanicked {
		t.Errorf("got %v, %v", got, err)
	}
}
