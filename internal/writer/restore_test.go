package writer_test

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"configapi/internal/auth"
	"configapi/internal/config"
	"configapi/internal/configstore"
	"configapi/internal/configstore/configstoretest"
	"configapi/internal/eventstore"
	"configapi/internal/fault"
	"configapi/internal/feed"
	"configapi/internal/writer"
)

func restore(t testing.TB, name string) config.Restore {
	return config.Restore{Name: configstoretest.Name(t, name)}
}

func remove(t testing.TB, name string) config.Delete {
	return config.Delete{Name: configstoretest.Name(t, name)}
}

// TestRestoreAfterARestart restores values on nodes that have never had them: only the history has.
func TestRestoreAfterARestart(t *testing.T) {
	store := configstoretest.New(t, configstore.Options{})
	values := map[string]string{"a": "", "b": "plain", "c": strings.Repeat("\n", 100_000), "d": "ü\"\\"}
	for name, value := range values {
		store.MustSet(t, name, "before")
		store.MustSet(t, name, value)
		store.MustDelete(t, name)
	}
	for name, value := range values {
		restarted := configstoretest.On(t, store.Events, configstore.Options{Feed: feed.Options{RingEvents: 1}})
		if got := restarted.MustRestore(t, name); got.Config.Value.String() != value || !got.Changed {
			t.Errorf("%s: restored %q, want %q", name, got.Config.Value, value)
		}
		if got := configstoretest.On(t, store.Events, configstore.Options{}).Reader(auth.Anonymous).Config(configstoretest.Name(t, name)); got.Value.String() != value {
			t.Errorf("%s: another node reads %q, want %q", name, got.Value, value)
		}
	}
}

// TestRestoresOfOneBatch queues many restores, and counts how often and how much is read for them.
func TestRestoresOfOneBatch(t *testing.T) {
	for _, test := range []struct {
		what              string
		opts              configstore.Options
		spread            int // writes between two deletions
		reads, batchBytes int // at most
	}{
		{"deleted together", configstore.Options{}, 0, 1, 1 << 20},
		{"deleted apart", configstore.Options{}, 20, 1, 1 << 20},
		{"more than a batch may read", configstore.Options{Writer: writer.Options{BatchBytes: 4000}}, 0, 100, 4000 + 1100},
	} {
		t.Run(test.what, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				events := configstoretest.NewFaulty()
				store := configstoretest.On(t, events, test.opts)
				const configs = 100
				name := func(i int) string { return fmt.Sprintf("n%d", (i*37)%configs) }
				value := func(name string) string { return name + strings.Repeat("v", 1000) }
				for i := range configs {
					store.MustSet(t, name(i), value(name(i)))
				}
				for i := range configs {
					store.MustDelete(t, name(i))
					for n := range test.spread {
						store.MustSet(t, "other", fmt.Sprint(n))
					}
				}
				var reads atomic.Int64
				release := make(chan struct{})
				events.SetHooks(configstoretest.Hooks{
					Append: func(ctx context.Context, expected eventstore.Head, records []eventstore.Record) error {
						<-release
						return events.Store.Append(ctx, expected, records)
					},
					LookUp: func(ctx context.Context, versions []eventstore.VersionOf, limit eventstore.Limit) ([]eventstore.Record, error) {
						reads.Add(1)
						if limit.Bytes > test.batchBytes && test.opts.Writer.BatchBytes > 0 {
							t.Errorf("a read of %d bytes, want at most %d", limit.Bytes, test.batchBytes)
						}
						return events.Store.LookUp(ctx, versions, limit)
					},
					Wait: configstoretest.Silent().Wait,
				})
				first := configstoretest.Start(t.Context(), store, config.Single(configstoretest.Set(t, "first", "1")))
				var calls []*configstoretest.Call
				for i := range configs {
					calls = append(calls, configstoretest.Start(t.Context(), store, config.Single(restore(t, name(i)))))
				}
				close(release)
				<-first.Done
				for i, c := range calls {
					if <-c.Done; c.Err != nil || c.Outcome.Config.Value.String() != value(name(i)) {
						t.Errorf("%s: got %+v, %v", name(i), c.Outcome.Config, c.Err)
					}
				}
				if got := int(reads.Load()); got > test.reads {
					t.Errorf("%d reads for %d restores, want at most %d", got, configs, test.reads)
				}
				for _, records := range events.Appends() {
					bytes := 0
					for _, r := range records {
						bytes += len(r.Data)
					}
					if bytes > test.batchBytes {
						t.Errorf("an append of %d bytes, want at most %d", bytes, test.batchBytes)
					}
				}
			})
		})
	}
}

// TestRestoreOfWhatTheBatchDeletes decides commands on one config in one batch: none of it is in
// the history yet.
func TestRestoreOfWhatTheBatchDeletes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		events := configstoretest.NewFaulty()
		store := configstoretest.On(t, events, configstore.Options{})
		store.MustSet(t, "a", "old")
		store.MustDelete(t, "a")
		release := events.HoldAppends()
		calls := configstoretest.StartAll(t.Context(), store, config.Single(configstoretest.Set(t, "first", "0")),
			config.Single(restore(t, "a")), config.Single(configstoretest.Set(t, "a", "new")), config.Single(remove(t, "a")), config.Single(restore(t, "a")), config.Single(restore(t, "a")), config.Single(remove(t, "a")), config.Single(restore(t, "a")))
		release()
		for i, want := range []string{"0", "old", "new", "", "new", "refused", "", "new"} {
			c := calls[i]
			<-c.Done
			if want == "refused" {
				configstoretest.MustBeKind(t, c.Err, fault.NotDeleted, false)
			} else if c.Err != nil || c.Outcome.Config.Value.String() != want {
				t.Errorf("command %d: got %+v, %v, want %q", i, c.Outcome.Config, c.Err, want)
			}
		}
		if got := sizes(events.Appends()[2:]); len(got) != 2 || got[1] != 6 {
			t.Errorf("appends of %v, want one of 1 and one of 6", got)
		}
	})
}

// TestRestoreDecidesAgain has another node change the config after its value was read, with and
// without a locked head. The restored value is that of the newest deletion.
func TestRestoreDecidesAgain(t *testing.T) {
	for times := range 6 { // from the third on the head is locked
		t.Run(fmt.Sprint(times), func(t *testing.T) {
			base := configstoretest.New(t, configstore.Options{})
			base.MustSet(t, "a", "0")
			base.MustDelete(t, "a")
			made := 0
			events := &overtaken{Store: base.Events, times: times, overtake: func() {
				made++
				base.MustRestore(t, "a")
				base.MustSet(t, "a", fmt.Sprint(made))
				base.MustDelete(t, "a")
			}}
			node := configstoretest.On(t, events, configstore.Options{})
			if got := node.MustRestore(t, "a"); got.Config.Value.String() != fmt.Sprint(times) {
				t.Errorf("restored %q, want %d", got.Config.Value, times)
			}
		})
	}
}

func TestRestoreWhenTheValueCannotBeRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		events := configstoretest.NewFaulty()
		store := configstoretest.On(t, events, configstore.Options{})
		store.MustSet(t, "a", "1")
		store.MustDelete(t, "a")
		other := configstoretest.New(t, configstore.Options{})
		other.MustSet(t, "a", "another history")
		other.MustDelete(t, "a")
		for what, read := range map[string]func(context.Context, []eventstore.VersionOf, eventstore.Limit) ([]eventstore.Record, error){
			"unreachable":        configstoretest.Unreachable().LookUp,
			"of another history": other.Events.LookUp,
			"without the records": func(context.Context, []eventstore.VersionOf, eventstore.Limit) ([]eventstore.Record, error) {
				return nil, nil
			},
			"with the deletion alone": func(ctx context.Context, versions []eventstore.VersionOf, l eventstore.Limit) ([]eventstore.Record, error) {
				return events.Store.LookUp(ctx, versions[:1], l)
			},
			"with the value alone": func(ctx context.Context, versions []eventstore.VersionOf, l eventstore.Limit) ([]eventstore.Record, error) {
				return events.Store.LookUp(ctx, versions[1:], l)
			},
		} {
			events.SetHooks(configstoretest.Hooks{LookUp: read, Wait: configstoretest.Silent().Wait})
			_, err := store.Do(t.Context(), auth.Anonymous, config.Single(restore(t, "a")))
			if configstoretest.MustBeKind(t, err, fault.Unavailable, false); len(events.Appends()) != 2 {
				t.Fatalf("%s: %d appends were sent, want those of before alone", what, len(events.Appends()))
			}
		}
		events.SetHooks(configstoretest.Hooks{})
		if got := store.MustRestore(t, "a"); got.Config.Value.String() != "1" {
			t.Errorf("restored %q", got.Config.Value)
		}
	})
}

// TestRestoreOfUnknownOutcome has an append fail that was written, and one that was not.
func TestRestoreOfUnknownOutcome(t *testing.T) {
	for _, written := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			events := configstoretest.NewFaulty()
			store := configstoretest.On(t, events, configstore.Options{})
			store.MustSet(t, "a", "1")
			store.MustDelete(t, "a")
			var failed atomic.Bool
			events.SetHooks(configstoretest.Hooks{Append: func(ctx context.Context, expected eventstore.Head, records []eventstore.Record) error {
				if failed.Swap(true) {
					return events.Store.Append(ctx, expected, records)
				}
				if written {
					_ = events.Store.Append(ctx, expected, records)
				}
				return configstoretest.ErrUnreachable
			}})
			if got := store.MustRestore(t, "a"); got.Config.Value.String() != "1" {
				t.Errorf("written: %t: restored %q", written, got.Config.Value)
			}
			configstoretest.MustHaveHistory(t, events, "a=1", "a=", "a=1")
		})
	}
}
