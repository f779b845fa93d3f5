package configstore_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"configapi/internal/auth"
	"configapi/internal/config"
	"configapi/internal/configstore"
	"configapi/internal/configstore/configstoretest"
	"configapi/internal/eventstore"
	"configapi/internal/fault"
	"configapi/internal/feed"
)

func filter(t testing.TB, prefix string) config.Filter {
	t.Helper()
	f, err := config.ParseFilter(prefix, nil)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func mustWatch(t testing.TB, store *configstoretest.Store, f config.Filter, after *eventstore.Position) *configstore.Watch {
	t.Helper()
	watch, err := store.Watch(t.Context(), auth.Anonymous, f, after)
	if err != nil {
		t.Fatal(err)
	}
	return watch
}

// summary returns the values of a message, its position, and whether that is the head.
func summary(m configstore.Changes, err error) string {
	if err != nil {
		return err.Error()
	}
	var values []string
	for _, r := range m.Revisions {
		values = append(values, r.Value.String())
	}
	return fmt.Sprintf("%v to %d, caught up: %t", values, m.Position.Seq, m.CaughtUp)
}

// mustReturn fails the test unless the next message of a stream is as wanted, and comes after so
// long.
func mustReturn(t *testing.T, next func(context.Context) (configstore.Changes, error), after time.Duration, want string) {
	t.Helper()
	began := time.Now()
	got := summary(next(t.Context()))
	if took := time.Since(began); got != want || took != after {
		t.Errorf("after %v: got %s, want %s after %v", took, got, want, after)
	}
}

func TestWatchFromNowOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := configstoretest.New(t, configstore.Options{ProgressInterval: 7 * time.Second})
		store.MustSet(t, "a", "before")
		watch := mustWatch(t, store, filter(t, "a"), nil)
		mustReturn(t, watch.Next, 0, "[] to 1, caught up: true") // the position alone
		store.MustSet(t, "a", "1")
		store.MustSet(t, "b", "other")
		mustReturn(t, watch.Next, 0, "[1] to 3, caught up: true")
		store.MustSet(t, "b", "other")
		mustReturn(t, watch.Next, 7*time.Second, "[] to 4, caught up: true") // progress
		time.AfterFunc(3*time.Second, func() { store.MustSet(t, "a", "2") })
		time.AfterFunc(2*time.Second, func() { store.MustSet(t, "b", "other") })
		mustReturn(t, watch.Next, 3*time.Second, "[2] to 6, caught up: true")
		for i := range 6 { // unselected changes do not delay progress
			time.AfterFunc(time.Duration(4*i+1)*time.Second/2, func() { store.MustSet(t, "b", "other") })
		}
		mustReturn(t, watch.Next, 7*time.Second, "[] to 10, caught up: true")
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if m, err := watch.Next(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %s, want %v", summary(m, err), context.DeadlineExceeded)
		}
	})
}

// TestWatchIsSilentWhereNothingHappens idles for an hour. A change that the filter does not select
// wakes no stream: it moves the position when progress is due.
func TestWatchIsSilentWhereNothingHappens(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := configstoretest.New(t, configstore.Options{})
		store.MustSet(t, "a", "before")
		for name, after := range map[string]*eventstore.Position{"from now on": nil, "from the beginning": {}} {
			watch := mustWatch(t, store, filter(t, "b"), after)
			mustReturn(t, watch.Next, 0, "[] to 1, caught up: true")
			idle, cancel := context.WithTimeout(t.Context(), time.Hour)
			if m, err := watch.Next(idle); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("%s: got %s, want nothing", name, summary(m, err))
			}
			cancel()
		}
		watch := mustWatch(t, store, filter(t, "b"), nil)
		mustReturn(t, watch.Next, 0, "[] to 1, caught up: true")
		time.AfterFunc(time.Hour-9*time.Second, func() { store.MustSet(t, "a", "other") })
		mustReturn(t, watch.Next, time.Hour, "[] to 2, caught up: true")
		time.AfterFunc(time.Second, func() { store.MustSet(t, "a", "other") })
		mustReturn(t, watch.Next, 10*time.Second, "[] to 3, caught up: true")
	})
}

func TestWatchFromAPosition(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := configstoretest.New(t, configstore.Options{Feed: feed.Options{RingEvents: 2}})
		for i := range 5 {
			store.MustSet(t, "a", fmt.Sprint(i))
			store.MustSet(t, "b", "other")
		}
		for after, want := range map[eventstore.Seq]string{
			0:  "[0 1 2 3 4] to 10, caught up: true",
			1:  "[1 2 3 4] to 10, caught up: true",
			2:  "[1 2 3 4] to 10, caught up: true",
			9:  "[] to 10, caught up: true",
			10: "[] to 10, caught up: true",
		} {
			start := eventstore.Position{}
			if after > 0 {
				start = configstoretest.MustRead(t, store.Events)[after-1].Position()
			}
			mustReturn(t, mustWatch(t, store, filter(t, "a"), &start).Next, 0, want)
		}
	})
}

// TestWatchCatchesUpInPages reads a history that is longer than a message.
func TestWatchCatchesUpInPages(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := configstoretest.New(t, configstore.Options{Feed: feed.Options{RingEvents: 5}})
		for range feed.DefaultPage + 10 {
			store.MustSet(t, "a", "")
		}
		start := eventstore.Position{}
		watch := mustWatch(t, store, config.Filter{}, &start)
		for _, want := range []struct {
			changes  int
			caughtUp bool
		}{{feed.DefaultPage, false}, {10, true}} {
			got, err := watch.Next(t.Context())
			if err != nil || len(got.Revisions) != want.changes || got.CaughtUp != want.caughtUp {
				t.Errorf("got %d changes, caught up: %t, %v, want %+v", len(got.Revisions), got.CaughtUp, err, want)
			}
		}
		none := mustWatch(t, store, filter(t, "none"), &start)
		mustReturn(t, none.Next, 0, "[] to 1010, caught up: true")
	})
}

// TestProgressOnALongWay has an event store that takes a second for each page, and a filter that
// selects nothing.
func TestProgressOnALongWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		events := configstoretest.NewFaulty()
		store := configstoretest.On(t, events, configstore.Options{Feed: feed.Options{RingEvents: 5}})
		for range 100 {
			store.MustSet(t, "a", "")
		}
		events.SetHooks(configstoretest.Hooks{Read: func(ctx context.Context, after eventstore.Seq, limit eventstore.Limit) ([]eventstore.Record, error) {
			time.Sleep(time.Second)
			return events.Store.Read(ctx, after, eventstore.Limit{Records: min(limit.Records, 2)})
		}})
		start := eventstore.Position{}
		watch := mustWatch(t, store, filter(t, "none"), &start)
		began := time.Now()
		messages, end := 0, eventstore.Seq(0)
		for caughtUp := false; !caughtUp; messages++ {
			called := time.Now()
			m, err := watch.Next(t.Context())
			if err != nil || m.Position.Seq <= end || len(m.Revisions) > 0 {
				t.Fatalf("got %s after position %d", summary(m, err), end)
			}
			if took := time.Since(called); took > 11*time.Second {
				t.Errorf("nothing was heard for %v", took)
			}
			end, caughtUp = m.Position.Seq, m.CaughtUp
		}
		if took := time.Since(began); end != 100 || took < 40*time.Second || messages < 3 {
			t.Errorf("%d messages in %v, up to position %d", messages, took, end)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		if _, err := mustWatch(t, store, filter(t, "none"), &start).Next(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("whose time is over on the way: got %v", err)
		}
	})
}

// TestResumeExactlyOnce ends a stream a hundred times while others write, and resumes it each time
// where the reader was.
func TestResumeExactlyOnce(t *testing.T) {
	const cuts, writers, each = 100, 4, 100
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	dice := rand.New(rand.NewPCG(seed, 0))
	store := configstoretest.New(t, configstore.Options{Feed: feed.Options{RingEvents: 10}})
	node := configstoretest.On(t, store.Events, configstore.Options{Feed: feed.Options{RingEvents: 3}})
	var writing sync.WaitGroup
	for i := range writers {
		writing.Go(func() {
			for n := range each {
				store.MustSet(t, fmt.Sprintf("%c/%d", 'a'+n%2, i), fmt.Sprint(n))
			}
		})
	}
	readers := []struct {
		filter config.Filter
		got    []eventstore.Seq
		at     eventstore.Position
	}{{filter: config.Filter{}}, {filter: filter(t, "a")}}
	for i := range readers {
		r := &readers[i]
		for cut := 0; cut < cuts || r.at.Seq < writers*each; cut++ {
			from := []*configstoretest.Store{store, node}[dice.IntN(2)]
			watch := mustWatch(t, from, r.filter, &r.at)
			for range 1 + dice.IntN(3) {
				if r.at.Seq == writers*each {
					break
				}
				m, err := watch.Next(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				for _, change := range m.Revisions {
					r.got = append(r.got, change.Seq)
				}
				r.at = m.Position
			}
		}
	}
	writing.Wait()
	for _, r := range readers {
		var want []eventstore.Seq
		for _, e := range configstoretest.MustRead(t, store.Events) {
			if r.filter.Matches(e.Name) {
				want = append(want, e.Seq)
			}
		}
		if !slices.Equal(r.got, want) {
			t.Errorf("filter %q: got %v, want %v", r.filter.Prefix(), r.got, want)
		}
	}
}

// TestReadToGoesNoFurther reads up to where the stream already is, and up to before that.
func TestReadToGoesNoFurther(t *testing.T) {
	store := configstoretest.New(t, configstore.Options{})
	for n := range 3 {
		store.MustSet(t, "a", fmt.Sprint(n))
	}
	at := configstoretest.MustRead(t, store.Events)[1].Position()
	for end := range eventstore.Seq(3) {
		got, err := mustWatch(t, store, config.Filter{}, &at).ReadTo(t.Context(), end)
		if err != nil || len(got.Revisions) > 0 || got.Position != at || got.CaughtUp {
			t.Errorf("to %d: got %+v, %v, want nothing at %s", end, got, err, at)
		}
	}
}

func TestWatchConfig(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := configstoretest.New(t, configstore.Options{})
		watch := store.WatchConfig(auth.Anonymous, configstoretest.Name(t, "a"))
		mustBe := func(want string) {
			t.Helper()
			got, err := watch.Next(t.Context())
			text := "nothing"
			if got != nil {
				text = got.Value.String()
			}
			if err != nil || text != want {
				t.Errorf("got %s, %v, want %s", text, err, want)
			}
		}
		mustBe("nothing") // it does not exist yet
		store.MustSet(t, "b", "other")
		time.AfterFunc(time.Hour, func() { store.MustSet(t, "a", "1") })
		mustBe("1")
		store.MustSet(t, "a", "missed")
		store.MustSet(t, "a", "2")
		mustBe("2")
		store.MustSet(t, "a", "2") // the same value is a change, too
		mustBe("2")
		time.AfterFunc(time.Second, func() { store.MustDelete(t, "a") })
		mustBe("nothing")
		time.AfterFunc(time.Second, func() { store.MustRestore(t, "a") })
		mustBe("2")
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if got, err := watch.Next(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %+v, %v, want %v", got, err, context.DeadlineExceeded)
		}

		watch = store.WatchConfig(auth.Anonymous, configstoretest.Name(t, "a"))
		mustBe("2") // the present state, at once
		store.MustDelete(t, "a")
		watch = store.WatchConfig(auth.Anonymous, configstoretest.Name(t, "a"))
		mustBe("nothing")
	})
}

// TestWatchConfigNeverMissesTheLastState writes a config in fast bursts, and waits after each until
// all readers have its last state, however many states they have missed before.
func TestWatchConfigNeverMissesTheLastState(t *testing.T) {
	const readers, bursts, burst = 8, 100, 3
	store := configstoretest.New(t, configstore.Options{})
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	arrived := make(chan struct{})
	var reading sync.WaitGroup
	for range readers {
		watch := store.WatchConfig(auth.Anonymous, configstoretest.Name(t, "a"))
		reading.Go(func() {
			for version := config.Version(0); version < bursts*burst; {
				state, err := watch.Next(ctx)
				switch {
				case err != nil:
					t.Errorf("after version %d: %v", version, err)
					return
				case state == nil: // it does not exist yet
					continue
				case state.Version <= version:
					t.Errorf("version %d came after %d", state.Version, version)
				}
				if version = state.Version; version%burst == 0 {
					arrived <- struct{}{}
				}
			}
		})
	}
	for range bursts {
		for i := range burst {
			store.MustSet(t, "a", fmt.Sprint(i))
		}
		for range readers {
			select {
			case <-arrived:
			case <-ctx.Done():
				reading.Wait()
				t.FailNow()
			}
		}
	}
	reading.Wait()
}

// TestStreamsFailWithTheStore shows the error of a stream that has to read an unreachable event
// store, and that the stream goes on after that.
func TestStreamsFailWithTheStore(t *testing.T) {
	events := configstoretest.NewFaulty()
	store := configstoretest.On(t, events, configstore.Options{Feed: feed.Options{RingEvents: 1}})
	for i := range 3 {
		store.MustSet(t, "a", fmt.Sprint(i))
	}
	start := eventstore.Position{}
	watch := mustWatch(t, store, config.Filter{}, &start)
	events.SetHooks(configstoretest.Unreachable())
	_, err := watch.Next(t.Context())
	configstoretest.MustBeKind(t, err, fault.Unavailable, false)
	_, err = store.Reader(auth.Anonymous).Changes(t.Context(), start, config.Filter{}, 10)
	configstoretest.MustBeKind(t, err, fault.Unavailable, false)
	events.SetHooks(configstoretest.Hooks{})
	if got := summary(watch.Next(t.Context())); got != "[0 1 2] to 3, caught up: true" {
		t.Errorf("got %s", got)
	}
}
