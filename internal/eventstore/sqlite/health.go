package sqlite

import (
	"context"
	"fmt"
	"sync"

	"configapi/internal/eventstore"
)

// headProbe reads the head on a connection of its own, so that health checks do not wait for other
// reads.
//
// The connection stays open as long as the store. While any connection is open, SQLite does not
// replay the write-ahead log again: that would make appends visible whose fsync has failed.
type headProbe struct {
	barrier *readBarrier

	mu     sync.Mutex // guards what is below
	reader *reader    // nil once closed
}

func openHeadProbe(ctx context.Context, file string, opts Options, barrier *readBarrier) (*headProbe, error) {
	r, err := openReader(file, opts)
	if err != nil {
		return nil, err
	}
	p := &headProbe{barrier: barrier, reader: r}
	_, err = p.head(ctx)
	return p, err
}

func (p *headProbe) head(ctx context.Context) (eventstore.Head, error) {
	if err := p.barrier.enter(ctx); err != nil {
		return eventstore.Head{}, err
	}
	defer p.barrier.leave()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.reader == nil {
		return eventstore.Head{}, errClosed
	}
	return p.reader.readHead()
}

func (p *headProbe) close() {
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.reader != nil {
		p.reader.close()
		p.reader = nil
	}
}

// ProbeHead returns the head as [Store.Head] does, on a connection kept for health checks: it does
// not wait for other reads.
func (s *Store) ProbeHead(ctx context.Context) (eventstore.Head, error) {
	if s.probe == nil {
		return s.Head(ctx)
	}
	if err := s.files.check(); err != nil {
		return eventstore.Head{}, err
	}
	head, err := s.probe.head(ctx)
	if err != nil {
		return eventstore.Head{}, fmt.Errorf("reading the head: %w", err)
	}
	return head, nil
}

// WriteProblem returns the reason why appends would fail now, or nil: the store is read-only, or
// its file was removed or replaced. It does not try to append.
func (s *Store) WriteProblem() error {
	if s.writer == nil {
		return errReadOnly
	}
	return s.files.check()
}

// LogBytes returns the length of the write-ahead log in bytes, 0 if it is empty or missing, or if
// the store is read-only.
func (s *Store) LogBytes() int64 {
	if s.writer == nil {
		return 0
	}
	log, err := identify(s.writer.file + "-wal")
	if err != nil {
		return 0
	}
	return log.bytes
}
