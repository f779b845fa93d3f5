package configstore_test

import (
	"configapi/internal/auth"
	"configapi/internal/config"
	"configapi/internal/configstore"
	"configapi/internal/configstore/configstoretest"
	"configapi/internal/eventstore"
	"configapi/internal/fault"
	"configapi/internal/feed"
	"context"
	"fmt"
	"slices"
	"testing"
	"time"
)

// readings returns all reads that ask the event store.
func readings(t *testing.T, r *configstore.Reader, old eventstore.Position) map[string]func() error {
	name := configstoretest.Name(t, "a")
	// The snapshot itself needs no read.
	snapshot, err := r.AsOf(t.Context(), old)
	if err != nil {
		t.Fatal(err)
	}
	return map[string]func() error{
		"History": func() error { _, _, err := r.History(t.Context(), name, 0, 10); return err },
		"EachPage": func() error {
			return r.EachPage(t.Context(), name, func([]*eventstore.Revision) error { return nil })
		},
		"Revision": func() error { _, err := r.Revision(t.Context(), old); return err },
		"AsOfTime": func() error { _, err := r.AsOfTime(t.Context(), configstoretest.Epoch); return err },
		"Config":   func() error { _, err := snapshot.Config(t.Context(), name); return err },
		"Configs":  func() error { _, err := snapshot.Configs(t.Context(), config.Filter{}, "", 10); return err },
		"Count":    func() error { _, err := snapshot.Count(t.Context(), config.Filter{}); return err },
		"Changes":  func() error { _, err := r.Changes(t.Context(), old, config.Filter{}, 10); return err },
		"RecentChanges": func() error {
			_, err := r.RecentChanges(t.Context(), configstore.ChangeFilter{}, 0, 10)
			return err
		},
		"RecentChanges until": func() error {
			_, err := r.RecentChanges(t.Context(), configstore.ChangeFilter{Until: new(configstoretest.Epoch)}, 0, 10)
			return err
		},
		"Diff": func() error {
			_, err := r.Diff(t.Context(), configstore.DiffQuery{From: snapshot, To: r.Now()}, "", 10, true)
			return err
		},
		"CountDiff": func() error {
			_, err := r.CountDiff(t.Context(), configstore.DiffQuery{From: snapshot, To: r.Now()})
			return err
		},
	}
}

// TestReadsFailClosed reads the past from event stores that are unreachable, have lost it, or hold
// what this program does not know.
func TestReadsFailClosed(t *testing.T) {
	unknown := func(records []eventstore.Record, err error) ([]eventstore.Record, error) {
		for i := range records {
			records[i].SchemaVersion = 99
		}
		return records, err
	}
	for _, test := range []struct {
		what  string
		hooks func(s *configstoretest.Faulty) configstoretest.Hooks
		kind  fault.Kind
		not   []string // reads that do not fail
	}{
		{"unreachable", func(*configstoretest.Faulty) configstoretest.Hooks { return configstoretest.Unreachable() }, fault.Unavailable, nil},
		{"lost", func(*configstoretest.Faulty) configstoretest.Hooks {
			return configstoretest.Hooks{
				Read: func(context.Context, eventstore.Seq, eventstore.Limit) ([]eventstore.Record, error) {
					return nil, nil
				},
				ReadConfig: func(context.Context, eventstore.Head, string, int, eventstore.Limit) ([]eventstore.Record, error) {
					return nil, nil
				},
				ReadConfigBack: func(context.Context, eventstore.Head, string, int, eventstore.Limit) ([]eventstore.Record, error) {
					return nil, nil
				},
				ReadInstant: func(context.Context, eventstore.Head, time.Time) (eventstore.Record, error) {
					return eventstore.Record{}, eventstore.ErrDiverged
				},
				ReadVersions: func(context.Context, eventstore.Head, []eventstore.VersionOf, eventstore.Limit) ([]eventstore.Record, error) {
					return nil, nil
				},
			}
		}, fault.Unavailable, []string{"Config", "Configs", "Count", "RecentChanges", "CountDiff"}},
		{"not known", func(s *configstoretest.Faulty) configstoretest.Hooks {
			return configstoretest.Hooks{
				Read: func(ctx context.Context, after eventstore.Seq, limit eventstore.Limit) ([]eventstore.Record, error) {
					return unknown(s.Store.Read(ctx, after, limit))
				},
				ReadConfig: func(ctx context.Context, basis eventstore.Head, name string, after int, limit eventstore.Limit) ([]eventstore.Record, error) {
					return unknown(s.Store.ReadConfig(ctx, basis, name, after, limit))
				},
				ReadConfigBack: func(ctx context.Context, basis eventstore.Head, name string, before int, limit eventstore.Limit) ([]eventstore.Record, error) {
					return unknown(s.Store.ReadConfigBack(ctx, basis, name, before, limit))
				},
				ReadBack: func(ctx context.Context, basis eventstore.Head, q eventstore.Back, limit eventstore.Limit) ([]eventstore.Record, eventstore.Seq, error) {
					records, end, err := s.Store.ReadBack(ctx, basis, q, limit)
					records, err = unknown(records, err)
					return records, end, err
				},
				ReadAsOf: func(ctx context.Context, basis eventstore.Head, q eventstore.AsOf, limit eventstore.Limit) ([]eventstore.Record, error) {
					return unknown(s.Store.ReadAsOf(ctx, basis, q, limit))
				},
			}
		}, fault.Internal, []string{"Changes", "AsOfTime"}}, // the chain breaks first
	} {
		t.Run(test.what, func(t *testing.T) {
			events := configstoretest.NewFaulty()
			// The third event is at the epoch.
			now := func() time.Time { return configstoretest.Epoch.Add(-2 * time.Microsecond) }
			store := configstoretest.On(t, events, configstore.Options{Feed: feed.Options{RingEvents: 1}, Now: now})
			for i := range 5 {
				store.MustSet(t, "a", fmt.Sprint(i))
			}
			asked := readings(t, store.Reader(auth.Anonymous), configstoretest.MustRead(t, events)[1].Position())
			events.SetHooks(test.hooks(events))
			for what, ask := range asked {
				if !slices.Contains(test.not, what) {
					t.Run(what, func(t *testing.T) { configstoretest.MustBeKind(t, ask(), test.kind, false) })
				}
			}
			events.SetHooks(configstoretest.Hooks{})
			for what, ask := range asked {
				if err := ask(); err != nil {
					t.Errorf("%s when all is well again: %v", what, err)
				}
			}
		})
	}
}
