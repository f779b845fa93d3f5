package postgres

import (
	"context"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"

	"configapi/internal/eventstore"
	"configapi/internal/postgrestest"
)

// histories gives each law an empty history. It uses databases and handles again, because making
// them takes longer than most laws: each handle is several processes of the server. There are only
// a few histories, and a law waits for a free one.
type histories struct {
	t    *testing.T // the test of all laws
	url  func(t testing.TB, dsn string) string
	opts Options
	free chan *history // holds nil for a history that is not made yet

	owners sync.Map // :: *Store → URL of its database by which rows can be forged
}

// history is a database and the handles on it that are open.
type history struct {
	url     string
	owner   string // the URL by which rows can be forged
	handles []*Store
	conns   []*pgx.Conn // :: handle → its appending connection when the history was handed out
}

// newHistories makes laws use the databases by other URLs than their own, unless url is nil.
func newHistories(t *testing.T, url func(t testing.TB, dsn string) string, opts Options) *histories {
	h := &histories{t: t, url: url, opts: opts, free: make(chan *history, 3)}
	for range cap(h.free) {
		h.free <- nil
	}
	return h
}

// next is an [eventstoretest.NewHistory].
func (h *histories) next(t testing.TB) (open func() eventstore.Store) {
	one := <-h.free
	t.Cleanup(func() { h.free <- one.emptied(t) })
	if one == nil {
		one = h.make()
	}
	one.conns = nil
	return func() eventstore.Store {
		n := len(one.conns)
		if n == len(one.handles) {
			one.handles = append(one.handles, mustOpen(h.t, one.url, h.opts))
			h.owners.Store(one.handles[n], one.owner)
		}
		one.conns = append(one.conns, one.handles[n].writer.connection())
		return one.handles[n]
	}
}

func (h *histories) make() *history {
	owner := postgrestest.NewDatabase(h.t)
	one := &history{url: owner, owner: owner}
	if h.url != nil {
		one.url = h.url(h.t, owner)
	}
	return one
}

// rewrite is an [eventstoretest.Rewrite].
func (h *histories) rewrite(t testing.TB, store eventstore.Store, head eventstore.Head, records []eventstore.Record) {
	t.Helper()
	owner, _ := h.owners.Load(store)
	if err := rewriteAll(t.Context(), owner.(string), head, records); err != nil {
		t.Fatal(err)
	}
}

// emptied returns the history for the next law, or nil if it cannot be used again.
func (one *history) emptied(t testing.TB) *history {
	if one == nil || t.Failed() || !one.isQuiet() {
		return nil
	}
	if err := one.empty(); err != nil {
		t.Errorf("emptying a history: %v", err)
		return nil
	}
	return one
}

// isQuiet reports whether no connection was dropped: what was sent on a dropped one may still be
// written.
func (one *history) isQuiet() bool {
	for i, conn := range one.conns {
		if one.handles[i].writer.connection() != conn {
			return false
		}
	}
	return true
}

func (one *history) empty() error {
	if len(one.handles) == 0 {
		return nil
	}
	ctx := context.Background() // the test's context ends before its cleanup
	if err := rewriteAll(ctx, one.owner, eventstore.Head{}, nil, `delete from public.idempotency`, `delete from public.token_uses`); err != nil {
		return err
	}
	for _, s := range one.handles {
		s.largePages.Store(false)
		newest, _ := s.appends.state()
		s.appends.lower(newest, 0)
	}
	return nil
}
