package configstore_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"configapi/internal/auth"
	"configapi/internal/config"
	"configapi/internal/configstore"
	"configapi/internal/configstore/configstoretest"
	"configapi/internal/eventstore"
	"configapi/internal/eventstore/memory"
	"configapi/internal/feed"
)

// setOnce is a command that sets a config, with a key.
func setOnce(t testing.TB, name, value, key string) config.Set {
	t.Helper()
	cmd := set(t, name, value)
	cmd.IdempotencyKey = keyOf(t, key)
	return cmd
}

// gated is a history whose appends wait until the gate is closed.
type gated struct {
	*memory.Store
	gate chan struct{}
}

func (g gated) Append(ctx context.Context, expected eventstore.Head, records []eventstore.Record, receipts ...eventstore.Receipt) error {
	<-g.gate
	return g.Store.Append(ctx, expected, records, receipts...)
}

// TestEqualKeysInOneBatch has commands with the same key wait together.
func TestEqualKeysInOneBatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		events := gated{memory.New(), make(chan struct{})}
		store := configstoretest.On(t, events, configstore.Options{})
		remove := config.Delete{Name: configstoretest.Name(t, "b"), IdempotencyKey: keyOf(t, "refused")}
		same := setOnce(t, "a", "1", "no-op")
		same.OnlyIfChanged = true
		calls := startAll(t.Context(), store,
			set(t, "first", "0"),
			setOnce(t, "a", "1", "k"), setOnce(t, "a", "1", "k"), setOnce(t, "a", "2", "k"),
			same, set(t, "a", "3"), same,
			remove, setOnce(t, "b", "1", "refused"), remove)
		close(events.gate)
		for _, c := range calls {
			<-c.done
		}
		mustHistory(t, events, "first=0", "a=1", "a=3", "b=1")
		for _, pair := range [][2]int{{1, 2}, {4, 6}} {
			one, other := calls[pair[0]], calls[pair[1]]
			if one.err != nil || other.err != nil || !reflect.DeepEqual(one.outcome, other.outcome) {
				t.Errorf("got %+v, %v and then %+v, %v", one.outcome, one.err, other.outcome, other.err)
			}
		}
		if calls[4].outcome.Changed || calls[4].outcome.Position != calls[1].outcome.Position {
			t.Errorf("nothing was to do, but got %+v", calls[4].outcome)
		}
		mustBeKind(t, calls[3].err, configstore.IdempotencyMismatch, false)
		mustBeKind(t, calls[7].err, configstore.NotFound, false)
		mustBeKind(t, calls[9].err, configstore.IdempotencyMismatch, false)
		if calls[8].err != nil {
			t.Errorf("a key whose command was refused is free, but got %v", calls[8].err)
		}
	})
}

// TestEqualKeysOnManyNodes sends the same commands to all nodes at once, some of which find nothing to do.
func TestEqualKeysOnManyNodes(t *testing.T) {
	const nodes, keys = 3, 60
	events := memory.New()
	var stores []*configstoretest.Store
	for range nodes {
		stores = append(stores, configstoretest.On(t, events, configstore.Options{BatchCommands: 4}))
	}
	stores[0].MustSet(t, "same", "1")
	var calling sync.WaitGroup
	var outcomes [keys][nodes]configstore.Outcome
	for k := range keys {
		cmd := setOnce(t, "same", "1", fmt.Sprint(k))
		if k%2 == 0 {
			cmd = setOnce(t, fmt.Sprintf("n%d", k%5), fmt.Sprint(k), fmt.Sprint(k))
		}
		cmd.OnlyIfChanged = true
		for i, store := range stores {
			calling.Go(func() {
				var err error
				if outcomes[k][i], err = store.Do(t.Context(), auth.Anonymous, cmd); err != nil {
					t.Errorf("key %d on node %d: %v", k, i, err)
				}
			})
		}
	}
	calling.Wait()
	changed := 0
	for k := range keys {
		for i := range nodes {
			if !reflect.DeepEqual(outcomes[k][i], outcomes[k][0]) {
				t.Errorf("key %d: node %d answered %+v, node 0 %+v", k, i, outcomes[k][i], outcomes[k][0])
			}
		}
		if outcomes[k][0].Changed {
			changed++
		}
	}
	if history := mustRead(t, events); len(history) != 1+keys/2 || changed != keys/2 {
		t.Errorf("%d events and %d changes, want one for each of %d keys", len(history)-1, changed, keys/2)
	}
}

// TestOutcomeOfAnotherNodeCanBeRead asks a node that no store tells of new records for what another node has done.
func TestOutcomeOfAnotherNodeCanBeRead(t *testing.T) {
	events := newFaulty()
	events.become(deaf())
	node := configstoretest.On(t, events, configstore.Options{})
	other := configstoretest.On(t, events.Store, configstore.Options{})
	cmd := setOnce(t, "a", "1", "k")
	want, err := other.Do(t.Context(), auth.Anonymous, cmd)
	if err != nil {
		t.Fatal(err)
	}
	got, err := node.Do(t.Context(), auth.Anonymous, cmd)
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %v, want %+v", got, err, want)
	}
	if read := node.Reader(auth.Anonymous).Config(cmd.Name); read == nil || read.Seq != 1 {
		t.Errorf("reads %+v after it was answered", read)
	}
}

// TestKeysAreKeptForADay lets time pass.
func TestKeysAreKeptForADay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := configstoretest.New(t, configstore.Options{})
		first, err := store.Do(t.Context(), auth.Anonymous, setOnce(t, "a", "1", "k"))
		if err != nil {
			t.Fatal(err)
		}
		store.MustSet(t, "a", "2")
		time.Sleep(24*time.Hour + 30*time.Minute)
		if again, err := store.Do(t.Context(), auth.Anonymous, setOnce(t, "a", "1", "k")); err != nil || !reflect.DeepEqual(again, first) {
			t.Errorf("after a day: got %+v, %v, want %+v", again, err, first)
		}
		time.Sleep(time.Hour)
		receipts, err := store.Events.ReadReceipts(t.Context(), []eventstore.Key{{Text: "k"}})
		if err != nil || len(receipts) != 0 {
			t.Errorf("after a day and more: got %v, %v, want no receipt", receipts, err)
		}
	})
}

// TestManyOldKeysAreRemovedInSteps has more receipts to remove than one step takes.
func TestManyOldKeysAreRemovedInSteps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		events := &stepping{Store: memory.New()}
		receipts := make([]eventstore.Receipt, 1234)
		for i := range receipts {
			receipts[i] = eventstore.Receipt{Key: eventstore.Key{Text: fmt.Sprint(i)}, CreatedAt: time.Now()}
		}
		if err := events.Append(t.Context(), eventstore.Head{}, nil, receipts...); err != nil {
			t.Fatal(err)
		}
		configstoretest.On(t, events, configstore.Options{KeyRetention: time.Minute, PruneInterval: time.Second})
		time.Sleep(time.Minute + 2*time.Second)
		synctest.Wait()
		if events.most != 500 {
			t.Errorf("the longest step removed %d", events.most)
		}
		if left, err := events.PruneReceipts(t.Context(), time.Now(), 1<<30); err != nil || left != 0 {
			t.Errorf("%d are left, %v", left, err)
		}
	})
}

// stepping notes how many receipts were removed at once.
type stepping struct {
	*memory.Store
	most int
}

func (s *stepping) PruneReceipts(ctx context.Context, before time.Time, limit int) (int, error) {
	n, err := s.Store.PruneReceipts(ctx, before, limit)
	s.most = max(s.most, n)
	return n, err
}

// TestStoreAwayWithKeys asks for outcomes that cannot be looked up, or not be read.
func TestStoreAwayWithKeys(t *testing.T) {
	events := newFaulty()
	store := configstoretest.On(t, events, configstore.Options{Feed: feed.Options{RingEvents: 1}})
	if _, err := store.Do(t.Context(), auth.Anonymous, setOnce(t, "a", "1", "k")); err != nil {
		t.Fatal(err)
	}
	store.MustSet(t, "a", "2")
	for _, test := range []struct {
		hooks   hooks
		key     string
		unknown bool
	}{
		{hooks{receipts: away().receipts}, "k", false},
		{hooks{receipts: away().receipts}, "other", false},
		{hooks{read: away().read}, "k", true},
	} {
		events.become(test.hooks)
		_, err := store.Do(t.Context(), auth.Anonymous, setOnce(t, "a", "1", test.key))
		mustBeKind(t, err, configstore.Unavailable, test.unknown)
		if !errors.Is(err, errAway) {
			t.Errorf("got %v, want its cause to be %q", err, errAway)
		}
	}
	events.become(hooks{})
	mustHistory(t, events, "a=1", "a=2")
}
