package sqlite

import (
	"context"
	"errors"
	"sync"

	"configapi/internal/eventstore"
)

// readerPool is a pool of connections that are opened when needed.
type readerPool struct {
	file    string
	opts    Options
	barrier *readBarrier  // holds reads back during a checkpoint
	files   *openFiles    // the files of the writer; nil if the store is read-only
	turns   chan struct{} // one token for each read that may run; closed with the pool

	mu   sync.Mutex
	idle []*reader // guarded by mu; the last one is used next, because its cache is warm
}

func newReaderPool(file string, opts Options, n int) *readerPool {
	p := &readerPool{file: file, opts: opts, turns: make(chan struct{}, n)}
	for range n {
		p.turns <- struct{}{}
	}
	return p
}

// use lends a connection to f. If f fails, its connection is closed, unless the cause is ctx or a
// missing basis.
func (p *readerPool) use(ctx context.Context, f func(*reader) error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	select {
	case _, open := <-p.turns:
		if !open {
			return errClosed
		}
		defer func() { p.turns <- struct{}{} }()
	case <-ctx.Done():
		return ctx.Err()
	}
	if err := p.barrier.enter(ctx); err != nil {
		return err
	}
	defer p.barrier.leave()
	r := p.takeIdle()
	if r == nil {
		if err := p.files.check(); err != nil {
			return err // the connection would open another file
		}
		var err error
		if r, err = openReader(p.file, p.opts); err != nil {
			return err
		}
	}
	err := f(r)
	if err != nil && ctx.Err() == nil && !errors.Is(err, eventstore.ErrDiverged) {
		r.close()
	} else {
		p.putIdle(r)
	}
	return err
}

// close closes all connections after the running reads.
func (p *readerPool) close() {
	for range cap(p.turns) {
		if _, open := <-p.turns; !open {
			return // it is closed already
		}
	}
	close(p.turns)
	for _, r := range p.idle {
		r.close()
	}
}

// takeIdle returns a connection that is not in use, or nil if there is none.
func (p *readerPool) takeIdle() *reader {
	p.mu.Lock()
	defer p.mu.Unlock()
	last := len(p.idle) - 1
	if last < 0 {
		return nil
	}
	r := p.idle[last]
	p.idle = p.idle[:last]
	return r
}

func (p *readerPool) putIdle(r *reader) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.idle = append(p.idle, r)
}
