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
	"configapi/internal/feed"
)

// ways are all the ways in which a position comes into the store.
var ways = map[string]func(ctx context.Context, s *configstoretest.Store, at eventstore.Bookmark) error{
	"AsOf": func(ctx context.Context, s *configstoretest.Store, at eventstore.Bookmark) error {
		_, err := s.Reader(auth.Anonymous).AsOf(ctx, at)
		return err
	},
	"Changes": func(ctx context.Context, s *configstoretest.Store, at eventstore.Bookmark) error {
		_, err := s.Reader(auth.Anonymous).Changes(ctx, at, config.Filter{}, 1)
		return err
	},
	"FreshReader": func(ctx context.Context, s *configstoretest.Store, at eventstore.Bookmark) error {
		r, err := s.FreshReader(ctx, auth.Anonymous, configstore.Freshness{AtLeast: &at})
		if err == nil && r.Head().Position < at.Position {
			return fmt.Errorf("the reader is at %s", r.Head().Bookmark())
		}
		return err
	},
	"Watch": func(ctx context.Context, s *configstoretest.Store, at eventstore.Bookmark) error {
		_, err := s.Watch(ctx, auth.Anonymous, config.Filter{}, &at)
		return err
	},
}

// eachWay runs a test for each of the ways, in a bubble.
func eachWay(t *testing.T, test func(t *testing.T, ask func(ctx context.Context, s *configstoretest.Store, at eventstore.Bookmark) error)) {
	for what, ask := range ways {
		t.Run(what, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { test(t, ask) })
		})
	}
}

func TestUnknownPositions(t *testing.T) {
	eachWay(t, func(t *testing.T, ask func(context.Context, *configstoretest.Store, eventstore.Bookmark) error) {
		store := configstoretest.New(t, configstore.Options{Feed: feed.Options{RingEvents: 1}})
		other := configstoretest.New(t, configstore.Options{})
		for range 3 {
			store.MustSet(t, "a", "1")
			other.MustSet(t, "a", "1")
		}
		for _, r := range mustRead(t, store.Events) {
			if err := ask(t.Context(), store, r.Bookmark()); err != nil {
				t.Errorf("%s: %v", r.Bookmark(), err)
			}
		}
		if err := ask(t.Context(), store, eventstore.Bookmark{}); err != nil {
			t.Errorf("the beginning: %v", err)
		}
		unknown := []eventstore.Bookmark{{Position: 0, Prefix: [4]byte{1}}, {Position: 2}, {Position: -1}, {Position: -1 << 63}}
		for _, r := range mustRead(t, other.Events) {
			unknown = append(unknown, r.Bookmark())
		}
		for _, at := range unknown {
			mustBeKind(t, ask(t.Context(), store, at), configstore.PositionUnknown, false)
		}
	})
}

// TestPositionBeyondTheHead is waited for, for so long, and judged when it comes.
func TestPositionBeyondTheHead(t *testing.T) {
	eachWay(t, func(t *testing.T, ask func(context.Context, *configstoretest.Store, eventstore.Bookmark) error) {
		events := newFaulty()
		store := configstoretest.On(t, events, configstore.Options{PositionWait: 3 * time.Second})
		took := func(at eventstore.Bookmark) (time.Duration, error) {
			began := time.Now()
			err := ask(t.Context(), store, at)
			return time.Since(began), err
		}
		beyond := eventstore.Bookmark{Position: 2}
		if d, err := took(beyond); d != 3*time.Second {
			t.Errorf("waited for %v, want 3s", d)
		} else {
			mustBeKind(t, err, configstore.PositionNotReached, false)
		}

		time.AfterFunc(time.Second, func() { store.MustSet(t, "a", "1") })
		time.AfterFunc(2*time.Second, func() { store.MustSet(t, "a", "2") })
		if d, err := took(beyond); d != 2*time.Second {
			t.Errorf("waited for %v, want 2s", d)
		} else {
			mustBeKind(t, err, configstore.PositionUnknown, false) // it came, with another hash
		}

		late := configstoretest.On(t, events, configstore.Options{})
		store.MustSet(t, "a", "3")
		head := store.Reader(auth.Anonymous).Head().Bookmark()
		if err := ask(t.Context(), late, head); err != nil {
			t.Errorf("a position that another node wrote: %v", err)
		}

		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		mustBeKind(t, ask(ctx, store, eventstore.Bookmark{Position: 99}), configstore.Unavailable, false)
	})
}

// TestPositionsWhileTheStoreIsAway asks for those that have fallen off the ring.
func TestPositionsWhileTheStoreIsAway(t *testing.T) {
	eachWay(t, func(t *testing.T, ask func(context.Context, *configstoretest.Store, eventstore.Bookmark) error) {
		events := newFaulty()
		store := configstoretest.On(t, events, configstore.Options{Feed: feed.Options{RingEvents: 1}})
		for range 3 {
			store.MustSet(t, "a", "1")
		}
		old := mustRead(t, events)[0].Bookmark()
		events.become(away())
		mustBeKind(t, ask(t.Context(), store, old), configstore.Unavailable, false)
		events.become(hooks{read: func(context.Context, eventstore.Position, eventstore.Limit) ([]eventstore.Record, error) {
			return nil, nil
		}})
		mustBeKind(t, ask(t.Context(), store, old), configstore.Unavailable, false)
		events.become(hooks{})
		if err := ask(t.Context(), store, old); err != nil {
			t.Errorf("when it is back: %v", err)
		}
	})
}
