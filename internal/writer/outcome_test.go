package writer_test

import (
	"bytes"
	"context"
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
	"configapi/internal/fault"
	"configapi/internal/writer"
)

// never is an append that does not reach the store, which the writer cannot know.
func never(context.Context, eventstore.Head, []eventstore.Record) error {
	return configstoretest.ErrAnswerLost
}

// TestUnknownOutcomes loses answers of appends in every way. Callers get the true outcome, and the
// change is made once.
func TestUnknownOutcomes(t *testing.T) {
	type appendFunc = func(context.Context, eventstore.Head, []eventstore.Record) error
	for _, test := range []struct {
		what    string
		script  func(t *testing.T, f *configstoretest.Faulty) []appendFunc
		appends int // that were sent
		same    int // how many of them were the same bytes
		history []string
	}{
		{"it was written", func(_ *testing.T, f *configstoretest.Faulty) []appendFunc {
			return []appendFunc{f.LoseAnswer}
		}, 1, 1, []string{"a=1", "b=1"}},
		{"it was not written", func(*testing.T, *configstoretest.Faulty) []appendFunc {
			return []appendFunc{never}
		}, 2, 2, []string{"a=1", "b=1"}},
		{"it was not written, again and again", func(*testing.T, *configstoretest.Faulty) []appendFunc {
			return []appendFunc{never, never, never, never, never}
		}, 6, 6, []string{"a=1", "b=1"}},
		{"it was not written, and what was sent again was, but that was lost too", func(_ *testing.T, f *configstoretest.Faulty) []appendFunc {
			return []appendFunc{never, f.LoseAnswer}
		}, 2, 2, []string{"a=1", "b=1"}},
		{"it was not written, and another node wrote something", func(t *testing.T, f *configstoretest.Faulty) []appendFunc {
			return []appendFunc{func(context.Context, eventstore.Head, []eventstore.Record) error {
				configstoretest.SetElsewhere(t, f, "x")
				return configstoretest.ErrAnswerLost
			}}
		}, 2, 1, []string{"x=foreign", "a=1", "b=1"}},
		{"it was not written, and another node wrote as much", func(t *testing.T, f *configstoretest.Faulty) []appendFunc {
			return []appendFunc{func(context.Context, eventstore.Head, []eventstore.Record) error {
				configstoretest.SetElsewhere(t, f, "x", "y", "z")
				return configstoretest.ErrAnswerLost
			}}
		}, 2, 1, []string{"x=foreign", "y=foreign", "z=foreign", "a=1", "b=1"}},
		{"it was written, and then another node wrote something", func(t *testing.T, f *configstoretest.Faulty) []appendFunc {
			return []appendFunc{func(ctx context.Context, expected eventstore.Head, records []eventstore.Record) error {
				_ = f.LoseAnswer(ctx, expected, records)
				configstoretest.SetElsewhere(t, f, "x")
				return configstoretest.ErrAnswerLost
			}}
		}, 1, 1, []string{"a=1", "b=1", "x=foreign"}},
		{"another node wrote something when it was to be sent again", func(t *testing.T, f *configstoretest.Faulty) []appendFunc {
			return []appendFunc{never, func(ctx context.Context, expected eventstore.Head, records []eventstore.Record) error {
				configstoretest.SetElsewhere(t, f, "x")
				return f.Store.Append(ctx, expected, records)
			}}
		}, 3, 2, []string{"x=foreign", "a=1", "b=1"}},
		{"the first copy is delayed until the second is sent", func(_ *testing.T, f *configstoretest.Faulty) []appendFunc {
			return []appendFunc{never, func(ctx context.Context, expected eventstore.Head, records []eventstore.Record) error {
				_ = f.Store.Append(ctx, expected, records) // the first
				return f.Store.Append(ctx, expected, records)
			}}
		}, 2, 2, []string{"a=1", "b=1"}},
		{"the first copy is delayed, and the second is refused for good", func(_ *testing.T, f *configstoretest.Faulty) []appendFunc {
			return []appendFunc{never, func(ctx context.Context, expected eventstore.Head, records []eventstore.Record) error {
				_ = f.Store.Append(ctx, expected, records) // the first
				return eventstore.ErrNotWritten
			}}
		}, 2, 2, []string{"a=1", "b=1"}},
		{"the second is refused for good, and then the first copy comes", func(_ *testing.T, f *configstoretest.Faulty) []appendFunc {
			return []appendFunc{never, func(context.Context, eventstore.Head, []eventstore.Record) error {
				return eventstore.ErrNotWritten
			}, f.LoseAnswer}
		}, 3, 3, []string{"a=1", "b=1"}},
		{"the head has moved, which is certain", func(t *testing.T, f *configstoretest.Faulty) []appendFunc {
			return []appendFunc{func(ctx context.Context, expected eventstore.Head, records []eventstore.Record) error {
				configstoretest.SetElsewhere(t, f, "x")
				return f.Store.Append(ctx, expected, records)
			}}
		}, 2, 1, []string{"x=foreign", "a=1", "b=1"}},
	} {
		t.Run(test.what, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				events := configstoretest.NewFaulty()
				store := configstoretest.On(t, events, configstore.Options{WriteTimeout: time.Hour, Writer: writer.Options{BatchCommands: 3}})
				// They are one batch: they are queued while the writer waits for the first.
				release := make(chan struct{})
				blocked := func(context.Context, eventstore.Head, []eventstore.Record) error {
					<-release
					return eventstore.ErrNotWritten
				}
				events.ScriptAppends(append([]appendFunc{blocked}, test.script(t, events)...)...)
				calls := configstoretest.StartAll(t.Context(), store, config.Single(configstoretest.Set(t, "first", "0")), config.Single(configstoretest.SetAt(t, "a", "1", 0)), config.Single(configstoretest.SetAt(t, "a", "no", 0)), config.Single(configstoretest.SetAt(t, "b", "1", 0)))
				close(release)
				for _, c := range calls {
					<-c.Done
				}
				configstoretest.MustBeKind(t, calls[0].Err, fault.Unavailable, false)
				configstoretest.MustBeKind(t, calls[2].Err, fault.VersionConflict, false)
				configstoretest.MustHaveHistory(t, events, test.history...)
				history := configstoretest.MustRead(t, events)
				for _, c := range []*configstoretest.Call{calls[1], calls[3]} {
					if c.Err != nil {
						t.Errorf("got %v", c.Err)
					} else if got := c.Outcome.Config; !configstoretest.IsAfter(got, history[got.Seq-1]) {
						t.Errorf("answered with %+v, but the history has %+v", got, history[got.Seq-1])
					}
				}
				sent := events.Appends()[1:]
				if len(sent) != test.appends {
					t.Errorf("%d appends were sent, want %d", len(sent), test.appends)
				}
				for i := range min(test.same, len(sent)) {
					if !reflect.DeepEqual(sent[i], sent[0]) {
						t.Errorf("append %d is not what was sent first", i)
					}
				}
				time.Sleep(time.Second) // until the last event of the other node is applied
				if view := store.Reader(auth.Anonymous); view.Head().Seq != eventstore.Seq(len(history)) {
					t.Errorf("applied %d of %d events", view.Head().Seq, len(history))
				}
			})
		})
	}
}

// TestHistoryCannotBeReadAfterAnUnknownOutcome has the head move while the records cannot be read.
func TestHistoryCannotBeReadAfterAnUnknownOutcome(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		events := configstoretest.NewFaulty()
		store := configstoretest.On(t, events, configstore.Options{WriteTimeout: time.Hour})
		events.SetHooks(configstoretest.Hooks{Append: events.LoseAnswer, Read: configstoretest.Unreachable().Read})
		c := configstoretest.Start(t.Context(), store, config.Single(configstoretest.Set(t, "a", "1")))
		time.Sleep(time.Minute)
		synctest.Wait()
		if c.IsAnswered() {
			t.Fatalf("answered with %+v, %v, which could not be known", c.Outcome, c.Err)
		}
		events.SetHooks(configstoretest.Hooks{Append: events.LoseAnswer})
		if c.Wait() != nil || c.Outcome.Position.Seq != 1 || len(events.Appends()) != 1 {
			t.Errorf("got %s, %v after %d appends", c.Outcome.Position, c.Err, len(events.Appends()))
		}
	})
}

// TestHeadIsBehindAfterAnUnknownOutcome loses the tail of the history together with the answer to
// an append: its outcome stays unknown.
func TestHeadIsBehindAfterAnUnknownOutcome(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		events := configstoretest.NewFaulty()
		store := configstoretest.On(t, events, configstore.Options{WriteTimeout: time.Hour})
		store.MustSet(t, "a", "1")
		store.MustSet(t, "a", "2")
		old := configstoretest.MustRead(t, events)[0].Head()
		events.SetHooks(configstoretest.Hooks{
			Append: events.LoseAnswer,
			Head:   func(context.Context) (eventstore.Head, error) { return old, nil },
			Read: func(context.Context, eventstore.Seq, eventstore.Limit) ([]eventstore.Record, error) {
				return nil, nil
			},
		})
		c := configstoretest.Start(t.Context(), store, config.Single(configstoretest.Set(t, "a", "3")))
		configstoretest.MustBeKind(t, c.Wait(), fault.Unavailable, true)
		events.SetHooks(configstoretest.Hooks{})
		configstoretest.MustGetReady(t, store.Store)
		time.Sleep(time.Second) // until all of the history is applied
		if got := store.Reader(auth.Anonymous).Head(); got.Seq != 3 || store.Rebuilds() != 1 {
			t.Errorf("at position %d after %d rebuilds, want 3 after one", got.Seq, store.Rebuilds())
		}
		configstoretest.MustHaveHistory(t, events, "a=1", "a=2", "a=3")
	})
}

// TestRefusalAfterAnUnknownOutcome has another node take the version that a command expects whose
// append was lost.
func TestRefusalAfterAnUnknownOutcome(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		events := configstoretest.NewFaulty()
		store := configstoretest.On(t, events, configstore.Options{})
		events.ScriptAppends(func(context.Context, eventstore.Head, []eventstore.Record) error {
			configstoretest.SetElsewhere(t, events, "a")
			return configstoretest.ErrAnswerLost
		})
		c := configstoretest.Start(t.Context(), store, config.Single(configstoretest.SetAt(t, "a", "1", 0)))
		<-c.Done
		configstoretest.MustBeKind(t, c.Err, fault.VersionConflict, false)
		configstoretest.MustHaveHistory(t, events, "a=foreign")
	})
}

// TestOutcomeIsUnknownWhenTheHistoryIsAnother loses an acknowledged append of another node, as a
// failover can.
func TestOutcomeIsUnknownWhenTheHistoryIsAnother(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		events := configstoretest.NewFaulty()
		var log bytes.Buffer
		store := configstoretest.On(t, events, configstore.Options{Log: slog.New(slog.NewTextHandler(&log, nil))})
		events.ScriptAppends(func(context.Context, eventstore.Head, []eventstore.Record) error {
			configstoretest.SetElsewhere(t, events, "x")
			time.Sleep(time.Second) // the follower applies it
			return nil
		})
		c := configstoretest.Start(t.Context(), store, config.Single(configstoretest.Set(t, "a", "1")))
		configstoretest.MustBeKind(t, c.Wait(), fault.Unavailable, true)
		if !strings.Contains(log.String(), "a committed append cannot be applied") {
			t.Errorf("logged:\n%s", &log)
		}
		configstoretest.MustHaveHistory(t, events, "x=foreign")
		if got := store.Reader(auth.Anonymous).Config(configstoretest.Name(t, "a")); got != nil {
			t.Errorf("a config can be read that is not in the history: %+v", got)
		}
	})
}

// TestRefusalsAreDecidedAtTheHead has a node that has missed what others wrote: what it refuses, or
// finds unchanged, must be so at the head of the history and not only in its own view.
func TestRefusalsAreDecidedAtTheHead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		events := configstoretest.NewFaulty()
		events.SetHooks(configstoretest.Silent())
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

		unchanged := configstoretest.Set(t, "same", "1")
		unchanged.OnlyIfChanged = true
		if got, err := node.Do(t.Context(), auth.Anonymous, config.Single(unchanged)); err != nil || !got.Changed || got.Config.Version != 3 {
			t.Errorf("set only if changed: got %+v, %v, want a third version", got, err)
		}
		for i, name := range []string{"new", "there"} {
			other.MustSet(t, "noise", fmt.Sprint(i)) // the node is behind again
			if _, err := node.Do(t.Context(), auth.Anonymous, config.Single(config.Delete{Name: configstoretest.Name(t, name)})); err != nil {
				t.Errorf("deleting %q: %v", name, err)
			}
		}
		other.MustSet(t, "noise", "again")
		_, err := node.Do(t.Context(), auth.Anonymous, config.Single(config.Delete{Name: configstoretest.Name(t, "nothing")}))
		configstoretest.MustBeKind(t, err, fault.NotFound, false)
		if got, want := node.Reader(auth.Anonymous).Head(), other.Reader(auth.Anonymous).Head(); got != want {
			t.Errorf("a refusal was decided at position %d, want %d", got.Seq, want.Seq)
		}
	})
}
