package configstore_test

import (
	"bytes"
	"context"
	"errors"
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
)

// TestStoreAwayForLong has the store go in the middle of an append, for longer than callers wait. They hear what can be known
// by their deadlines; the writer comes back by itself.
func TestStoreAwayForLong(t *testing.T) {
	for _, written := range []bool{true, false} {
		t.Run(fmt.Sprintf("written: %t", written), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				events := newFaulty()
				var log bytes.Buffer
				store := configstoretest.On(t, events, configstore.Options{Log: slog.New(slog.NewTextHandler(&log, nil))})
				store.MustSet(t, "before", "0")
				gone := away()
				gone.append = func(ctx context.Context, expected eventstore.Head, records []eventstore.Record) error {
					if written {
						_ = events.Store.Append(ctx, expected, records)
					}
					events.become(away())
					return errUnknown
				}
				events.become(gone)
				began := time.Now()
				taken := start(t.Context(), store, set(t, "a", "1"))
				waiting := start(t.Context(), store, set(t, "a", "2"))
				<-taken.done
				<-waiting.done
				if took := time.Since(began); took != 10*time.Second {
					t.Errorf("callers waited for %v, want 10s", took)
				}
				mustBeKind(t, taken.err, configstore.Unavailable, true)
				mustBeKind(t, waiting.err, configstore.Unavailable, false)

				time.Sleep(time.Hour)
				if got := store.Reader(auth.Anonymous).Config(configstoretest.Name(t, "before")); got == nil {
					t.Error("reads do not go on while the store is away")
				}
				mustBeKind(t, start(t.Context(), store, set(t, "b", "never")).wait(), configstore.Unavailable, false)

				events.become(hooks{})
				if _, err := store.Do(t.Context(), auth.Anonymous, set(t, "c", "1")); err != nil {
					t.Errorf("after the store has come back: %v", err)
				}
				mustHistory(t, events, "before=0", "a=1", "c=1") // it was written once, even when not by the first try
				if n := strings.Count(log.String(), "the outcome of an append is unknown"); n != 1 {
					t.Errorf("%d lines for one append:\n%s", n, &log)
				}
			})
		})
	}
}

func (c *call) wait() error {
	select {
	case <-c.done:
		return c.err
	case <-time.After(2 * time.Hour): // longer than any of these tests has a caller wait
		return errors.New("a command got no answer")
	}
}

// TestStoreThatHangs has operations of the store take for ever; each is given up in its time, and none holds up the writer.
func TestStoreThatHangs(t *testing.T) {
	hang := func(ctx context.Context) error {
		<-ctx.Done()
		return ctx.Err()
	}
	for _, test := range []struct {
		what  string
		hooks hooks
		cmd   func(t testing.TB) config.Command
		// unknown: it cannot be known whether the command was carried out
		unknown bool
	}{
		{"append", hooks{append: func(ctx context.Context, _ eventstore.Head, _ []eventstore.Record) error {
			return hang(ctx)
		}}, func(t testing.TB) config.Command { return set(t, "a", "1") }, true},
		{"head, when nothing is to be written", hooks{head: func(ctx context.Context) (eventstore.Head, error) {
			return eventstore.Head{}, hang(ctx)
		}}, func(t testing.TB) config.Command { return setAt(t, "a", "1", 7) }, false},
		{"read, when another node was first", hooks{
			append: func(context.Context, eventstore.Head, []eventstore.Record) error { return eventstore.ErrHeadMoved },
			read: func(ctx context.Context, _ eventstore.Seq, _ eventstore.Limit) ([]eventstore.Record, error) {
				return nil, hang(ctx)
			},
		}, func(t testing.TB) config.Command { return set(t, "a", "1") }, false},
	} {
		t.Run(test.what, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				events := newFaulty()
				store := configstoretest.On(t, events, configstore.Options{})
				events.become(test.hooks)
				began := time.Now()
				c := start(t.Context(), store, test.cmd(t))
				mustBeKind(t, c.wait(), configstore.Unavailable, test.unknown)
				if took := time.Since(began); took < 5*time.Second || took > 10*time.Second {
					t.Errorf("the answer took %v", took)
				}
				events.become(hooks{})
				if got := store.MustSet(t, "a", "2"); !got.Changed {
					t.Errorf("got %+v", got)
				}
			})
		})
	}
}
