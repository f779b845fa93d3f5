package writer_test

import (
	"context"
	"errors"
	"fmt"
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

// TestWriteIntoAFileThatIsGone is answered at once, whether the append finds that the file is gone
// or the search for its outcome does. When the file is back, the node goes on and has what was
// written.
func TestWriteIntoAFileThatIsGone(t *testing.T) {
	gone := fmt.Errorf("%w: test", eventstore.ErrReplaced)
	for name, first := range map[string]error{"at the append": gone, "afterwards": errors.New("disk trouble")} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				events := configstoretest.NewFaulty()
				node := configstoretest.On(t, events, configstore.Options{})
				node.MustSet(t, "a", "1")
				events.SetHooks(configstoretest.Hooks{
					Append: func(ctx context.Context, expected eventstore.Head, records []eventstore.Record) error {
						return errors.Join(first, events.Store.Append(ctx, expected, records))
					},
					Head: func(context.Context) (eventstore.Head, error) { return eventstore.Head{}, gone },
					Read: func(context.Context, eventstore.Seq, eventstore.Limit) ([]eventstore.Record, error) {
						return nil, gone
					},
				})
				began := time.Now()
				_, err := node.Do(t.Context(), auth.Anonymous, config.Single(configstoretest.Set(t, "a", "2")))
				configstoretest.MustBeKind(t, err, fault.Unavailable, true)
				if took := time.Since(began); took > time.Second || !strings.Contains(err.Error(), eventstore.ErrReplaced.Error()) {
					t.Errorf("after %v: %v, want the reason at once", took, err)
				}
				if got := node.Reader(auth.Anonymous).Head().Seq; got != 1 {
					t.Errorf("reads position %d, which is in no file", got)
				}
				events.SetHooks(configstoretest.Hooks{})
				if got := node.MustSet(t, "a", "3"); got.Config.Version != 3 {
					t.Errorf("after the file is back: got version %d, want 3", got.Config.Version)
				}
			})
		})
	}
}
