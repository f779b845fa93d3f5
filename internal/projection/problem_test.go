package projection_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"configapi/internal/config"
	"configapi/internal/eventstore"
	"configapi/internal/projection"
)

func TestErrorsAreRetriedWithBackoff(t *testing.T) {
	unreachable := errors.New("the store is unreachable")
	for _, failing := range []string{"head", "read", "read of the next record", "wait"} {
		t.Run(failing, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := newHistory(t)
				h.set("a", "1")
				store := appended(t, h)
				broken := operations{real: store}
				var tries []time.Time
				fail := func() error { tries = append(tries, time.Now()); return unreachable }
				switch failing {
				case "head":
					broken.head = func(context.Context) (eventstore.Head, error) { return eventstore.Head{}, fail() }
				case "read":
					broken.read = func(context.Context, eventstore.Seq, eventstore.Limit) ([]eventstore.Record, error) {
						return nil, fail()
					}
				case "read of the next record":
					broken.head = func(context.Context) (eventstore.Head, error) { return eventstore.Head{Seq: 2}, nil }
					broken.read = func(ctx context.Context, after eventstore.Seq, limit eventstore.Limit) ([]eventstore.Record, error) {
						if limit.Records > 1 {
							return store.Read(ctx, after, limit)
						}
						return nil, fail()
					}
				case "wait":
					broken.wait = func(context.Context, eventstore.Seq) error { return fail() }
				}
				source := &faulty{operations: broken}
				f := follow(t, source, projection.Options{RetryMin: 100 * time.Millisecond, RetryMax: time.Second})
				time.Sleep(time.Minute)
				synctest.Wait()
				if err := f.Problem(); !errors.Is(err, unreachable) || projection.Permanent(err) {
					t.Errorf("Problem() = %v, want %q, not permanent", err, unreachable)
				}
				if ready := f.isReady(); ready != (failing == "wait") {
					t.Errorf("ready: %t", ready)
				}
				mustPauseBetween(t, tries, 100*time.Millisecond, time.Second)

				source.become(operations{real: store})
				f.mustFollow(t, h, time.Second)
				h.set("a", "2")
				grow(t, store, h)
				f.mustFollow(t, h, 0)
				if log := f.log.String(); !strings.Contains(log, "the follower cannot apply the history") || !strings.Contains(log, "the follower applies the history again") {
					t.Errorf("logged:\n%s\nwant a line when it stopped and one when it went on", log)
				}
			})
		})
	}
}

// TestStoreIsFoundSoonAfterALongOutage checks the default pauses after an hour without the
// store.
func TestStoreIsFoundSoonAfterALongOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHistory(t)
		h.set("a", "1")
		store := appended(t, h)
		source := &faulty{operations: operations{real: store, head: func(context.Context) (eventstore.Head, error) {
			return eventstore.Head{}, errors.New("the store is unreachable")
		}}}
		f := follow(t, source, projection.Options{})
		time.Sleep(time.Hour)
		source.become(operations{real: store})
		f.mustFollow(t, h, 500*time.Millisecond)
	})
}

// mustPauseBetween fails unless the pauses begin around low, grow, and stay around high.
func mustPauseBetween(t *testing.T, tries []time.Time, low, high time.Duration) {
	t.Helper()
	if len(tries) < 50 {
		t.Fatalf("tried %d times in a minute", len(tries))
	}
	for i, want := 1, low; i < len(tries); i, want = i+1, min(2*want, high) {
		if pause := tries[i].Sub(tries[i-1]); pause < want/2 || pause > want {
			t.Errorf("pause %d: %v, want %v to %v", i, pause, want/2, want)
		}
	}
}

// TestUnknownEventStopsFollowing checks that an event of a newer program stops the follower, and
// that the follower goes on from there when the program knows the event.
func TestUnknownEventStopsFollowing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHistory(t)
		h.set("a", "1")
		store := appended(t, h)
		future := h.fork()
		unknown := []eventstore.Record{{
			Name: "a", Version: 2, Type: "ConfigValueSet", SchemaVersion: 99, Data: "{}", RecordedAt: future.head.RecordedAt.Add(1000),
		}}
		future.seal(unknown)
		source := &faulty{operations: operations{real: store, wait: tick}}
		f := follow(t, source, projection.Options{})
		f.mustFollow(t, h, 0)

		grow(t, store, future)
		f.mustStop(t, 1, `decoding the event at seq 2: unknown event type "ConfigValueSet", schema version 99`, true)

		// The source returns a known event instead, as if the program had been updated.
		h.commit(set(t, "a", "2"))
		h.set("b", "1")
		source.become(operations{real: appended(t, h)})
		f.mustFollow(t, h, 5*time.Second)
	})
}

func TestUnknownEventInTheHistoryIsNeverReady(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHistory(t)
		h.seal([]eventstore.Record{{Name: "a", Version: 1, Type: "ConfigRenamed", SchemaVersion: 1, RecordedAt: time.Now()}})
		f := follow(t, appended(t, h), projection.Options{})
		f.mustStop(t, 0, `unknown event type "ConfigRenamed", schema version 1`, true)
		if f.isReady() {
			t.Error("ready although an event was not applied")
		}
		if n := strings.Count(f.log.String(), "\n"); n != 1 {
			t.Errorf("%d lines in the log for one problem:\n%s", n, &f.log)
		}
	})
}

// TestFollowerFailsClosed gives the follower histories that are broken or replaced.
func TestFollowerFailsClosed(t *testing.T) {
	const applied = 3
	for _, test := range []struct {
		what      string
		change    func(h *history, s *operations)
		problem   string
		permanent bool
	}{
		{"a record was edited", func(h *history, _ *operations) {
			h.set("a", "4")
			h.records[3].Data = `{"value":"5"}`
		}, "broken at position 4: its data does not match", true},
		{"a record is missing", func(h *history, _ *operations) {
			h.set("a", "4")
			h.set("a", "5")
			h.records = append(h.records[:3], h.records[4])
		}, "broken at position 4: the next record has position 5", true},
		{"the newest record is missing", func(h *history, s *operations) {
			h.set("a", "4")
			h.records = h.records[:3]
			s.head = func(context.Context) (eventstore.Head, error) { return h.head, nil }
		}, "broken at position 4: its record is missing", true},
		{"the end of a change set is missing", func(h *history, _ *operations) {
			h.commit(set(h.t, "x", "1"), set(h.t, "y", "1"))
			h.records = h.records[:4]
		}, "broken at position 5: its record is missing", true},
		{"the history is shorter", func(h *history, _ *operations) {
			h.records = h.records[:2]
		}, "the history is not the one that was applied: its head is 2-", true},
		{"another history of the same length", func(h *history, _ *operations) {
			h.replaceBy(applied)
		}, "the history is not the one that was applied: its head is 3-", true},
		{"another history that is longer", func(h *history, _ *operations) {
			h.replaceBy(applied + 2)
		}, "the history is not the one that was applied: seq 3 has another hash", true},
		{"another history that is longer, and broken", func(h *history, _ *operations) {
			h.replaceBy(applied + 2)
			h.records[4].Data = `{"value":"5"}`
		}, "the history is not the one that was applied: seq 3 has another hash", true},
		{"a record was edited, and so was the hash before it", func(h *history, _ *operations) {
			h.set("a", "4")
			h.records = slices.Clone(h.records)
			h.records[3].Data = `{"value":"5"}`
			h.records[2].Hash[0]++
		}, "the history is not the one that was applied: seq 3 has another hash", true},
		{"an event cannot follow", func(h *history, _ *operations) {
			h.states["b"] = config.Aggregate{Version: 7}
			h.set("b", "1")
		}, `applying the event at seq 4: applying version 8 of config "b" to version 0`, false},
	} {
		t.Run(test.what, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := newHistory(t)
				for i := range applied {
					h.set("a", fmt.Sprint(i+1))
				}
				source := &faulty{operations: operations{real: appended(t, h), wait: tick}}
				f := follow(t, source, projection.Options{})
				f.mustFollow(t, h, 0)
				view := f.View()

				changed := operations{wait: tick}
				test.change(h, &changed)
				changed.real = appended(t, h)
				source.become(changed)
				f.mustStop(t, applied, test.problem, test.permanent)
				if f.View() != view {
					t.Error("the view has changed")
				}
			})
		})
	}
}

// replaceBy replaces a history by another one of n records.
func (h *history) replaceBy(n int) {
	*h = *newHistory(h.t)
	for i := range n {
		h.set("other", fmt.Sprint(i))
	}
}
