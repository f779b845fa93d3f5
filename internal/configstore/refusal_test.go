package configstore_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"

	"configapi/internal/auth"
	"configapi/internal/config"
	"configapi/internal/configstore"
	"configapi/internal/configstore/configstoretest"
	"configapi/internal/eventstore"
	"configapi/internal/fault"
	"configapi/internal/feed"
)

// refusals are writes that are refused whatever the state of the config a is once it has changed
// after its first change. They also say what that state is.
var refusals = map[string]func(t *testing.T, s *configstoretest.Store, first eventstore.Position) error{
	"a set with an invalid change": func(t *testing.T, s *configstoretest.Store, _ eventstore.Position) error {
		set := setOf(configstoretest.SetAt(t, "a", "x", 1))
		set.Changes = append(set.Changes, config.Change{Invalid: []*config.InvalidError{{Field: "name", Rule: "is empty"}}})
		_, err := s.Apply(t.Context(), auth.Anonymous, set)
		return err
	},
	"a set with an unknown position": func(t *testing.T, s *configstoretest.Store, _ eventstore.Position) error {
		set := setOf(configstoretest.SetAt(t, "a", "x", 1), configstoretest.Set(t, "b", "x"))
		set.AsSeenAt = &config.RevisionID{Seq: 1}
		_, err := s.Apply(t.Context(), auth.Anonymous, set)
		return err
	},
	"a change with an unknown position": func(t *testing.T, s *configstoretest.Store, _ eventstore.Position) error {
		set := setOf(configstoretest.SetAt(t, "a", "x", 1))
		set.AsSeenAt = &config.RevisionID{Seq: 1}
		_, err := s.Do(t.Context(), auth.Anonymous, set)
		return err
	},
	"a revert as seen before": func(t *testing.T, s *configstoretest.Store, first eventstore.Position) error {
		_, err := s.Revert(t.Context(), auth.Anonymous, configstore.Revert{AsSeenAt: &first})
		return err
	},
	"a set that cannot be undone any more": func(t *testing.T, s *configstoretest.Store, first eventstore.Position) error {
		_, err := s.RevertChangeSet(t.Context(), auth.Anonymous, configstore.RevertSet{ChangeSet: first})
		return err
	},
}

// currentOf returns the position of the newest state that a refusal says a config has.
func currentOf(err error) eventstore.Position {
	rejection, is := errors.AsType[*fault.Rejection](err)
	if is {
		err = rejection.Failures[0].Err
	}
	if conflict, is := errors.AsType[*fault.RevertConflict](err); is {
		return conflict.Current.Position()
	}
	if refusal, is := errors.AsType[*fault.Refusal](err); is {
		return refusal.Current.Position()
	}
	return eventstore.Position{}
}

// TestRefusalsAreNotOlderThanAcknowledgements has a node refuse writes that does not know of a
// change which another node has acknowledged. It learns of it by reading the head alone.
func TestRefusalsAreNotOlderThanAcknowledgements(t *testing.T) {
	for what, write := range refusals {
		t.Run(what, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				events := configstoretest.NewFaulty()
				asked := make(chan struct{})
				hooks := configstoretest.Hooks{Wait: func(ctx context.Context, after eventstore.Seq) error {
					select {
					case <-asked:
						return events.Store.Wait(ctx, after)
					case <-ctx.Done():
						return ctx.Err()
					}
				}}
				events.SetHooks(hooks)
				store := configstoretest.On(t, events, configstore.Options{})
				first := store.MustSet(t, "a", "1").Position
				store.MustSet(t, "a", "2")
				other := configstoretest.On(t, events.Store, configstore.Options{})
				acknowledged := other.MustSet(t, "a", "3").Position
				ask := sync.OnceFunc(func() { close(asked) })
				hooks.Head = func(ctx context.Context) (eventstore.Head, error) {
					ask()
					return events.Store.Head(ctx)
				}
				events.SetHooks(hooks)

				err := write(t, store, first)
				if got := currentOf(err); got != acknowledged {
					t.Errorf("got %v, about the state at %s, want the one at %s", err, got, acknowledged)
				}
				if rejection, is := errors.AsType[*fault.Rejection](err); is && rejection.Position != acknowledged {
					t.Errorf("it was refused at %s, want %s", rejection.Position, acknowledged)
				}
			})
		})
	}
}

// lose returns a store that has not noticed yet that another history has taken the place of the one
// applied. Both begin with first; the position that follows is lost in the one, and next in the
// other.
func lose(t *testing.T, ring int) (store *configstoretest.Store, first, next eventstore.Position) {
	t.Helper()
	events := configstoretest.NewFaulty()
	events.SetHooks(configstoretest.Silent())
	store = configstoretest.On(t, events, configstore.Options{Feed: feed.Options{RingEvents: ring}})
	first = store.MustSet(t, "a", "1").Position
	taken := copyOf(t, events)
	next = configstoretest.On(t, taken, configstore.Options{}).MustSet(t, "a", "new").Position
	store.MustSet(t, "a", "lost")
	store.MustSet(t, "b", "lost")
	hooks := replacedBy(taken)
	hooks.Wait = configstoretest.Silent().Wait
	events.SetHooks(hooks)
	return store, first, next
}

// TestRefusalsOfALostHistory shows that nothing is refused for what a lost history says, also when
// a node has not noticed yet that its history is lost.
func TestRefusalsOfALostHistory(t *testing.T) {
	for what, write := range refusals {
		t.Run(what, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store, first, next := lose(t, 0)
				configstoretest.MustBeKind(t, write(t, store, first), fault.Unavailable, false)
				synctest.Wait() // the question was enough to notice it
				configstoretest.MustGetReady(t, store.Store)
				if got := currentOf(write(t, store, first)); got != next {
					t.Errorf("afterwards: refused for the state at %s, want the one at %s", got, next)
				}
			})
		})
	}
}

// TestPositionsOfAnUnnoticedHistory shows that a position of the history that has taken the place
// of the one applied is not refused as unknown. One that neither has is.
func TestPositionsOfAnUnnoticedHistory(t *testing.T) {
	for _, ring := range []int{0, 1} {
		eachWay(t, func(t *testing.T, ask func(context.Context, *configstoretest.Store, eventstore.Position) error) {
			store, first, next := lose(t, ring)
			configstoretest.MustBeKind(t, ask(t.Context(), store, next), fault.Unavailable, false)
			synctest.Wait()
			configstoretest.MustGetReady(t, store.Store)
			if err := ask(t.Context(), store, next); err != nil {
				t.Errorf("afterwards: %v", err)
			}
			first.Prefix[0]++
			configstoretest.MustBeKind(t, ask(t.Context(), store, first), fault.PositionUnknown, false)
		})
	}
}

// TestForeignPositionWhileTheStoreIsUnreachable asks for a position with another hash. Nobody knows
// then whether the history has it by now.
func TestForeignPositionWhileTheStoreIsUnreachable(t *testing.T) {
	eachWay(t, func(t *testing.T, ask func(context.Context, *configstoretest.Store, eventstore.Position) error) {
		events := configstoretest.NewFaulty()
		store := configstoretest.On(t, events, configstore.Options{})
		at := store.MustSet(t, "a", "1").Position
		at.Prefix[0]++
		synctest.Wait()
		events.SetHooks(configstoretest.Unreachable())
		configstoretest.MustBeKind(t, ask(t.Context(), store, at), fault.Unavailable, false)
	})
}

// TestPlansOfALostHistory has the history replaced between the plan of a revert and its set. What
// was planned for the one history must not be done to the other.
func TestPlansOfALostHistory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		events := configstoretest.NewFaulty()
		events.SetHooks(configstoretest.Silent())
		store := configstoretest.On(t, events, configstore.Options{})
		first := store.MustSet(t, "a", "1").Position
		taken := copyOf(t, events)
		other := configstoretest.On(t, taken, configstore.Options{})
		other.MustSet(t, "b", "new")
		store.MustSet(t, "a", "lost")
		hooks := configstoretest.Silent()
		hooks.ReadAsOf = func(ctx context.Context, basis eventstore.Head, q eventstore.AsOf, limit eventstore.Limit) ([]eventstore.Record, error) {
			found, err := events.Store.ReadAsOf(ctx, basis, q, limit)
			failOver(events, taken)
			_, noticed := store.FreshReader(ctx, auth.Anonymous, linearizable)
			configstoretest.MustBeKind(t, noticed, fault.Unavailable, false)
			synctest.Wait()
			configstoretest.MustGetReady(t, store.Store)
			return found, err
		}
		events.SetHooks(hooks)

		_, err := store.Revert(t.Context(), auth.Anonymous, configstore.Revert{To: configstore.PointInTime{Position: first}})
		configstoretest.MustBeKind(t, err, fault.Unavailable, false)
		configstoretest.MustHaveHistory(t, taken, "a=1", "b=new")
	})
}
