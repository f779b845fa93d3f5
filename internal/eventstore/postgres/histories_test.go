package postgres

import (
	"context"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"

	"configapi/internal/eventstore"
	"configapi/internal/postgrestest"
)

// histories gives each law an empty history. Its database and handles are those of laws before it, because to make them anew
// takes longer than most laws: each handle is several processes of the server's.
type histories struct {
	t    *testing.T // that of all the laws
	url  func(t testing.TB, dsn string) string
	opts Options

	mu   sync.Mutex
	free []*history // guarded by mu
}

// history is a database, and the handles on it that were opened so far.
type history struct {
	url     string
	handles []*Store
	conns   []*pgx.Conn // :: handle → the connection that it appended with when it was handed out
}

// newHistories has laws use the databases by way of other URLs than their own, unless url is nil.
func newHistories(t *testing.T, url func(t testing.TB, dsn string) string, opts Options) *histories {
	return &histories{t: t, url: url, opts: opts}
}

// next is an [eventstoretest.NewHistory].
func (h *histories) next(t testing.TB) (open func() eventstore.Store) {
	one := h.take()
	one.conns = nil
	t.Cleanup(func() {
		if !t.Failed() && one.isQuiet() {
			one.empty(t)
			h.giveBack(one)
		}
	})
	return func() eventstore.Store {
		n := len(one.conns)
		if n == len(one.handles) {
			one.handles = append(one.handles, mustOpen(h.t, one.url, h.opts))
		}
		one.conns = append(one.conns, one.handles[n].writer.conn)
		return one.handles[n]
	}
}

func (h *histories) take() *history {
	h.mu.Lock()
	defer h.mu.Unlock()
	if last := len(h.free) - 1; last >= 0 {
		one := h.free[last]
		h.free = h.free[:last]
		return one
	}
	url := postgrestest.NewDatabase(h.t)
	if h.url != nil {
		url = h.url(h.t, url)
	}
	return &history{url: url}
}

func (h *histories) giveBack(one *history) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.free = append(h.free, one)
}

// isQuiet tells whether no connection was given up: what was sent on one may still be written.
func (one *history) isQuiet() bool {
	for i, conn := range one.conns {
		if one.handles[i].writer.conn != conn {
			return false
		}
	}
	return true
}

func (one *history) empty(t testing.TB) {
	t.Helper()
	if len(one.handles) == 0 {
		return
	}
	// The context of a test has ended when it cleans up.
	if _, err := one.handles[0].pool.Exec(context.Background(), `delete from idempotency`); err != nil {
		t.Fatal(err)
	}
	rewriteAll(context.Background(), t, one.handles[0], eventstore.Head{}, nil)
	for _, s := range one.handles {
		s.large.Store(false)
		newest, _ := s.hint.get()
		s.hint.correct(newest, 0)
	}
}
