package edgetest_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"

	"configapi/internal/auth"
	"configapi/internal/config"
	"configapi/internal/configstore"
	"configapi/internal/configstore/configstoretest"
	"configapi/internal/eventstore"
	"configapi/internal/eventstore/memory"
	"configapi/internal/eventstore/postgres"
	"configapi/internal/feed"
	"configapi/internal/postgrestest"
	"configapi/internal/projection"
	"configapi/internal/writer"
)

// sharedStores open n stores on one history.
var sharedStores = map[string]func(t *testing.T, n int) []eventstore.Store{
	"memory": func(_ *testing.T, n int) (opened []eventstore.Store) {
		events := memory.New()
		for range n {
			opened = append(opened, events)
		}
		return opened
	},
	"postgres": func(t *testing.T, n int) (opened []eventstore.Store) {
		dsn := postgrestest.NewDatabase(t)
		for range n {
			s, err := postgres.Open(t.Context(), dsn, postgres.Options{CloseTimeout: configstoretest.Patience})
			if err != nil {
				t.Fatal(err)
			}
			closeAtEnd(t, s.Close)
			opened = append(opened, s)
		}
		return opened
	},
}

// TestLargestSetsOnManyNodes has three nodes apply the largest sets at once, so that some lock the
// head. Nobody may ever see a part of a set: not a reader of any node, not a watch from the start,
// not a page, also where the ring and the pages are smaller than a set.
func TestLargestSetsOnManyNodes(t *testing.T) {
	const nodes, sets = 3, 3
	for name, open := range sharedStores {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(t.Context(), 6*patience)
			defer cancel()
			var cluster []*configstoretest.Store
			for _, events := range open(t, nodes) {
				cluster = append(cluster, configstoretest.On(t, events, configstore.Options{
					Feed: feed.Options{RingEvents: 10}, Follower: projection.Options{PageSize: 300},
					WriteTimeout: 6 * patience, Writer: writer.Options{AppendTimeout: 3 * patience},
				}))
			}
			var writing, reading sync.WaitGroup
			for i, node := range cluster {
				watch, err := node.Watch(ctx, auth.Anonymous, config.Filter{}, new(eventstore.Position))
				if err != nil {
					t.Fatal(err)
				}
				reading.Go(func() { mustWatchWholeSets(ctx, t, node, watch, nodes*sets*config.MaxChanges) })
				writing.Go(func() {
					for n := range sets {
						bytes := 100 * config.MaxChanges
						if n == i%sets {
							bytes = config.MaxChangeSetBytes
						}
						if _, err := node.Apply(ctx, auth.Anonymous, largeSet(t, fmt.Sprint(i, "/", n, "/"), bytes)); err != nil {
							t.Errorf("node %d, set %d: %v", i, n, err)
						}
					}
				})
			}
			writing.Wait()
			reading.Wait()
			for _, node := range cluster {
				mustPageWholeSets(t, node, nodes*sets)
			}
		})
	}
}

// largeSet returns a set of 1,000 changes with values that begin with a mark, and almost that many
// bytes.
func largeSet(t *testing.T, mark string, bytes int) (set config.ChangeSet) {
	const name = "n/000"
	value := mark + strings.Repeat("v", bytes/config.MaxChanges-len(name)-len(mark))
	for i := range config.MaxChanges {
		set.Changes = append(set.Changes, config.Change{Command: configstoretest.Set(t, fmt.Sprintf("n/%03d", i), value)})
	}
	return set
}

// mustWatchWholeSets reads n changes, and the state of the node after each message.
func mustWatchWholeSets(ctx context.Context, t *testing.T, node *configstoretest.Store, watch *configstore.Watch, n int) {
	for seen := 0; seen < n; {
		changes, err := watch.Next(ctx)
		if err != nil {
			t.Errorf("watching after %d of %d changes: %v", seen, n, err)
			return
		}
		mustBeWholeSets(t, changes.Revisions)
		mustReadWholeSets(t, node)
		seen += len(changes.Revisions)
	}
}

func mustBeWholeSets(t *testing.T, revisions []*eventstore.Revision) {
	t.Helper()
	if len(revisions)%config.MaxChanges != 0 {
		t.Errorf("got %d changes, no whole sets", len(revisions))
	}
	for i, r := range revisions {
		last := revisions[i-i%config.MaxChanges+config.MaxChanges-1]
		if r.ChangeSet != last.Position() || r.Value != last.Value {
			t.Errorf("change %d is of set %s, the last one of it is %s", i, r.ChangeSet, last.Position())
			return
		}
	}
}

func mustReadWholeSets(t *testing.T, node *configstoretest.Store) {
	page, err := node.Reader(auth.Anonymous).Now().Configs(t.Context(), config.Filter{}, "", configstore.MaxPageSize)
	if err != nil {
		t.Error(err)
	}
	for _, c := range page.Configs {
		if c.ChangeSet() != page.Configs[0].ChangeSet() || c.Value != page.Configs[0].Value {
			t.Errorf("a reader sees a part of the set %s", c.ChangeSet())
			return
		}
	}
}

// mustPageWholeSets reads all changes in pages that ask for one change.
func mustPageWholeSets(t *testing.T, node *configstoretest.Store, sets int) {
	var after eventstore.Position
	for n := range sets {
		changes, err := node.Reader(auth.Anonymous).Changes(t.Context(), after, config.Filter{}, 1)
		if err != nil || len(changes.Revisions) != config.MaxChanges {
			t.Fatalf("page %d: got %d changes, %v", n, len(changes.Revisions), err)
		}
		mustBeWholeSets(t, changes.Revisions)
		inside := changes.Revisions[config.MaxChanges/2].Position()
		again, err := node.Reader(auth.Anonymous).Changes(t.Context(), inside, config.Filter{}, 1)
		if err != nil || len(again.Revisions) != config.MaxChanges || again.Position != changes.Position {
			t.Errorf("after a position inside set %d: got %d changes to %s, %v", n, len(again.Revisions), again.Position, err)
		}
		after = changes.Position
	}
}
