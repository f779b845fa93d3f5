package edgetest

import (
	"context"
	"sync"

	"configapi/internal/eventstore"
)

// Delayed is an event store that can hold records back: a node on it sees the head, and is behind.
type Delayed struct {
	eventstore.Store

	mu    sync.Mutex // guards shown
	shown chan struct{}
}

// NewDelayed returns a store that holds nothing back yet.
func NewDelayed(events eventstore.Store) *Delayed {
	d := &Delayed{Store: events, shown: make(chan struct{})}
	close(d.shown)
	return d
}

// Hide holds records back from now on. The returned function shows them again.
func (d *Delayed) Hide() (show func()) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.shown = make(chan struct{})
	return sync.OnceFunc(func() { close(d.shown) })
}

// Read waits until records are shown.
func (d *Delayed) Read(ctx context.Context, after eventstore.Seq, limit eventstore.Limit) ([]eventstore.Record, error) {
	d.mu.Lock()
	shown := d.shown
	d.mu.Unlock()
	select {
	case <-shown:
		return d.Store.Read(ctx, after, limit)
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}
