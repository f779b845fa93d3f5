package configstore_test

import (
	"context"
	"fmt"
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

// ways are all the ways in which a position comes into the store.
var ways = map[string]func(ctx context.Context, s *configstoretest.Store, at eventstore.Position) error{
	"AsOf": func(ctx context.Context, s *configstoretest.Store, at eventstore.Position) error {
		_, err := s.Reader(auth.Anonymous).AsOf(ctx, at)
		return err
	},
	"Changes": func(ctx context.Context, s *configstoretest.Store, at eventstore.Position) error {
		_, err := s.Reader(auth.Anonymous).Changes(ctx, at, config.Filter{}, 1)
		return err
	},
	"FreshReader": func(ctx context.Context, s *configstoretest.Store, at eventstore.Position) error {
		r, err := s.FreshReader(ctx, auth.Anonymous, configstore.Freshness{AtLeast: &at})
		if err == nil && r.Head().Seq < at.Seq {
			return fmt.Errorf("the reader is at %s", r.Head().Position())
		}
		return err
	},
	"Watch": func(ctx context.Context, s *configstoretest.Store, at eventstore.Position) error {
		_, err := s.Watch(ctx, auth.Anonymous, config.Filter{}, &at)
		return err
	},
}

// eachWay runs a test for each of the ways, in a bubble.
func eachWay(t *testing.T, test func(t *testing.T, ask func(ctx context.Context, s *configstoretest.Store, at eventstore.Position) error)) {
	for what, ask := range ways {
		t.Run(what, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { test(t, ask) })
		})
	}
}

func TestUnknownPositions(t *testing.T) {
	eachWay(t, func(t *testing.T, ask func(context.Context, *configstoretest.Store, eventstore.Position) error) {
		store := configstoretest.New(t, configstore.Options{Feed: feed.Options{RingEvents: 1}})
		other := configstoretest.New(t, configstore.Options{})
		for range 3 {
			store.MustSet(t, "a", "1")
			other.MustSet(t, "a", "1")
		}
		for _, r := range configstoretest.MustRead(t, store.Events) {
			if err := ask(t.Context(), store, r.Position()); err != nil {
				t.Errorf("%s: %v", r.Position(), err)
			}
		}
		if err := ask(t.Context(), store, eventstore.Position{}); err != nil {
			t.Errorf("the beginning: %v", err)
		}
		unknown := []eventstore.Position{{Seq: 0, Prefix: [4]byte{1}}, {Seq: 2}, {Seq: -1}, {Seq: -1 << 63}}
		for _, r := range configstoretest.MustRead(t, other.Events) {
			unknown = append(unknown, r.Position())
		}
		for _, at := range unknown {
			configstoretest.MustBeKind(t, ask(t.Context(), store, at), fault.PositionUnknown, false)
		}
	})
}

// TestPositionBeyondTheHead asks for a position that the history cannot have: the error comes at
// once, and many callers share one read of the head.
func TestPositionBeyondTheHead(t *testing.T) {
	eachWay(t, func(t *testing.T, ask func(context.Context, *configstoretest.Store, eventstore.Position) error) {
		events := configstoretest.NewFaulty()
		store := configstoretest.On(t, events, configstore.Options{})
		store.MustSet(t, "a", "1")
		synctest.Wait()
		questions := 0
		release := make(chan struct{})
		events.SetHooks(configstoretest.Hooks{Wait: configstoretest.Silent().Wait, Head: func(ctx context.Context) (eventstore.Head, error) {
			questions++
			<-release
			return events.Store.Head(ctx)
		}})
		errs := make(chan error)
		for i := range 50 {
			go func() { errs <- ask(t.Context(), store, eventstore.Position{Seq: eventstore.Seq(2 + i)}) }()
		}
		synctest.Wait()
		began := time.Now()
		close(release)
		for range 50 {
			configstoretest.MustBeKind(t, <-errs, fault.PositionUnknown, false)
		}
		if took := time.Since(began); took != 0 || questions > 2 {
			t.Errorf("it took %v and %d questions for 50 readers", took, questions)
		}
	})
}

// TestPositionOfAnotherNode waits for a position up to a limit, and checks its hash when it is
// applied.
func TestPositionOfAnotherNode(t *testing.T) {
	eachWay(t, func(t *testing.T, ask func(context.Context, *configstoretest.Store, eventstore.Position) error) {
		events := configstoretest.NewFaulty()
		other := configstoretest.On(t, events.Store, configstore.Options{})
		store := configstoretest.On(t, events, configstore.Options{PositionWait: 3 * time.Second})
		synctest.Wait()
		hidden := make(chan struct{})
		events.SetHooks(configstoretest.Hooks{Wait: configstoretest.Silent().Wait, Read: func(ctx context.Context, after eventstore.Seq, limit eventstore.Limit) ([]eventstore.Record, error) {
			<-hidden
			return events.Store.Read(ctx, after, limit)
		}})
		took := func(at eventstore.Position) (time.Duration, error) {
			began := time.Now()
			err := ask(t.Context(), store, at)
			return time.Since(began), err
		}
		written := other.MustSet(t, "a", "1").Position
		if d, err := took(written); d != 3*time.Second {
			t.Errorf("waited for %v, want 3s", d)
		} else {
			configstoretest.MustBeKind(t, err, fault.PositionNotReached, false)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		configstoretest.MustBeKind(t, ask(ctx, store, written), fault.Unavailable, false)

		events.SetHooks(configstoretest.Hooks{Wait: configstoretest.Tick})
		close(hidden)
		next := other.MustSet(t, "a", "2").Position
		if err := ask(t.Context(), store, next); err != nil {
			t.Errorf("a position that another node wrote: %v", err)
		}
		next = other.MustSet(t, "a", "3").Position
		next.Prefix[0]++
		configstoretest.MustBeKind(t, ask(t.Context(), store, next), fault.PositionUnknown, false)
	})
}

// TestPositionBeyondWhatIsKnown shows that a position is neither known nor unknown while the head
// row does not answer.
func TestPositionBeyondWhatIsKnown(t *testing.T) {
	hanging := func(ctx context.Context) (eventstore.Head, error) {
		<-ctx.Done()
		return eventstore.Head{}, ctx.Err()
	}
	for what, head := range map[string]func(context.Context) (eventstore.Head, error){"unreachable": configstoretest.Unreachable().Head, "hanging": hanging} {
		t.Run(what, func(t *testing.T) {
			eachWay(t, func(t *testing.T, ask func(context.Context, *configstoretest.Store, eventstore.Position) error) {
				events := configstoretest.NewFaulty()
				store := configstoretest.On(t, events, configstore.Options{})
				synctest.Wait()
				events.SetHooks(configstoretest.Hooks{Wait: configstoretest.Silent().Wait, Head: head})
				began := time.Now()
				configstoretest.MustBeKind(t, ask(t.Context(), store, eventstore.Position{Seq: 1}), fault.Unavailable, false)
				if took := time.Since(began); took > 2*time.Second {
					t.Errorf("it took %v, want 2s at most", took)
				}
			})
		})
	}
}

// TestPositionsInsideASet shows that a position inside a set means its end for a state, and its
// beginning for changes.
func TestPositionsInsideASet(t *testing.T) {
	for _, ring := range []int{0, 1} { // with the sets on the ring, and in the store alone
		t.Run(fmt.Sprint("ring of ", ring), func(t *testing.T) { positionsInsideASet(t, ring) })
	}
}

func positionsInsideASet(t *testing.T, ring int) {
	events := configstoretest.NewFaulty()
	m := &model{}
	for range 3 {
		m.appendSet(t, events.Store, []string{"a", "b", "c", "d"}, configstoretest.Epoch)
	}
	store := configstoretest.On(t, events, configstore.Options{Feed: feed.Options{RingEvents: ring}})
	r := store.Reader(auth.Anonymous)
	history := configstoretest.MustRead(t, events)
	for i, revision := range history {
		at, end := revision.Position(), history[i/4*4+3].Position()
		start := eventstore.Seq(i / 4 * 4) // before the set
		if i%4 == 3 {
			start += 4
		}
		snapshot, err := r.AsOf(t.Context(), at)
		if err != nil || snapshot.At().Position() != end {
			t.Errorf("as of %s: got %v, %v, want %s", at, snapshot, err, end)
		}
		if _, err := store.FreshReader(t.Context(), auth.Anonymous, configstore.Freshness{AtLeast: &at}); err != nil {
			t.Errorf("at least %s: %v", at, err)
		}
		changes, err := r.Changes(t.Context(), at, config.Filter{}, configstore.MaxPageSize)
		if err != nil || len(changes.Revisions) != len(history)-int(start) {
			t.Errorf("changes after %s: got %d, %v, want %d", at, len(changes.Revisions), err, len(history)-int(start))
		}
		watch := mustWatch(t, store, config.Filter{}, &at)
		if got := watch.Offset().Head.Seq; got != start {
			t.Errorf("a stream after %s begins after %d, want %d", at, got, start)
		}
		instant, err := r.AsOfTime(t.Context(), revision.At)
		if want := eventstore.Seq((i + 1) / 4 * 4); err != nil || instant.At().Seq != want {
			t.Errorf("as of the instant of %s: got %v, %v, want position %d", at, instant, err, want)
		}
	}
}

// TestPositionsWhileTheStoreIsUnreachable asks for positions that are no longer on the ring.
func TestPositionsWhileTheStoreIsUnreachable(t *testing.T) {
	eachWay(t, func(t *testing.T, ask func(context.Context, *configstoretest.Store, eventstore.Position) error) {
		events := configstoretest.NewFaulty()
		store := configstoretest.On(t, events, configstore.Options{Feed: feed.Options{RingEvents: 1}})
		for range 3 {
			store.MustSet(t, "a", "1")
		}
		old := configstoretest.MustRead(t, events)[0].Position()
		events.SetHooks(configstoretest.Unreachable())
		configstoretest.MustBeKind(t, ask(t.Context(), store, old), fault.Unavailable, false)
		events.SetHooks(configstoretest.Hooks{Read: func(context.Context, eventstore.Seq, eventstore.Limit) ([]eventstore.Record, error) {
			return nil, nil
		}})
		configstoretest.MustBeKind(t, ask(t.Context(), store, old), fault.Unavailable, false)
		events.SetHooks(configstoretest.Hooks{})
		if err := ask(t.Context(), store, old); err != nil {
			t.Errorf("when it is back: %v", err)
		}
	})
}
