package configstore

import (
	"context"
	"errors"
	"sync"
	"time"

	"golang.org/x/sync/semaphore"

	"configapi/internal/eventstore"
)

// operationReads is how many reads of the past one request makes of the store at once. Its others
// wait here, so that a request with thousands of reads does not fill the queue that all requests
// share.
const operationReads = 2

// operation is what the reads of one request share: their turns, and the moments that were looked
// up.
type operation struct {
	turns   *semaphore.Weighted
	moments Moments
}

func newOperation() *operation {
	return &operation{turns: semaphore.NewWeighted(operationReads)}
}

// enter waits until the request may read. The caller must call leave unless there is an error.
// It only asks for ctx's channel when it has to wait, since contexts make a timer for that: see
// BenchmarkHistory of graph.
func (o *operation) enter(ctx context.Context) (leave func(), err error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if !o.turns.TryAcquire(1) {
		if err := o.turns.Acquire(ctx, 1); err != nil {
			return nil, err
		}
	}
	return func() { o.turns.Release(1) }, nil
}

// lookUp is [Moments.LookUp], but what the store could not answer may be asked again.
func (o *operation) lookUp(ctx context.Context, m Moment, find func() (*Snapshot, error)) (*Snapshot, error) {
	return o.moments.LookUp(ctx, m, func() (*Snapshot, error) {
		snapshot, err := find()
		if KindOf(err) == Unavailable {
			o.moments.forget(m)
		}
		return snapshot, err
	})
}

// Moment is what a snapshot is asked for by: a position, or an instant.
type Moment struct {
	Position eventstore.Position
	Instant  time.Time // in UTC
}

// Moments are the snapshots that one request has asked for. The zero value is ready to use; it is
// safe for concurrent use.
type Moments struct {
	mu      sync.Mutex         // guards lookups
	lookups map[Moment]*lookup // :: moment → what it came to, or will
}

// lookup is the answer for a moment, once done is closed.
type lookup struct {
	done     chan struct{}
	snapshot *Snapshot
	err      error
}

// errLookup stands for a look-up that panicked.
var errLookup = errors.New("looking up a moment was cut off")

// LookUp returns what find returns for a moment, or has returned before. A request that asks for a
// moment many times, such as for each config of a list, has it looked up once, and gets the same
// error each time. Callers that ask meanwhile wait until ctx ends.
func (s *Moments) LookUp(ctx context.Context, m Moment, find func() (*Snapshot, error)) (*Snapshot, error) {
	l, first := s.enter(m)
	if first {
		defer close(l.done)
		l.snapshot, l.err = find()
		return l.snapshot, l.err
	}
	select {
	case <-l.done:
		return l.snapshot, l.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// enter returns the look-up of a moment, and whether the caller has to make it.
func (s *Moments) enter(m Moment) (l *lookup, first bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if l, known := s.lookups[m]; known {
		return l, false
	}
	l = &lookup{done: make(chan struct{}), err: errLookup}
	if s.lookups == nil {
		s.lookups = make(map[Moment]*lookup)
	}
	s.lookups[m] = l
	return l, true
}

func (s *Moments) forget(m Moment) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.lookups, m)
}
