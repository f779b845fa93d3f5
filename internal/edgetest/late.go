package edgetest

import (
	"context"
	"sync"

	"configapi/internal/eventstore"
)

// Late is an event store whose records come late when they are hidden: a node on it knows of the head, and is behind.
type Late struct {
	eventstore.Store

	mu    sync.Mutex // guards shown
	shown chan struct{}
}

// NewLate returns a store on another that hides nothing yet.
func NewLate(events eventstore.Store) *Late {
	l := &Late{Store: events, shown: make(chan struct{})}
	close(l.shown)
	return l
}

// Hide keeps records from being read from now on. It returns what shows them again.
func (l *Late) Hide() (show func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.shown = make(chan struct{})
	return sync.OnceFunc(func() { close(l.shown) })
}

// Read waits until the records are shown.
func (l *Late) Read(ctx context.Context, after eventstore.Seq, limit eventstore.Limit) ([]eventstore.Record, error) {
	l.mu.Lock()
	shown := l.shown
	l.mu.Unlock()
	select {
	case <-shown:
		return l.Store.Read(ctx, after, limit)
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}
