package configstore_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"configapi/internal/auth"
	"configapi/internal/config"
	"configapi/internal/configstore"
	"configapi/internal/configstore/configstoretest"
	"configapi/internal/eventstore"
	"configapi/internal/eventstore/memory"
)

// TestCallerGoesWhileItsCommandWaits shows that what was not taken is not written.
func TestCallerGoesWhileItsCommandWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		events := newFaulty()
		store := configstoretest.On(t, events, configstore.Options{})
		release := events.hold()
		first := start(t.Context(), store, set(t, "first", "0"))
		ctx, leave := context.WithCancel(t.Context())
		going := start(ctx, store, set(t, "going", "0"))
		staying := start(t.Context(), store, set(t, "staying", "0"))
		leave()
		synctest.Wait()
		if !going.isAnswered() {
			t.Fatal("a caller that went was not let go")
		}
		mustBeKind(t, going.err, configstore.Unavailable, false)
		if !errors.Is(going.err, context.Canceled) {
			t.Errorf("got %v, want its cause to be the end of the caller", going.err)
		}
		release()
		synctest.Wait()
		if first.err != nil || staying.err != nil {
			t.Errorf("the others: %v, %v", first.err, staying.err)
		}
		if got := mustRead(t, events); len(got) != 2 || got[1].Name.String() != "staying" {
			t.Errorf("%d events, want that of the first and that of who stayed", len(got))
		}
	})
}

// TestCallerGoesWhileItsCommandIsWritten shows that what was taken may be written: its outcome is unknown, and the write is there later.
func TestCallerGoesWhileItsCommandIsWritten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		events := newFaulty()
		store := configstoretest.On(t, events, configstore.Options{})
		release := events.hold()
		ctx, leave := context.WithCancel(t.Context())
		going := start(ctx, store, set(t, "a", "1"))
		leave()
		synctest.Wait()
		if !going.isAnswered() {
			t.Fatal("a caller that went was not let go")
		}
		mustBeKind(t, going.err, configstore.Unavailable, true)
		release()
		synctest.Wait()
		if got := mustRead(t, events); len(got) != 1 || got[0].Value.String() != "1" {
			t.Errorf("%d events, want the one that was under way", len(got))
		}
		if got := store.MustSet(t, "a", "2"); got.Config.Version != 2 {
			t.Errorf("the next write made version %d, want 2", got.Config.Version)
		}
	})
}

// TestWriteTimeout has an append hang for longer than callers wait; they know what can be known when they have waited for as long as they are to.
func TestWriteTimeout(t *testing.T) {
	for _, test := range []struct {
		set, want time.Duration
	}{{0, 10 * time.Second}, {time.Minute, time.Minute}} {
		synctest.Test(t, func(t *testing.T) {
			events := newFaulty()
			store := configstoretest.On(t, events, configstore.Options{WriteTimeout: test.set, AppendTimeout: time.Hour})
			release := events.hold()
			began := time.Now()
			taken := start(t.Context(), store, set(t, "a", "1"))
			waiting := start(t.Context(), store, set(t, "a", "2"))
			<-taken.done
			<-waiting.done
			if took := time.Since(began); took != test.want {
				t.Errorf("callers waited for %v, want %v", took, test.want)
			}
			mustBeKind(t, taken.err, configstore.Unavailable, true)
			mustBeKind(t, waiting.err, configstore.Unavailable, false)
			release()
		})
	}
}

// TestFullQueue has more callers than the queue has places.
func TestFullQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const callers = 1500
		events := newFaulty()
		store := configstoretest.On(t, events, configstore.Options{WriteTimeout: time.Hour})
		release := events.hold()
		ctx, leave := context.WithCancel(t.Context())
		var staying, going sync.WaitGroup
		first := start(t.Context(), store, set(t, "first", "0"))
		for i := range callers {
			staying.Go(func() {
				if _, err := store.Do(t.Context(), auth.Anonymous, set(t, fmt.Sprintf("n%d", i), "v")); err != nil {
					t.Errorf("staying: %v", err)
				}
			})
		}
		synctest.Wait()
		for range 10 { // there is no room for them, not even in the queue
			going.Go(func() {
				_, err := store.Do(ctx, auth.Anonymous, set(t, "going", "v"))
				mustBeKind(t, err, configstore.Unavailable, false)
			})
		}
		synctest.Wait()
		leave()
		going.Wait()
		release()
		staying.Wait()
		if got := len(mustRead(t, events)); first.err != nil || got != callers+1 {
			t.Errorf("%d events, %v, want %d", got, first.err, callers+1)
		}
	})
}

// run starts a store that the test stops itself.
func run(t *testing.T, events eventstore.Store, opts configstore.Options) (store *configstoretest.Store, stop func(), done <-chan struct{}) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	s := configstore.New(events, opts)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if err := s.Run(ctx); err != nil {
			t.Errorf("Run: %v", err)
		}
	}()
	configstoretest.MustGetReady(t, s)
	return configstoretest.Of(t, s, events), stop, ended
}

// TestShutdownFinishesWhatIsThere stops a store with an append under way, a queue, and callers for whom the queue has no room.
// The bubble shows that no goroutine is left.
func TestShutdownFinishesWhatIsThere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		events := newFaulty()
		store, stop, done := run(t, events, configstore.Options{})
		release := events.hold()
		calls := startAll(t.Context(), store, set(t, "a", "1"), set(t, "a", "2"), setAt(t, "a", "3", 9))
		const more = 1200 // than there is room for
		var rest sync.WaitGroup
		var refused atomic.Int32
		for range more {
			rest.Go(func() {
				if _, err := store.Do(t.Context(), auth.Anonymous, set(t, "rest", "1")); err != nil {
					mustBeKind(t, err, configstore.Unavailable, false)
					refused.Add(1)
				}
			})
		}
		synctest.Wait()
		stop()
		synctest.Wait()
		select {
		case <-done:
			t.Fatal("Run ended before the append that was under way")
		default:
		}
		release()
		<-done
		synctest.Wait()
		for i, c := range calls[:2] {
			if c.err != nil || c.outcome.Position.Seq != eventstore.Seq(i+1) {
				t.Errorf("call %d: %s, %v", i, c.outcome.Position, c.err)
			}
		}
		mustBeKind(t, calls[2].err, configstore.VersionConflict, false)
		rest.Wait()
		if n := refused.Load(); n == 0 || n > more/2 {
			t.Errorf("%d of %d callers were refused, want those for whom there was no room in the queue", n, more)
		}

		for range 2000 { // more than the queue would hold
			_, err := store.Do(t.Context(), auth.Anonymous, set(t, "late", "1"))
			mustBeKind(t, err, configstore.Unavailable, false)
		}
		if got, want := len(mustRead(t, events)), 2+more-int(refused.Load()); got != want {
			t.Errorf("%d events, want %d", got, want)
		}
	})
}

// TestShutdownRefusesWhoComesLate has a caller come between the order to stop and the end of what is under way.
func TestShutdownRefusesWhoComesLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		events := newFaulty()
		store, stop, done := run(t, events, configstore.Options{BatchCommands: 1})
		release := events.hold()
		first := start(t.Context(), store, set(t, "a", "1"))
		stop()
		synctest.Wait()
		inTime := start(t.Context(), store, set(t, "a", "2")) // nobody has looked at the order to stop yet
		release()
		<-done
		synctest.Wait()
		if first.err != nil || inTime.err != nil {
			t.Errorf("got %v, %v, want both done", first.err, inTime.err)
		}
		late := start(t.Context(), store, set(t, "a", "3"))
		mustBeKind(t, late.err, configstore.Unavailable, false)
	})
}

// TestShutdownWhileWritersGoOn has writers who write again as soon as they are answered: the store stops all the same, what it
// has answered is in the history, and what it has refused is not.
func TestShutdownWhileWritersGoOn(t *testing.T) {
	events := memory.New()
	store, stop, done := run(t, events, configstore.Options{BatchCommands: 3})
	var writers sync.WaitGroup
	var mu sync.Mutex
	written := make(map[string]bool)
	enough := make(chan struct{})
	for i := range 20 {
		writers.Go(func() {
			for n := 0; ; n++ {
				value := fmt.Sprintf("%d by %d", n, i)
				_, err := store.Do(t.Context(), auth.Anonymous, set(t, "a", value))
				if err != nil {
					mustBeKind(t, err, configstore.Unavailable, false)
					return
				}
				mu.Lock()
				if written[value] = true; len(written) == 300 {
					close(enough)
				}
				mu.Unlock()
			}
		})
	}
	<-enough
	stop()
	<-done
	writers.Wait()
	history := mustRead(t, events)
	for _, r := range history {
		if !written[r.Value.String()] {
			t.Errorf("position %d holds %q, which nobody was told of", r.Seq, r.Value)
		}
	}
	if len(history) != len(written) {
		t.Errorf("%d events for %d answers", len(history), len(written))
	}
}

// TestShutdownWhileTheStoreIsAway ends soon, and tells each caller what can be known.
func TestShutdownWhileTheStoreIsAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		events := newFaulty()
		store, stop, done := run(t, events, configstore.Options{BatchCommands: 1, AppendTimeout: time.Second})
		hanging := away()
		hanging.append = func(ctx context.Context, _ eventstore.Head, _ []eventstore.Record) error {
			<-ctx.Done()
			return ctx.Err()
		}
		events.become(hanging)
		calls := startAll(t.Context(), store, set(t, "a", "1"), set(t, "a", "2"), set(t, "a", "3"))
		began := time.Now()
		stop()
		<-done
		synctest.Wait()
		if took := time.Since(began); took > 2*time.Second {
			t.Errorf("it took %v to stop", took)
		}
		mustBeKind(t, calls[0].err, configstore.Unavailable, true)
		mustBeKind(t, calls[1].err, configstore.Unavailable, true) // the next in the queue was sent as well
		mustBeKind(t, calls[2].err, configstore.Unavailable, false)
	})
}

// TestNotReady shows that a node that has not read its history writes nothing, says so, and can be stopped.
func TestNotReady(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		events := newFaulty()
		events.become(away())
		s := configstore.New(events, configstore.Options{})
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- s.Run(ctx) }()
		time.Sleep(time.Minute)
		_, err := s.Do(t.Context(), auth.Anonymous, set(t, "a", "1"))
		mustBeKind(t, err, configstore.Unavailable, false)
		if !errors.Is(err, configstore.ErrNotReady) {
			t.Errorf("got %v, want %v", err, configstore.ErrNotReady)
		}
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
		if got := events.sent(); len(got) > 0 {
			t.Errorf("%d appends were sent", len(got))
		}
	})
}

// TestHealsFromTheStart starts a node while the store is away.
func TestHealsFromTheStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		events := newFaulty()
		events.become(away())
		time.AfterFunc(configstoretest.Patience/2, func() { events.become(hooks{}) })
		store := configstoretest.On(t, events, configstore.Options{})
		if got := store.MustSet(t, "a", "1").Config.Event(); got.Operation() != config.Created {
			t.Errorf("got %+v", got)
		}
	})
}
