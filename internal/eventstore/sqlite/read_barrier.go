package sqlite

import (
	"context"
	"sync"
	"time"
)

// readBarrier holds new reads back while a checkpoint waits for the running ones. SQLite starts the
// log over only when no read uses it, and with overlapping reads that would never happen.
type readBarrier struct {
	mu       sync.Mutex    // guards what is below
	reading  int           // reads between enter and leave
	reopened chan struct{} // nil while the barrier is open; closed when it opens again
	drained  chan struct{} // nil unless hold waits for the last read to leave
}

// enter waits until the barrier is open. After a nil error leave must be called once.
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

// hold closes the barrier, waits for at most maxWait until no read is running, calls f in either
// case, and opens the barrier again. Only one goroutine may call it at a time.
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

// close closes the barrier. The channel that it returns is closed when no read is running.
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
