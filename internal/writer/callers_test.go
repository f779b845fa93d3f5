package writer_test

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
	"configapi/internal/fault"
	"configapi/internal/writer"
)

// TestCallerGoesWhileItsCommandWaits shows that a command is not written when its caller goes
// before the writer has taken it.
func TestCallerGoesWhileItsCommandWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		events := configstoretest.NewFaulty()
		store := configstoretest.On(t, events, configstore.Options{})
		release := events.HoldAppends()
		first := configstoretest.Start(t.Context(), store, config.Single(configstoretest.Set(t, "first", "0")))
		ctx, leave := context.WithCancel(t.Context())
		going := configstoretest.Start(ctx, store, config.Single(configstoretest.Set(t, "going", "0")))
		staying := configstoretest.Start(t.Context(), store, config.Single(configstoretest.Set(t, "staying", "0")))
		leave()
		synctest.Wait()
		if !going.IsAnswered() {
			t.Fatal("a caller whose ctx ended still waits")
		}
		configstoretest.MustBeKind(t, going.Err, fault.Unavailable, false)
		if !errors.Is(going.Err, context.Canceled) {
			t.Errorf("got %v, want its cause to be the end of the caller", going.Err)
		}
		release()
		synctest.Wait()
		if first.Err != nil || staying.Err != nil {
			t.Errorf("the others: %v, %v", first.Err, staying.Err)
		}
		if got := configstoretest.MustRead(t, events); len(got) != 2 || got[1].Name.String() != "staying" {
			t.Errorf("%d events, want those of the first and of the staying caller", len(got))
		}
	})
}

// TestCallerGoesWhileItsCommandIsWritten shows that a command that was taken may be written: its
// outcome is unknown, and the change is there later.
func TestCallerGoesWhileItsCommandIsWritten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		events := configstoretest.NewFaulty()
		store := configstoretest.On(t, events, configstore.Options{})
		release := events.HoldAppends()
		ctx, leave := context.WithCancel(t.Context())
		going := configstoretest.Start(ctx, store, config.Single(configstoretest.Set(t, "a", "1")))
		leave()
		synctest.Wait()
		if !going.IsAnswered() {
			t.Fatal("a caller whose ctx ended still waits")
		}
		configstoretest.MustBeKind(t, going.Err, fault.Unavailable, true)
		release()
		synctest.Wait()
		if got := configstoretest.MustRead(t, events); len(got) != 1 || got[0].Value.String() != "1" {
			t.Errorf("%d events, want the one that was under way", len(got))
		}
		if got := store.MustSet(t, "a", "2"); got.Config.Version != 2 {
			t.Errorf("the next write made version %d, want 2", got.Config.Version)
		}
	})
}

// TestWriteTimeout has an append hang for longer than callers wait. Callers get what is known once
// their time is over.
func TestWriteTimeout(t *testing.T) {
	for _, test := range []struct {
		set, want time.Duration
	}{{0, 10 * time.Second}, {time.Minute, time.Minute}} {
		synctest.Test(t, func(t *testing.T) {
			events := configstoretest.NewFaulty()
			store := configstoretest.On(t, events, configstore.Options{WriteTimeout: test.set, Writer: writer.Options{AppendTimeout: time.Hour}})
			release := events.HoldAppends()
			began := time.Now()
			taken := configstoretest.Start(t.Context(), store, config.Single(configstoretest.Set(t, "a", "1")))
			waiting := configstoretest.Start(t.Context(), store, config.Single(configstoretest.Set(t, "a", "2")))
			<-taken.Done
			<-waiting.Done
			if took := time.Since(began); took != test.want {
				t.Errorf("callers waited for %v, want %v", took, test.want)
			}
			configstoretest.MustBeKind(t, taken.Err, fault.Unavailable, true)
			configstoretest.MustBeKind(t, waiting.Err, fault.Unavailable, false)
			release()
		})
	}
}

// TestWriteTimeoutOfAFullQueue has an append hang while more callers come than the queue holds. All
// of them wait equally long.
func TestWriteTimeoutOfAFullQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		events := configstoretest.NewFaulty()
		store := configstoretest.On(t, events, configstore.Options{Writer: writer.Options{AppendTimeout: time.Hour}})
		release := events.HoldAppends()
		configstoretest.Start(t.Context(), store, config.Single(configstoretest.Set(t, "first", "0")))
		began := time.Now()
		var waiting sync.WaitGroup
		for range 1500 {
			waiting.Go(func() {
				_, err := store.Do(t.Context(), auth.Anonymous, config.Single(configstoretest.Set(t, "a", "1")))
				configstoretest.MustBeKind(t, err, fault.Unavailable, false)
			})
		}
		waiting.Wait()
		if took := time.Since(began); took != 10*time.Second {
			t.Errorf("callers waited for %v, want 10 s", took)
		}
		release()
	})
}

// TestFullQueue has more callers than the queue holds.
func TestFullQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const callers = 1500
		events := configstoretest.NewFaulty()
		store := configstoretest.On(t, events, configstore.Options{WriteTimeout: time.Hour})
		release := events.HoldAppends()
		ctx, leave := context.WithCancel(t.Context())
		var staying, going sync.WaitGroup
		first := configstoretest.Start(t.Context(), store, config.Single(configstoretest.Set(t, "first", "0")))
		for i := range callers {
			staying.Go(func() {
				if _, err := store.Do(t.Context(), auth.Anonymous, config.Single(configstoretest.Set(t, fmt.Sprintf("n%d", i), "v"))); err != nil {
					t.Errorf("staying: %v", err)
				}
			})
		}
		synctest.Wait()
		for range 10 { // the queue is full
			going.Go(func() {
				_, err := store.Do(ctx, auth.Anonymous, config.Single(configstoretest.Set(t, "going", "v")))
				configstoretest.MustBeKind(t, err, fault.Unavailable, false)
			})
		}
		synctest.Wait()
		leave()
		going.Wait()
		release()
		staying.Wait()
		if got := len(configstoretest.MustRead(t, events)); first.Err != nil || got != callers+1 {
			t.Errorf("%d events, %v, want %d", got, first.Err, callers+1)
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

// TestShutdownFinishesWhatIsThere stops a store with an append under way, a full queue, and callers
// that block on it. The bubble shows that no goroutine is left.
func TestShutdownFinishesWhatIsThere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		events := configstoretest.NewFaulty()
		store, stop, done := run(t, events, configstore.Options{})
		release := events.HoldAppends()
		calls := configstoretest.StartAll(t.Context(), store, config.Single(configstoretest.Set(t, "a", "1")), config.Single(configstoretest.Set(t, "a", "2")), config.Single(configstoretest.SetAt(t, "a", "3", 9)))
		const more = 1200 // than the queue holds
		var rest sync.WaitGroup
		var refused atomic.Int32
		for range more {
			rest.Go(func() {
				if _, err := store.Do(t.Context(), auth.Anonymous, config.Single(configstoretest.Set(t, "rest", "1"))); err != nil {
					configstoretest.MustBeKind(t, err, fault.Unavailable, false)
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
			if c.Err != nil || c.Outcome.Position.Seq != eventstore.Seq(i+1) {
				t.Errorf("call %d: %s, %v", i, c.Outcome.Position, c.Err)
			}
		}
		configstoretest.MustBeKind(t, calls[2].Err, fault.VersionConflict, false)
		rest.Wait()
		if n := refused.Load(); n == 0 || n > more/2 {
			t.Errorf("%d of %d callers were refused, want those beyond the queue", n, more)
		}

		for range 2000 { // more than the queue would hold
			_, err := store.Do(t.Context(), auth.Anonymous, config.Single(configstoretest.Set(t, "new", "1")))
			configstoretest.MustBeKind(t, err, fault.Unavailable, false)
		}
		if got, want := len(configstoretest.MustRead(t, events)), 2+more-int(refused.Load()); got != want {
			t.Errorf("%d events, want %d", got, want)
		}
	})
}

// TestShutdownRefusesNewCommands sends a command after the stop and before the end of the append
// under way.
func TestShutdownRefusesNewCommands(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		events := configstoretest.NewFaulty()
		store, stop, done := run(t, events, configstore.Options{Writer: writer.Options{BatchCommands: 1}})
		release := events.HoldAppends()
		first := configstoretest.Start(t.Context(), store, config.Single(configstoretest.Set(t, "a", "1")))
		stop()
		synctest.Wait()
		inTime := configstoretest.Start(t.Context(), store, config.Single(configstoretest.Set(t, "a", "2")))
		release()
		<-done
		synctest.Wait()
		if first.Err != nil || inTime.Err != nil {
			t.Errorf("got %v, %v, want both done", first.Err, inTime.Err)
		}
		after := configstoretest.Start(t.Context(), store, config.Single(configstoretest.Set(t, "a", "3")))
		configstoretest.MustBeKind(t, after.Err, fault.Unavailable, false)
	})
}

// TestShutdownWhileWritersGoOn has callers write again as soon as they are answered. The store
// stops all the same: acknowledged changes are in the history, and refused ones are not.
func TestShutdownWhileWritersGoOn(t *testing.T) {
	events := memory.New()
	store, stop, done := run(t, events, configstore.Options{Writer: writer.Options{BatchCommands: 3}})
	var writers sync.WaitGroup
	var mu sync.Mutex
	written := make(map[string]bool)
	enough := make(chan struct{})
	for i := range 20 {
		writers.Go(func() {
			for n := 0; ; n++ {
				value := fmt.Sprintf("%d by %d", n, i)
				_, err := store.Do(t.Context(), auth.Anonymous, config.Single(configstoretest.Set(t, "a", value)))
				if err != nil {
					configstoretest.MustBeKind(t, err, fault.Unavailable, false)
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
	history := configstoretest.MustRead(t, events)
	for _, r := range history {
		if !written[r.Value.String()] {
			t.Errorf("position %d holds %q, which was acknowledged to no caller", r.Seq, r.Value)
		}
	}
	if len(history) != len(written) {
		t.Errorf("%d events for %d answers", len(history), len(written))
	}
}

// TestShutdownWhileTheStoreIsUnreachable ends soon, and answers each caller what is known.
func TestShutdownWhileTheStoreIsUnreachable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		events := configstoretest.NewFaulty()
		store, stop, done := run(t, events, configstore.Options{Writer: writer.Options{BatchCommands: 1, AppendTimeout: time.Second}})
		hanging := configstoretest.Unreachable()
		hanging.Append = func(ctx context.Context, _ eventstore.Head, _ []eventstore.Record) error {
			<-ctx.Done()
			return ctx.Err()
		}
		events.SetHooks(hanging)
		calls := configstoretest.StartAll(t.Context(), store, config.Single(configstoretest.Set(t, "a", "1")), config.Single(configstoretest.Set(t, "a", "2")), config.Single(configstoretest.Set(t, "a", "3")))
		began := time.Now()
		stop()
		<-done
		synctest.Wait()
		if took := time.Since(began); took > 2*time.Second {
			t.Errorf("it took %v to stop", took)
		}
		configstoretest.MustBeKind(t, calls[0].Err, fault.Unavailable, true)
		configstoretest.MustBeKind(t, calls[1].Err, fault.Unavailable, true) // it was sent, too
		configstoretest.MustBeKind(t, calls[2].Err, fault.Unavailable, false)
	})
}
