package sqlite

import (
	"context"
	"sync"
	"time"
)

// gate holds new reads back for a moment, so that the write-ahead log can begin anew. SQLite lets
// it do so only when no read uses it, and with reads that overlap that moment would never come.
type readBarrier struct {
	mu       sync.Mutex    // guards what is below
	reading  int           // reads that have entered and not left
	reopened chan struct{} // nil while the gate is open, else closed when it opens again
	drained  chan struct{} // nil unless hold waits for the last read to leave
}

// enter waits until the gate is open. Each successful call needs a call of leave.
func (g *readBarrier) enter(ctx context.Context) error {
	for {
		g.mu.Lock()
		open := g.reopened
		if open == nil {
			g.reading++
			g.mu.Unlock()
			return nil
		}
		g.mu.Unlock()
		select {
		case <-open:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (g *readBarrier) leave() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.reading--
	if g.reading == 0 && g.drained != nil {
		close(g.drained)
		g.drained = nil
	}
}

// hold closes the gate, waits for at most patience until no read is under way, calls f in either
// case, and opens the gate again. Only one goroutine may call it at a time.
func (g *readBarrier) hold(patience time.Duration, f func() error) error {
	empty := g.close()
	defer g.reopen()
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-empty:
	case <-timer.C:
	}
	return f()
}

// shut closes the gate. What it returns is closed when no read is under way.
func (g *readBarrier) close() <-chan struct{} {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.reopened = make(chan struct{})
	empty := make(chan struct{})
	if g.reading == 0 {
		close(empty)
	} else {
		g.drained = empty
	}
	return empty
}

func (g *readBarrier) reopen() {
	g.mu.Lock()
	defer g.mu.Unlock()
	close(g.reopened)
	g.reopened, g.drained = nil, nil
}
