package projection_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"configapi/internal/config"
	"configapi/internal/eventstore"
	"configapi/internal/eventstore/memory"
	"configapi/internal/projection"
)

// following is a follower that runs until the test ends.
type following struct {
	*projection.Follower
	*projection.Projection
	log bytes.Buffer
}

// follow runs a follower. It must be in a bubble, where waiting takes no time.
func follow(t *testing.T, source projection.Source, opts projection.Options) *following {
	t.Helper()
	f := &following{Projection: projection.New(&listener{})}
	opts.Log = slog.New(slog.NewTextHandler(&f.log, nil))
	f.Follower = projection.NewFollower(f.Projection, source, opts)
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- f.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	return f
}

func (f *following) isReady() bool {
	select {
	case <-f.Ready():
		return true
	default:
		return false
	}
}

// mustFollow fails the test unless the follower has applied all of the history within d and says that all is well.
func (f *following) mustFollow(t *testing.T, h *history, d time.Duration) {
	t.Helper()
	time.Sleep(d)
	synctest.Wait()
	if err := f.Problem(); err != nil || !f.isReady() {
		t.Fatalf("Problem() = %v, ready: %t", err, f.isReady())
	}
	h.mustShow(f.View())
}

// mustStop fails the test unless the follower names what is wrong and stays at a position.
func (f *following) mustStop(t *testing.T, at eventstore.Position, problem string, permanent bool) {
	t.Helper()
	time.Sleep(20 * time.Second)
	synctest.Wait()
	err := f.Problem()
	if err == nil || !strings.Contains(err.Error(), problem) {
		t.Fatalf("Problem() = %v, want %q", err, problem)
	}
	if got := projection.Permanent(err); got != permanent {
		t.Errorf("Permanent(%v) = %t", err, got)
	}
	if got := f.View().Head().Position; got != at {
		t.Errorf("applied up to position %d, want %d", got, at)
	}
}

func mustAppend(t *testing.T, s eventstore.Store, after eventstore.Head, records []eventstore.Record) {
	t.Helper()
	if err := s.Append(t.Context(), after, records); err != nil {
		t.Fatal(err)
	}
}

// appended returns a store that holds what a history has so far.
func appended(t *testing.T, h *history) *memory.Store {
	t.Helper()
	s := memory.New()
	if len(h.records) > 0 {
		mustAppend(t, s, eventstore.Head{}, h.records)
	}
	return s
}

// grow appends to a store what a history has more than it.
func grow(t *testing.T, s eventstore.Store, h *history) {
	t.Helper()
	head, err := s.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	mustAppend(t, s, head, h.records[head.Position:])
}

func TestFollowerAppliesHistoryAndWhatComes(t *testing.T) {
	for _, page := range []int{0, 1, 2, 7} {
		t.Run(fmt.Sprintf("pages of %d", page), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := newHistory(t)
				for i := range 20 {
					h.set(fmt.Sprintf("n%d", i%5), fmt.Sprint(i))
				}
				store := appended(t, h)
				f := follow(t, store, projection.Options{PageSize: page})
				f.mustFollow(t, h, 0)
				for i := range 10 {
					h.set("live", fmt.Sprint(i))
					h.set("a", fmt.Sprint(i))
					grow(t, store, h)
					f.mustFollow(t, h, 0)
				}
				if f.log.Len() > 0 {
					t.Errorf("logged:\n%s", &f.log)
				}
			})
		})
	}
}

func TestReadyOnAnEmptyHistory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		follow(t, memory.New(), projection.Options{}).mustFollow(t, newHistory(t), 0)
	})
}

// TestReadyOnceAllIsApplied holds back the last page of the history.
func TestReadyOnceAllIsApplied(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHistory(t)
		for i := range 10 {
			h.set("a", fmt.Sprint(i))
		}
		store := appended(t, h)
		slowly := func(ctx context.Context, after eventstore.Position, limit int) ([]eventstore.Record, error) {
			if after >= 8 {
				time.Sleep(time.Minute)
			}
			return store.Read(ctx, after, limit)
		}
		f := follow(t, &faulty{operations: operations{real: store, read: slowly}}, projection.Options{PageSize: 4})
		time.Sleep(59 * time.Second)
		synctest.Wait()
		if got := f.View().Head().Position; f.isReady() || got != 8 {
			t.Errorf("ready: %t at position %d, want not yet, at 8", f.isReady(), got)
		}
		f.mustFollow(t, h, 2*time.Minute)
	})
}

// TestTickAloneSuffices follows a store that never tells of new events, but wakes its readers every now and then.
func TestTickAloneSuffices(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, store := newHistory(t), memory.New()
		f := follow(t, &faulty{operations: operations{real: store, wait: tick}}, projection.Options{})
		for i := range 5 {
			h.set("a", fmt.Sprint(i))
			grow(t, store, h)
			f.mustFollow(t, h, 501*time.Millisecond)
		}
	})
}

// TestChangeSetsBecomeReadableAsOne puts sets of all sizes on pages of all sizes, and looks at every view that there is.
func TestChangeSetsBecomeReadableAsOne(t *testing.T) {
	h := newHistory(t)
	ends := make(map[eventstore.Position]bool)
	for _, size := range []int{1, 2, 3, 1, 6, 1, 1, 5, 4, 2} {
		var commands []config.Command
		for i := range size {
			commands = append(commands, set(t, fmt.Sprintf("n%d", i), fmt.Sprint(h.head.Position)))
		}
		h.commit(commands...)
		ends[h.head.Position] = true
	}
	for page := 1; page < 10; page++ {
		var p *projection.Projection
		p = projection.New(&listener{onHear: func([]*eventstore.Revision) {
			if at := p.View().Head().Position; !ends[at] {
				t.Errorf("pages of %d: there was a view of position %d, within a change set", page, at)
			}
		}})
		f := projection.NewFollower(p, appended(t, h), projection.Options{PageSize: page})
		if err := f.CatchUp(t.Context()); err != nil {
			t.Fatal(err)
		}
		h.mustShow(p.View())
	}
}

func TestErrorsAreRetriedWithBackoff(t *testing.T) {
	away := errors.New("the store is away")
	for _, failing := range []string{"head", "read", "read of what the head tells of", "wait"} {
		t.Run(failing, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := newHistory(t)
				h.set("a", "1")
				store := appended(t, h)
				broken := operations{real: store}
				var tries []time.Time
				fail := func() error { tries = append(tries, time.Now()); return away }
				switch failing {
				case "head":
					broken.head = func(context.Context) (eventstore.Head, error) { return eventstore.Head{}, fail() }
				case "read":
					broken.read = func(context.Context, eventstore.Position, int) ([]eventstore.Record, error) { return nil, fail() }
				case "read of what the head tells of":
					broken.head = func(context.Context) (eventstore.Head, error) { return eventstore.Head{Position: 2}, nil }
					broken.read = func(ctx context.Context, after eventstore.Position, limit int) ([]eventstore.Record, error) {
						if limit > 1 {
							return store.Read(ctx, after, limit)
						}
						return nil, fail()
					}
				case "wait":
					broken.wait = func(context.Context, eventstore.Position) error { return fail() }
				}
				source := &faulty{operations: broken}
				f := follow(t, source, projection.Options{RetryMin: 100 * time.Millisecond, RetryMax: time.Second})
				time.Sleep(time.Minute)
				synctest.Wait()
				if err := f.Problem(); !errors.Is(err, away) || projection.Permanent(err) {
					t.Errorf("Problem() = %v, want %q, not permanent", err, away)
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
				if log := f.log.String(); !strings.Contains(log, "not following the history") || !strings.Contains(log, "following the history again") {
					t.Errorf("logged:\n%s\nwant a line when it stopped and one when it went on", log)
				}
			})
		})
	}
}

// mustPauseBetween fails the test unless the pauses begin around low, grow, and stay around high.
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

// TestUnknownEventStopsFollowing shows that an event of a newer program stops the follower, and that it goes on from there when
// it is replaced by one that knows it.
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
		f.mustStop(t, 1, `decoding the event at position 2: unknown event type "ConfigValueSet", schema version 99`, true)

		// A source that gives the same event as this program knows it stands for a program that has learnt it.
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

// TestFollowerFailsClosed gives it histories that are not what they should be.
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
			h.records[3].Data = `{"value":"5","old_value":"3"}`
		}, "broken at position 4: its hash does not match", true},
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
		}, "broken at position 4: its hash does not match", true},
		{"an event cannot follow", func(h *history, _ *operations) {
			h.states["b"] = config.Aggregate{Version: 7}
			h.set("b", "1")
		}, `applying the event at position 4: applying version 8 of config "b" to version 0`, false},
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

// replaceBy makes a history another one, of n records.
func (h *history) replaceBy(n int) {
	*h = *newHistory(h.t)
	for i := range n {
		h.set("other", fmt.Sprint(i))
	}
}

// tick waits as a store does that is never told of new events.
func tick(ctx context.Context, _ eventstore.Position) error {
	select {
	case <-time.After(500 * time.Millisecond):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// TestFollowerLetsTheWriterGoFirst shows that what the writer of the same process is about to apply is not read back, and that
// a writer who takes long holds nothing up.
func TestFollowerLetsTheWriterGoFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHistory(t)
		store := memory.New()
		reads := 0
		counting := func(ctx context.Context, after eventstore.Position, limit int) ([]eventstore.Record, error) {
			reads++
			return store.Read(ctx, after, limit)
		}
		applied := make(chan struct{})
		f := follow(t, &faulty{operations: operations{real: store, read: counting}}, projection.Options{AwaitOwnAppend: func(ctx context.Context) {
			select {
			case <-applied:
			case <-time.After(time.Second):
			case <-ctx.Done():
			}
		}})
		f.mustFollow(t, h, 0)
		reads = 0

		h.set("a", "1")
		grow(t, store, h)
		synctest.Wait()
		if err := f.Apply(eventstore.Head{}, mustDecode(t, h.records)); err != nil {
			t.Fatal(err)
		}
		applied <- struct{}{}
		f.mustFollow(t, h, 0)
		if reads != 0 {
			t.Errorf("read back %d times what the writer has applied", reads)
		}

		h.set("a", "2")
		grow(t, store, h) // by another node
		f.mustFollow(t, h, time.Second)
		if reads == 0 {
			t.Error("an event was applied that was never read")
		}
	})
}

func TestCatchUpEndsWithItsContext(t *testing.T) {
	h := newHistory(t)
	h.set("a", "1")
	ctx, cancel := context.WithCancel(t.Context())
	source := &faulty{operations: operations{real: appended(t, h)}}
	source.read = func(_ context.Context, after eventstore.Position, _ int) ([]eventstore.Record, error) {
		cancel()
		return h.records[after:], nil
	}
	f := projection.NewFollower(projection.New(&listener{}), source, projection.Options{})
	if err := f.CatchUp(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want %v", err, context.Canceled)
	}
}

// TestEventsThatComeAtTheEndOfCatchingUp appends between the last page and the look at the head.
func TestEventsThatComeAtTheEndOfCatchingUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, store := newHistory(t), memory.New()
		late := func(ctx context.Context) (eventstore.Head, error) {
			if h.head.Position < 5 {
				h.set("a", "late")
				grow(t, store, h)
			}
			return store.Head(ctx)
		}
		f := follow(t, &faulty{operations: operations{real: store, head: late}}, projection.Options{})
		f.mustFollow(t, h, 0)
		if h.head.Position != 5 || f.log.Len() > 0 {
			t.Errorf("at position %d, logged:\n%s", h.head.Position, &f.log)
		}
	})
}
