package main

import (
	"math"
	"testing"
	"testing/synctest"
	"time"
)

// slowPublisher acknowledges after 2 ms. Its only subscriber has a change 20 ms after the write
// began.
func slowPublisher(tally *tally) *publisher {
	return &publisher{write: func(writers, _ int, _ time.Duration) ([]writer, closers, error) {
		var all []writer
		for range writers {
			all = append(all, func(change int) error {
				time.AfterFunc(20*time.Millisecond, func() {
					if err := tally.deliver(change, int64(change+1), time.Now()); err != nil {
						tally.fail(err)
					}
				})
				time.Sleep(2 * time.Millisecond)
				return nil
			})
		}
		return all, closers{closerFunc(func() error { return nil })}, nil
	}}
}

func TestLoadsOfStreams(t *testing.T) {
	for _, test := range []struct {
		load    streamLoad
		changes int // within a second
		took    time.Duration
	}{
		{streamLoad{writers: 1}, 50, time.Second},                         // one at a time
		{streamLoad{writers: 1, behind: 4}, 250, 1008 * time.Millisecond}, // up to 5 undelivered
		// any number undelivered
		{streamLoad{writers: 1, behind: math.MaxInt, every: 10 * time.Millisecond}, 100, 1010 * time.Millisecond},
		// as fast as acknowledgements arrive
		{streamLoad{writers: 1, behind: math.MaxInt}, 500, 1018 * time.Millisecond},
	} {
		synctest.Test(t, func(t *testing.T) {
			tally := newTally(1)
			s := &session{publisher: slowPublisher(tally), subscribers: 1, tally: tally}
			begin := time.Now()
			err := s.drive(t.Context(), test.load, 64, time.Second)
			if took := time.Since(begin); err != nil || tally.delivered() != test.changes || took != test.took {
				t.Errorf("%+v: got %d changes in %v, %v, want %d in %v", test.load, tally.delivered(), took, err, test.changes, test.took)
			}
		})
	}
}

func TestBurstsAreWrittenAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tally := newTally(1)
		s := &session{publisher: slowPublisher(tally), subscribers: 1, tally: tally}
		writers, _, _ := s.publisher.write(1, 0, 0)
		arrived := make(chan struct{})
		meet := func(change int) error { // waits until the others have begun, too
			select {
			case arrived <- struct{}{}:
			case <-arrived:
			}
			return writers[0](change)
		}
		if err := s.writeAtOnce([]writer{meet, meet}); err != nil {
			t.Error(err)
		}
		if err := s.tally.awaitBehind(t.Context(), 0); err != nil || tally.delivered() != 2 {
			t.Errorf("got %d deliveries, %v", tally.delivered(), err)
		}
	})
}

func TestLostChangeEndsADrive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tally := newTally(2) // only one exists
		s := &session{publisher: slowPublisher(tally), subscribers: 2, tally: tally}
		if err := s.drive(t.Context(), streamLoad{writers: 1}, 64, time.Second); err == nil {
			t.Error("got no error")
		}
	})
}
