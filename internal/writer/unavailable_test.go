package writer_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
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
)

// TestStoreUnreachableForLong has the store become unreachable in the middle of an append, for
// longer than callers wait. They get what is known at their deadlines; the writer recovers by
// itself.
func TestStoreUnreachableForLong(t *testing.T) {
	for _, written := range []bool{true, false} {
		t.Run(fmt.Sprintf("written: %t", written), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				events := configstoretest.NewFaulty()
				var log bytes.Buffer
				store := configstoretest.On(t, events, configstore.Options{Log: slog.New(slog.NewTextHandler(&log, nil))})
				store.MustSet(t, "before", "0")
				gone := configstoretest.Unreachable()
				gone.Append = func(ctx context.Context, expected eventstore.Head, records []eventstore.Record) error {
					if written {
						_ = events.Store.Append(ctx, expected, records)
					}
					events.SetHooks(configstoretest.Unreachable())
					return configstoretest.ErrAnswerLost
				}
				events.SetHooks(gone)
				began := time.Now()
				taken := configstoretest.Start(t.Context(), store, config.Single(configstoretest.Set(t, "a", "1")))
				waiting := configstoretest.Start(t.Context(), store, config.Single(configstoretest.Set(t, "a", "2")))
				<-taken.Done
				<-waiting.Done
				if took := time.Since(began); took != 10*time.Second {
					t.Errorf("callers waited for %v, want 10s", took)
				}
				configstoretest.MustBeKind(t, taken.Err, fault.Unavailable, true)
				configstoretest.MustBeKind(t, waiting.Err, fault.Unavailable, false)

				time.Sleep(time.Hour)
				if got := store.Reader(auth.Anonymous).Config(configstoretest.Name(t, "before")); got == nil {
					t.Error("reads do not go on while the store is unreachable")
				}
				configstoretest.MustBeKind(t, configstoretest.Start(t.Context(), store, config.Single(configstoretest.Set(t, "b", "never"))).Wait(), fault.Unavailable, false)

				events.SetHooks(configstoretest.Hooks{})
				if _, err := store.Do(t.Context(), auth.Anonymous, config.Single(configstoretest.Set(t, "c", "1"))); err != nil {
					t.Errorf("after the store has come back: %v", err)
				}
				configstoretest.MustHaveHistory(t, events, "before=0", "a=1", "c=1") // each once
				if n := strings.Count(log.String(), "the outcome of an append is unknown"); n != 1 {
					t.Errorf("%d lines for one append:\n%s", n, &log)
				}
			})
		})
	}
}

// TestStoreThatHangs has operations of the store never return. Each ends at its timeout, and none
// stops the writer.
func TestStoreThatHangs(t *testing.T) {
	hang := func(ctx context.Context) error {
		<-ctx.Done()
		return ctx.Err()
	}
	for _, test := range []struct {
		what  string
		hooks configstoretest.Hooks
		cmd   func(t testing.TB) config.Command
		// unknown reports whether the command may have been carried out.
		unknown bool
	}{
		{"append", configstoretest.Hooks{Append: func(ctx context.Context, _ eventstore.Head, _ []eventstore.Record) error {
			return hang(ctx)
		}}, func(t testing.TB) config.Command { return configstoretest.Set(t, "a", "1") }, true},
		{"head, when nothing is to be written", configstoretest.Hooks{Head: func(ctx context.Context) (eventstore.Head, error) {
			return eventstore.Head{}, hang(ctx)
		}}, func(t testing.TB) config.Command { return configstoretest.SetAt(t, "a", "1", 7) }, false},
		{"read, when another node was first", configstoretest.Hooks{
			Append: func(context.Context, eventstore.Head, []eventstore.Record) error { return eventstore.ErrHeadMoved },
			Read: func(ctx context.Context, _ eventstore.Seq, _ eventstore.Limit) ([]eventstore.Record, error) {
				return nil, hang(ctx)
			},
		}, func(t testing.TB) config.Command { return configstoretest.Set(t, "a", "1") }, false},
	} {
		t.Run(test.what, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				events := configstoretest.NewFaulty()
				store := configstoretest.On(t, events, configstore.Options{})
				events.SetHooks(test.hooks)
				began := time.Now()
				c := configstoretest.Start(t.Context(), store, config.Single(test.cmd(t)))
				configstoretest.MustBeKind(t, c.Wait(), fault.Unavailable, test.unknown)
				if took := time.Since(began); took < 5*time.Second || took > 10*time.Second {
					t.Errorf("the answer took %v", took)
				}
				events.SetHooks(configstoretest.Hooks{})
				if got := store.MustSet(t, "a", "2"); !got.Changed {
					t.Errorf("got %+v", got)
				}
			})
		})
	}
}
