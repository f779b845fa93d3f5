package configstore_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"configapi/internal/auth"
	"configapi/internal/configstore"
	"configapi/internal/configstore/configstoretest"
	"configapi/internal/eventstore"
)

// TestWriteIntoAFileThatIsGone is answered at once, whether the file turns out to be gone at the append or when its outcome is
// looked for. When the file is back the node goes on, and has what was written.
func TestWriteIntoAFileThatIsGone(t *testing.T) {
	gone := fmt.Errorf("%w: test", eventstore.ErrReplaced)
	for name, first := range map[string]error{"at the append": gone, "afterwards": errors.New("disk trouble")} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				events := newFaulty()
				node := configstoretest.On(t, events, configstore.Options{})
				node.MustSet(t, "a", "1")
				events.become(hooks{
					append: func(ctx context.Context, expected eventstore.Head, records []eventstore.Record) error {
						return errors.Join(first, events.Store.Append(ctx, expected, records))
					},
					head: func(context.Context) (eventstore.Head, error) { return eventstore.Head{}, gone },
					read: func(context.Context, eventstore.Seq, eventstore.Limit) ([]eventstore.Record, error) {
						return nil, gone
					},
				})
				began := time.Now()
				_, err := node.Do(t.Context(), auth.Anonymous, set(t, "a", "2"))
				mustBeKind(t, err, configstore.Unavailable, true)
				if took := time.Since(began); took > time.Second || !strings.Contains(err.Error(), eventstore.ErrReplaced.Error()) {
					t.Errorf("after %v: %v, want the reason at once", took, err)
				}
				if got := node.Reader(auth.Anonymous).Head().Seq; got != 1 {
					t.Errorf("reads position %d, which is in no file", got)
				}
				events.become(hooks{})
				if got := node.MustSet(t, "a", "3"); got.Config.Version != 3 {
					t.Errorf("after the file is back: got version %d, want 3", got.Config.Version)
				}
			})
		})
	}
}
