package configstore_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"configapi/internal/auth"
	"configapi/internal/config"
	"configapi/internal/configstore"
	"configapi/internal/configstore/configstoretest"
	"configapi/internal/eventstore"
	"configapi/internal/eventstore/memory"
	"configapi/internal/projection"
)

// gated is a store whose reads of users wait until the gate is opened.
type gated struct {
	*memory.Store
	gate chan struct{}
}

func (g *gated) ReadHistory(ctx context.Context, basis eventstore.Head, after eventstore.Seq, limit eventstore.Limit) ([]eventstore.Record, error) {
	select {
	case <-g.gate:
		return g.Store.ReadHistory(ctx, basis, after, limit)
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// newGated returns a store with a history of 200 events of two names, whose gate is closed.
func newGated(t *testing.T) *gated {
	events := &gated{memory.New(), make(chan struct{})}
	written := configstoretest.On(t, events.Store, configstore.Options{})
	for i := range 200 {
		written.MustSet(t, fmt.Sprint("n", i%2), fmt.Sprint(i))
	}
	return events
}

// newOther returns the records of a history that has another two events after those of a store.
func newOther(t *testing.T, events eventstore.Store) []eventstore.Record {
	other := copyOf(t, events)
	store := configstoretest.On(t, other, configstore.Options{})
	store.MustSet(t, "n1", "next")
	store.MustSet(t, "n1", "next")
	return mustReadRecords(t, other)
}

var loads = configstore.Options{Follower: projection.Options{RecentEvents: 20}}

// TestReadsOfALoadedState begins at positions before what was loaded, which the feed does not have.
func TestReadsOfALoadedState(t *testing.T) {
	for _, recent := range []int{1, 20} {
		events := newGated(t)
		close(events.gate)
		history := configstoretest.MustRead(t, events)
		store := configstoretest.On(t, events, configstore.Options{Follower: projection.Options{RecentEvents: recent}})
		configstoretest.MustEqualReplay(t, store.Reader(auth.Anonymous), history)
		for _, after := range []int{0, 1, 100, 178, 179, 180, 198, 199} {
			var from eventstore.Position
			if after > 0 {
				from = history[after-1].Position()
			}
			watch, err := store.Watch(t.Context(), auth.Anonymous, config.Filter{}, &from)
			if err != nil {
				t.Fatal(err)
			}
			for next := after; next < len(history); {
				found, err := watch.Next(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				for _, r := range found.Revisions {
					if r.Seq != history[next].Seq || r.Hash != history[next].Hash {
						t.Fatalf("a stream after %d: got %d, want %d", after, r.Seq, history[next].Seq)
					}
					next++
				}
			}
			found, err := store.Reader(auth.Anonymous).Changes(t.Context(), from, config.Filter{}, 500)
			if err != nil || len(found.Revisions) != len(history)-after || !found.CaughtUp {
				t.Errorf("changes after %d: got %d, %v", after, len(found.Revisions), err)
			}
		}
		store.MustSet(t, "n0", "live")
	}
}

// TestUnverifiedPartOutlivesAFailover replaces the tail of a history that is not verified yet. The
// node goes back to what both have, and still verifies what it has not read.
func TestUnverifiedPartOutlivesAFailover(t *testing.T) {
	for _, tampered := range []bool{false, true} {
		t.Run(fmt.Sprintf("tampered %t", tampered), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				events := newGated(t)
				next := newOther(t, events)
				store := configstoretest.On(t, events, loads)
				store.MustSet(t, "n0", "lost")
				if got := store.Health(t.Context()); got.Verified.Seq != 0 || !got.OK() {
					t.Errorf("before the failover: got %+v", got)
				}

				if tampered {
					next[9].Data += " "
				}
				if err := events.Replace(eventstore.HeadOf(&next[201]), next); err != nil {
					t.Fatal(err)
				}
				time.Sleep(time.Minute)
				synctest.Wait()
				if got := store.Health(t.Context()); got.Verified.Seq != 0 || !got.OK() || store.Rebuilds() != 1 {
					t.Errorf("after the failover: got %+v, %d rebuilds", got, store.Rebuilds())
				}
				close(events.gate)
				time.Sleep(time.Minute)
				synctest.Wait()
				got := store.Health(t.Context())
				var broken *eventstore.ChainError
				switch {
				case !tampered && (got.Verified.Seq != 202 || !got.OK()):
					t.Errorf("in the end: got %+v, want all of 202 to be verified", got)
				case tampered && (!errors.As(got.Projection, &broken) || broken.Seq != 10 || store.Rebuilds() != 2):
					t.Errorf("in the end: got %+v, %d rebuilds, want a break at 10", got, store.Rebuilds())
				}
			})
		})
	}
}
