package gqlws

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/vektah/gqlparser/v2/gqlerror"

	"configapi/graph/transport/bounds"
	"configapi/graph/transport/fanout"
	"configapi/graph/transport/gqlmsg"
	"configapi/internal/eventstream"
	"configapi/internal/fault"
)

// entry is an operation as the registry knows it.
type entry struct {
	id string
	// completed says that the client wants no more: nothing is queued, and what is queued is
	// dropped.
	completed atomic.Bool

	// Guarded by the registry's mutex.
	cancel     context.CancelFunc // of the operation's goroutine; nil before there was one
	subscriber *fanout.Subscriber // nil: it is no subscription
}

// registry has the operations of one socket by their ids, and their goroutines. An id is taken
// until the operation's last frame is sent, or until the client completes it. It is safe for
// concurrent use.
type registry struct {
	max    int                // operations at a time
	limit  *eventstream.Limit // of all operations of the server
	client eventstream.Client

	// slots has one slot for each operation whose goroutine runs. Ids are free again before their
	// goroutines have noticed: without a limit of their own, subscribe and complete in turns would
	// start any number of goroutines.
	slots   chan struct{}
	running sync.WaitGroup // the goroutines

	mu      sync.Mutex // guards the following
	byID    map[string]*entry
	stopped bool // no goroutine starts any more
}

func newRegistry(max int, limit *eventstream.Limit, client eventstream.Client) *registry {
	return &registry{max: max, limit: limit, client: client, slots: make(chan struct{}, 2*max), byID: make(map[string]*entry)}
}

func (r *registry) isInUse(id string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.byID[id] != nil
}

func (r *registry) count() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.byID)
}

// claim takes the id for the operation. It is refused when the id is in use, and full when the
// socket, or the server, has no place for one more.
func (r *registry) claim(e *entry) (refused *CloseError, full gqlerror.List) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.byID[e.id] != nil {
		return inUse(e.id), nil
	}
	if len(r.byID) >= r.max {
		text := fmt.Sprintf("one socket can have %d streams at a time", r.max)
		return nil, gqlerror.List{gqlmsg.NewError(fault.LimitExceeded, text)}
	}
	if err := r.limit.Open(r.client); err != nil {
		return nil, bounds.FaultOfLimit(err).List()
	}
	r.byID[e.id] = e
	return nil, nil
}

// start has a goroutine serve the operation, unless the operation has ended already. It reports
// whether it has. The context of serve is derived from ctx.
func (r *registry) start(ctx context.Context, e *entry, serve func(context.Context)) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.stopped || e.completed.Load() {
		return false
	}
	ctx, cancel := context.WithCancel(ctx)
	e.cancel = cancel
	r.running.Go(func() {
		defer cancel()
		serve(ctx)
	})
	return true
}

// subscribe gives an operation its subscriber, which is released with the id. It reports false when
// the id is free already.
func (r *registry) subscribe(e *entry, s *fanout.Subscriber) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.byID[e.id] != e {
		s.Release()
		return false
	}
	e.subscriber = s
	return true
}

// complete ends an operation because the client wants no more of it. Ids that it does not know are
// those of operations that have just ended.
func (r *registry) complete(id string) {
	r.mu.Lock()
	e := r.byID[id]
	if e == nil {
		r.mu.Unlock()
		return
	}
	r.remove(e)
	e.completed.Store(true)
	if e.cancel != nil {
		e.cancel()
	}
	s := e.subscriber
	r.mu.Unlock()
	if s != nil {
		s.Leave()
	}
}

// forget frees the operation's id, unless it is another's already.
func (r *registry) forget(e *entry) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.byID[e.id] == e {
		r.remove(e)
	}
}

// remove frees an id. It needs r.mu.
func (r *registry) remove(e *entry) {
	if e.subscriber != nil {
		e.subscriber.Release()
	}
	delete(r.byID, e.id)
	r.limit.Close(r.client)
}

// stop lets no goroutine start any more. It may be called several times.
func (r *registry) stop() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.stopped = true
}

// end waits for the goroutines, and has the subscribers leave that have none. It must be called
// after stop.
func (r *registry) end() {
	r.running.Wait()
	r.mu.Lock()
	left := make([]*entry, 0, len(r.byID))
	for _, e := range r.byID {
		left = append(left, e)
	}
	r.mu.Unlock()
	for _, e := range left {
		if e.subscriber != nil {
			e.subscriber.Leave()
		}
		r.forget(e)
	}
}
