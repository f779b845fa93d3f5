package writer_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
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
	"configapi/internal/fault"
	"configapi/internal/feed"
	"configapi/internal/writer"
)

// heldAppends is an event store whose appends wait until release is closed.
type heldAppends struct {
	*memory.Store
	release chan struct{}
}

func (h heldAppends) Append(ctx context.Context, expected eventstore.Head, records []eventstore.Record, receipts ...eventstore.Receipt) error {
	<-h.release
	return h.Store.Append(ctx, expected, records, receipts...)
}

// TestEqualKeysInOneBatch queues commands with the same key together.
func TestEqualKeysInOneBatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		events := heldAppends{memory.New(), make(chan struct{})}
		store := configstoretest.On(t, events, configstore.Options{})
		remove := configstoretest.Once(t, config.Delete{Name: configstoretest.Name(t, "b")}, "refused")
		unchanged := configstoretest.Set(t, "a", "1")
		unchanged.OnlyIfChanged = true
		same := configstoretest.Once(t, unchanged, "no-op")
		calls := configstoretest.StartAll(t.Context(), store,
			config.Single(configstoretest.Set(t, "first", "0")),
			configstoretest.SetOnce(t, "a", "1", "k"), configstoretest.SetOnce(t, "a", "1", "k"), configstoretest.SetOnce(t, "a", "2", "k"),
			same, config.Single(configstoretest.Set(t, "a", "3")), same,
			remove, configstoretest.SetOnce(t, "b", "1", "refused"), remove)
		close(events.release)
		for _, c := range calls {
			<-c.Done
		}
		configstoretest.MustHaveHistory(t, events, "first=0", "a=1", "a=3", "b=1")
		for _, pair := range [][2]int{{1, 2}, {4, 6}} {
			one, other := calls[pair[0]], calls[pair[1]]
			if one.Err != nil || other.Err != nil || !reflect.DeepEqual(one.Outcome, other.Outcome) {
				t.Errorf("got %+v, %v and then %+v, %v", one.Outcome, one.Err, other.Outcome, other.Err)
			}
		}
		if calls[4].Outcome.Changed || calls[4].Outcome.Position != calls[1].Outcome.Position {
			t.Errorf("nothing was to do, but got %+v", calls[4].Outcome)
		}
		configstoretest.MustBeKind(t, calls[3].Err, fault.IdempotencyMismatch, false)
		configstoretest.MustBeKind(t, calls[7].Err, fault.NotFound, false)
		configstoretest.MustBeKind(t, calls[9].Err, fault.IdempotencyMismatch, false)
		if calls[8].Err != nil {
			t.Errorf("a key whose command was refused is free, but got %v", calls[8].Err)
		}
	})
}

// TestEqualKeysOnManyNodes sends the same commands to all nodes at once. Some of the commands find
// nothing to change.
func TestEqualKeysOnManyNodes(t *testing.T) {
	const nodes, keys = 3, 60
	events := memory.New()
	var stores []*configstoretest.Store
	for range nodes {
		stores = append(stores, configstoretest.On(t, events, configstore.Options{Writer: writer.Options{BatchCommands: 4}}))
	}
	stores[0].MustSet(t, "same", "1")
	var calling sync.WaitGroup
	var outcomes [keys][nodes]configstore.Outcome
	for k := range keys {
		cmd := configstoretest.Set(t, "same", "1")
		if k%2 == 0 {
			cmd = configstoretest.Set(t, fmt.Sprintf("n%d", k%5), fmt.Sprint(k))
		}
		cmd.OnlyIfChanged = true
		set := configstoretest.Once(t, cmd, fmt.Sprint(k))
		for i, store := range stores {
			calling.Go(func() {
				var err error
				if outcomes[k][i], err = store.Do(t.Context(), auth.Anonymous, set); err != nil {
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
	if history := configstoretest.MustRead(t, events); len(history) != 1+keys/2 || changed != keys/2 {
		t.Errorf("%d events and %d changes, want one for each of %d keys", len(history)-1, changed, keys/2)
	}
}

// TestOutcomeOfAnotherNodeCanBeRead sends a command that another node has carried out to a node
// that is not notified of new records.
func TestOutcomeOfAnotherNodeCanBeRead(t *testing.T) {
	events := configstoretest.NewFaulty()
	events.SetHooks(configstoretest.Silent())
	node := configstoretest.On(t, events, configstore.Options{})
	other := configstoretest.On(t, events.Store, configstore.Options{})
	cmd := configstoretest.SetOnce(t, "a", "1", "k")
	want, err := other.Do(t.Context(), auth.Anonymous, cmd)
	if err != nil {
		t.Fatal(err)
	}
	got, err := node.Do(t.Context(), auth.Anonymous, cmd)
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %v, want %+v", got, err, want)
	}
	if read := node.Reader(auth.Anonymous).Config(configstoretest.Name(t, "a")); read == nil || read.Seq != 1 {
		t.Errorf("reads %+v after it was answered", read)
	}
}

// TestKeysAreKeptForADay sends a command again a day later, and looks for its receipt after the
// retention.
func TestKeysAreKeptForADay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := configstoretest.New(t, configstore.Options{})
		first, err := store.Do(t.Context(), auth.Anonymous, configstoretest.SetOnce(t, "a", "1", "k"))
		if err != nil {
			t.Fatal(err)
		}
		store.MustSet(t, "a", "2")
		time.Sleep(24*time.Hour + 30*time.Minute)
		if again, err := store.Do(t.Context(), auth.Anonymous, configstoretest.SetOnce(t, "a", "1", "k")); err != nil || !reflect.DeepEqual(again, first) {
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
		configstoretest.On(t, events, configstore.Options{})
		time.Sleep(writer.KeyRetention + 31*time.Minute)
		synctest.Wait()
		if events.most != 500 {
			t.Errorf("the longest step removed %d", events.most)
		}
		if left, err := events.PruneReceipts(t.Context(), time.Now(), 1<<30); err != nil || left != 0 {
			t.Errorf("%d are left, %v", left, err)
		}
	})
}

// stepping records how many receipts were removed at once at most.
type stepping struct {
	*memory.Store
	most int
}

func (s *stepping) PruneReceipts(ctx context.Context, before time.Time, limit int) (int, error) {
	n, err := s.Store.PruneReceipts(ctx, before, limit)
	s.most = max(s.most, n)
	return n, err
}

// TestStoreUnreachableWithKeys sends commands whose receipts cannot be looked up, or whose outcomes
// cannot be read.
func TestStoreUnreachableWithKeys(t *testing.T) {
	events := configstoretest.NewFaulty()
	store := configstoretest.On(t, events, configstore.Options{Feed: feed.Options{RingEvents: 1}})
	if _, err := store.Do(t.Context(), auth.Anonymous, configstoretest.SetOnce(t, "a", "1", "k")); err != nil {
		t.Fatal(err)
	}
	store.MustSet(t, "a", "2")
	for _, test := range []struct {
		hooks   configstoretest.Hooks
		key     string
		unknown bool
	}{
		{configstoretest.Hooks{ReadReceipts: configstoretest.Unreachable().ReadReceipts}, "k", false},
		{configstoretest.Hooks{ReadReceipts: configstoretest.Unreachable().ReadReceipts}, "other", false},
		{configstoretest.Hooks{Read: configstoretest.Unreachable().Read}, "k", true},
	} {
		events.SetHooks(test.hooks)
		_, err := store.Do(t.Context(), auth.Anonymous, configstoretest.SetOnce(t, "a", "1", test.key))
		configstoretest.MustBeKind(t, err, fault.Unavailable, test.unknown)
		if !errors.Is(err, configstoretest.ErrUnreachable) {
			t.Errorf("got %v, want its cause to be %q", err, configstoretest.ErrUnreachable)
		}
	}
	events.SetHooks(configstoretest.Hooks{})
	configstoretest.MustHaveHistory(t, events, "a=1", "a=2")
}

// TestReceiptsHideTheRequest: a bare hash of a request would show, by guessing, what was asked for.
func TestReceiptsHideTheRequest(t *testing.T) {
	var hashes [2][32]byte
	for i := range hashes {
		events := memory.New()
		set := configstoretest.SetOnce(t, "a", "secret", "k")
		if _, err := configstoretest.On(t, events, configstore.Options{}).Do(t.Context(), auth.Anonymous, set); err != nil {
			t.Fatal(err)
		}
		key, err := events.Key(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		receipts, err := events.ReadReceipts(t.Context(), []eventstore.Key{{Text: "k"}})
		if err != nil || len(receipts) != 1 {
			t.Fatalf("got receipts %v, %v", receipts, err)
		}
		hash := config.RequestHash(&set)
		mac := hmac.New(sha256.New, key[:])
		mac.Write(hash[:])
		if got := receipts[0].RequestHash; [32]byte(mac.Sum(nil)) != got {
			t.Errorf("got the hash %x, want an HMAC", got)
		}
		hashes[i] = receipts[0].RequestHash
		again := configstoretest.On(t, events, configstore.Options{}) // another node has the same key
		if got, err := again.Do(t.Context(), auth.Anonymous, set); err != nil || got.Position.Seq != 1 {
			t.Errorf("the same request again: %+v, %v", got, err)
		}
	}
	if hashes[0] == hashes[1] {
		t.Error("two stores have the same hash of a request")
	}
}
