package configstore_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"configapi/internal/auth"
	"configapi/internal/config"
	"configapi/internal/configstore"
	"configapi/internal/configstore/configstoretest"
	"configapi/internal/eventstore"
)

// errUnknown is what an append returns whose answer was lost.
var errUnknown = errors.New("the connection was lost")

// scripted makes the appends of a store do one thing after the other, and be themselves after that.
func (f *faulty) scripted(script ...func(ctx context.Context, expected eventstore.Head, records []eventstore.Record) error) {
	f.become(hooks{append: func(ctx context.Context, expected eventstore.Head, records []eventstore.Record) error {
		if len(script) == 0 {
			return f.Store.Append(ctx, expected, records)
		}
		next := script[0]
		script = script[1:]
		return next(ctx, expected, records)
	}})
}

// lost is an append that gets to the store; its answer does not come back.
func (f *faulty) lost(ctx context.Context, expected eventstore.Head, records []eventstore.Record) error {
	_ = f.Store.Append(ctx, expected, records)
	return errUnknown
}

// never is an append that never gets to the store, which its sender cannot know.
func never(context.Context, eventstore.Head, []eventstore.Record) error { return errUnknown }

// foreign writes to a history as another node does, one change set for each name.
func foreign(t testing.TB, f *faulty, names ...string) {
	t.Helper()
	node := configstore.New(f.Store, configstore.Options{})
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = node.Run(ctx)
	}()
	configstoretest.MustGetReady(t, node)
	for _, name := range names {
		if _, err := node.Do(ctx, auth.Anonymous, set(t, name, "foreign")); err != nil {
			t.Error(err)
		}
	}
	stop()
	<-done
}

// mustHistory fails the test unless the history has exactly these values, written as name=value.
func mustHistory(t testing.TB, events eventstore.Store, want ...string) {
	t.Helper()
	var got []string
	for _, r := range mustRead(t, events) {
		got = append(got, r.Name.String()+"="+r.Value.String())
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("the history is %q, want %q", got, want)
	}
}

// TestUnknownOutcomes loses answers of appends in all the ways there are. Whoever waits gets the true outcome, and it has
// happened once.
func TestUnknownOutcomes(t *testing.T) {
	type appendFunc = func(context.Context, eventstore.Head, []eventstore.Record) error
	for _, test := range []struct {
		what    string
		script  func(t *testing.T, f *faulty) []appendFunc
		appends int // that were sent
		same    int // how many of them were the same bytes
		history []string
	}{
		{"it was written", func(_ *testing.T, f *faulty) []appendFunc {
			return []appendFunc{f.lost}
		}, 1, 1, []string{"a=1", "b=1"}},
		{"it was not written", func(*testing.T, *faulty) []appendFunc {
			return []appendFunc{never}
		}, 2, 2, []string{"a=1", "b=1"}},
		{"it was not written, again and again", func(*testing.T, *faulty) []appendFunc {
			return []appendFunc{never, never, never, never, never}
		}, 6, 6, []string{"a=1", "b=1"}},
		{"it was not written, and what was sent again was, but that was lost too", func(_ *testing.T, f *faulty) []appendFunc {
			return []appendFunc{never, f.lost}
		}, 2, 2, []string{"a=1", "b=1"}},
		{"it was not written, and another node wrote something", func(t *testing.T, f *faulty) []appendFunc {
			return []appendFunc{func(context.Context, eventstore.Head, []eventstore.Record) error {
				foreign(t, f, "x")
				return errUnknown
			}}
		}, 2, 1, []string{"x=foreign", "a=1", "b=1"}},
		{"it was not written, and another node wrote as much", func(t *testing.T, f *faulty) []appendFunc {
			return []appendFunc{func(context.Context, eventstore.Head, []eventstore.Record) error {
				foreign(t, f, "x", "y", "z")
				return errUnknown
			}}
		}, 2, 1, []string{"x=foreign", "y=foreign", "z=foreign", "a=1", "b=1"}},
		{"it was written, and then another node wrote something", func(t *testing.T, f *faulty) []appendFunc {
			return []appendFunc{func(ctx context.Context, expected eventstore.Head, records []eventstore.Record) error {
				_ = f.lost(ctx, expected, records)
				foreign(t, f, "x")
				return errUnknown
			}}
		}, 1, 1, []string{"a=1", "b=1", "x=foreign"}},
		{"another node wrote something when it was to be sent again", func(t *testing.T, f *faulty) []appendFunc {
			return []appendFunc{never, func(ctx context.Context, expected eventstore.Head, records []eventstore.Record) error {
				foreign(t, f, "x")
				return f.Store.Append(ctx, expected, records)
			}}
		}, 3, 2, []string{"x=foreign", "a=1", "b=1"}},
		{"the first copy comes late, when the second is sent", func(_ *testing.T, f *faulty) []appendFunc {
			return []appendFunc{never, func(ctx context.Context, expected eventstore.Head, records []eventstore.Record) error {
				_ = f.Store.Append(ctx, expected, records) // the first
				return f.Store.Append(ctx, expected, records)
			}}
		}, 2, 2, []string{"a=1", "b=1"}},
		{"the first copy comes late, and the second is refused for good", func(_ *testing.T, f *faulty) []appendFunc {
			return []appendFunc{never, func(ctx context.Context, expected eventstore.Head, records []eventstore.Record) error {
				_ = f.Store.Append(ctx, expected, records) // the first
				return eventstore.ErrNotWritten
			}}
		}, 2, 2, []string{"a=1", "b=1"}},
		{"the second is refused for good, and then the first copy comes", func(_ *testing.T, f *faulty) []appendFunc {
			return []appendFunc{never, func(context.Context, eventstore.Head, []eventstore.Record) error {
				return eventstore.ErrNotWritten
			}, f.lost}
		}, 3, 3, []string{"a=1", "b=1"}},
		{"the head has moved, which is certain", func(t *testing.T, f *faulty) []appendFunc {
			return []appendFunc{func(ctx context.Context, expected eventstore.Head, records []eventstore.Record) error {
				foreign(t, f, "x")
				return f.Store.Append(ctx, expected, records)
			}}
		}, 2, 1, []string{"x=foreign", "a=1", "b=1"}},
	} {
		t.Run(test.what, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				events := newFaulty()
				store := configstoretest.On(t, events, configstore.Options{WriteTimeout: time.Hour, BatchCommands: 3})
				// They are in one batch, because the writer waits for the first while they come.
				gate := make(chan struct{})
				blocked := func(context.Context, eventstore.Head, []eventstore.Record) error {
					<-gate
					return eventstore.ErrNotWritten
				}
				events.scripted(append([]appendFunc{blocked}, test.script(t, events)...)...)
				calls := startAll(t.Context(), store, set(t, "first", "0"), setAt(t, "a", "1", 0), setAt(t, "a", "no", 0), setAt(t, "b", "1", 0))
				close(gate)
				for _, c := range calls {
					<-c.done
				}
				mustBeKind(t, calls[0].err, configstore.Unavailable, false)
				mustBeKind(t, calls[2].err, configstore.VersionConflict, false)
				mustHistory(t, events, test.history...)
				history := mustRead(t, events)
				for _, c := range []*call{calls[1], calls[3]} {
					if c.err != nil {
						t.Errorf("got %v", c.err)
					} else if got := c.outcome.Config; !configstoretest.IsAfter(got, history[got.Seq-1]) {
						t.Errorf("answered with %+v, but the history has %+v", got, history[got.Seq-1])
					}
				}
				sent := events.sent()[1:]
				if len(sent) != test.appends {
					t.Errorf("%d appends were sent, want %d", len(sent), test.appends)
				}
				for i := range min(test.same, len(sent)) {
					if !reflect.DeepEqual(sent[i], sent[0]) {
						t.Errorf("append %d is not what was sent first", i)
					}
				}
				time.Sleep(time.Second) // until what another node wrote at the end is applied
				if view := store.Reader(auth.Anonymous); view.Head().Seq != eventstore.Seq(len(history)) {
					t.Errorf("applied %d of %d events", view.Head().Seq, len(history))
				}
			})
		})
	}
}

// TestHistoryCannotBeReadAfterAnUnknownOutcome has the head say that it has moved, while what is there cannot be seen.
func TestHistoryCannotBeReadAfterAnUnknownOutcome(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		events := newFaulty()
		store := configstoretest.On(t, events, configstore.Options{WriteTimeout: time.Hour})
		events.become(hooks{append: events.lost, read: away().read})
		c := start(t.Context(), store, set(t, "a", "1"))
		time.Sleep(time.Minute)
		synctest.Wait()
		if c.isAnswered() {
			t.Fatalf("answered with %+v, %v, which could not be known", c.outcome, c.err)
		}
		events.become(hooks{append: events.lost})
		if c.wait() != nil || c.outcome.Position.Seq != 1 || len(events.sent()) != 1 {
			t.Errorf("got %s, %v after %d appends", c.outcome.Position, c.err, len(events.sent()))
		}
	})
}

// TestHeadIsBehindAfterAnUnknownOutcome loses the tail of the history together with the answer to an append: nobody can tell any
// more what is to become of that.
func TestHeadIsBehindAfterAnUnknownOutcome(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		events := newFaulty()
		store := configstoretest.On(t, events, configstore.Options{WriteTimeout: time.Hour})
		store.MustSet(t, "a", "1")
		store.MustSet(t, "a", "2")
		old := mustRead(t, events)[0].Head()
		events.become(hooks{
			append: events.lost,
			head:   func(context.Context) (eventstore.Head, error) { return old, nil },
			read: func(context.Context, eventstore.Seq, eventstore.Limit) ([]eventstore.Record, error) {
				return nil, nil
			},
		})
		c := start(t.Context(), store, set(t, "a", "3"))
		mustBeKind(t, c.wait(), configstore.Unavailable, true)
		events.become(hooks{})
		configstoretest.MustGetReady(t, store.Store)
		time.Sleep(time.Second) // the history came back while it was read, so there may be more of it than when that began
		if got := store.Reader(auth.Anonymous).Head(); got.Seq != 3 || store.Rebuilds() != 1 {
			t.Errorf("at position %d after %d rebuilds, want 3 after one", got.Seq, store.Rebuilds())
		}
		mustHistory(t, events, "a=1", "a=2", "a=3")
	})
}

// TestRefusalAfterAnUnknownOutcome has another node take the version for which a command waits whose append got lost.
func TestRefusalAfterAnUnknownOutcome(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		events := newFaulty()
		store := configstoretest.On(t, events, configstore.Options{})
		events.scripted(func(context.Context, eventstore.Head, []eventstore.Record) error {
			foreign(t, events, "a")
			return errUnknown
		})
		c := start(t.Context(), store, setAt(t, "a", "1", 0))
		<-c.done
		mustBeKind(t, c.err, configstore.VersionConflict, false)
		mustHistory(t, events, "a=foreign")
	})
}

// TestOutcomeIsUnknownWhenTheHistoryIsAnother loses an append that was acknowledged, as a failover can, to another one.
func TestOutcomeIsUnknownWhenTheHistoryIsAnother(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		events := newFaulty()
		var log bytes.Buffer
		store := configstoretest.On(t, events, configstore.Options{Log: slog.New(slog.NewTextHandler(&log, nil))})
		events.scripted(func(context.Context, eventstore.Head, []eventstore.Record) error {
			foreign(t, events, "x")
			time.Sleep(time.Second) // the follower applies it
			return nil
		})
		c := start(t.Context(), store, set(t, "a", "1"))
		mustBeKind(t, c.wait(), configstore.Unavailable, true)
		if !strings.Contains(log.String(), "a committed append cannot be applied") {
			t.Errorf("logged:\n%s", &log)
		}
		mustHistory(t, events, "x=foreign")
		if got := store.Reader(auth.Anonymous).Config(configstoretest.Name(t, "a")); got != nil {
			t.Errorf("a config can be read that is not in the history: %+v", got)
		}
	})
}

// TestRefusalsAreJudgedAtTheHead has a node that has not heard of what others did: what it refuses, or finds done already, must
// be so at the head of the history and not only in its own view.
func TestRefusalsAreJudgedAtTheHead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		events := newFaulty()
		events.become(deaf())
		node := configstoretest.On(t, events, configstore.Options{})
		node.MustSet(t, "same", "1")
		node.MustSet(t, "deleted", "1")
		node.MustSet(t, "there", "1")
		node.MustDelete(t, "there")
		other := configstoretest.On(t, events.Store, configstore.Options{})
		other.MustSet(t, "same", "2")
		other.MustSet(t, "new", "1")
		other.MustDelete(t, "deleted")
		other.MustRestore(t, "there")
		stale := node.Reader(auth.Anonymous).Head().Seq
		if stale != 4 {
			t.Fatalf("the node is at position %d, want it to have missed all that the other did", stale)
		}

		unchanged := set(t, "same", "1")
		unchanged.OnlyIfChanged = true
		if got, err := node.Do(t.Context(), auth.Anonymous, unchanged); err != nil || !got.Changed || got.Config.Version != 3 {
			t.Errorf("set only if changed: got %+v, %v, want a third version", got, err)
		}
		for i, name := range []string{"new", "there"} {
			other.MustSet(t, "noise", fmt.Sprint(i)) // the node is behind again
			if _, err := node.Do(t.Context(), auth.Anonymous, config.Delete{Name: configstoretest.Name(t, name)}); err != nil {
				t.Errorf("deleting %q: %v", name, err)
			}
		}
		other.MustSet(t, "noise", "again")
		_, err := node.Do(t.Context(), auth.Anonymous, config.Delete{Name: configstoretest.Name(t, "nothing")})
		mustBeKind(t, err, configstore.NotFound, false)
		if got, want := node.Reader(auth.Anonymous).Head(), other.Reader(auth.Anonymous).Head(); got != want {
			t.Errorf("a refusal was judged at position %d, want %d", got.Seq, want.Seq)
		}
	})
}
