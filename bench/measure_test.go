package main

import (
	"errors"
	"io"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// scripted is a contender that answers every 10 ms and records its turns. It fails from its turn
// broken on, if that is not 0.
func scripted(by string, broken int, turns *[]string) contender {
	mine := 0
	connect := func(clients int, _ clientOptions) ([]operation, closers, error) {
		*turns = append(*turns, by)
		if mine++; mine == broken {
			return nil, nil, errors.New("broken")
		}
		op := func() error { time.Sleep(10 * time.Millisecond); return nil }
		return slices.Repeat([]operation{op}, clients), nil, nil
	}
	return contender{by: by, connect: map[string]connector{partReads: connect}, forget: func() error { return nil }}
}

func TestContendersTakeTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var turns []string
		contenders := []contender{scripted("a", 0, &turns), scripted("b", 0, &turns), scripted("c", 2, &turns)}
		o := options{Parts: []string{partWrites, partReads}, Clients: []int{2}, Rounds: 4, Duration: time.Second}
		got, err := measureLoads(t.Context(), o, contenders, io.Discard)
		if err != nil {
			t.Fatal(err)
		}
		// Each round begins with another contender. c fails in its second turn and has no further
		// one.
		if want := []string{"a", "b", "c", "b", "c", "a", "a", "b", "a", "b"}; !slices.Equal(turns, want) {
			t.Errorf("got turns %v, want %v", turns, want)
		}
		if len(got) != 3 {
			t.Errorf("got %d cells, want 3: no writers", len(got))
		}
		for _, by := range []string{"a", "b"} {
			s := got[cell{Part: partReads, By: by, Clients: 2}]
			if s == nil || s.Err != nil || len(s.Samples) != 4 || s.Samples[3].rate() < 190 {
				t.Errorf("%s: got %+v, want 4 samples of about 200/s", by, s)
			}
		}
		if s := got[cell{Part: partReads, By: "c", Clients: 2}]; s == nil || s.Err == nil || len(s.Samples) != 0 {
			t.Errorf("c: got %+v, want an error and no samples", s)
		}
	})
}
