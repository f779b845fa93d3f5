package configstore

import (
	"context"
	"sync"
	"time"

	"configapi/internal/eventstore"
)

// headReads reads the head of the history for many readers at once. A reader gets the result of a
// read that began after it asked, never of one under way: that may be older than a change that the
// reader must include. Readers that ask while one read is under way share the next one.
type headReads struct {
	events  eventstore.Store
	timeout time.Duration // of one read
	// interval is the least time from the beginning of a read to that of the next one. 0: none.
	interval time.Duration

	mu       sync.Mutex // guards what is below
	next     *headRead  // has not begun yet; nil: nobody waits for it
	earliest time.Time  // when the next read may begin
	running  bool       // a goroutine makes one read after the other until there is none
}

// headRead is one read of the head, and its result.
type headRead struct {
	ctx     context.Context // of the read; it ends when no reader waits for the result any more
	cancel  context.CancelFunc
	readers int           // that wait; guarded by the mutex of headReads
	done    chan struct{} // closed when head and err are set
	head    eventstore.Head
	err     error
}

func newHeadReads(events eventstore.Store, timeout time.Duration) *headReads {
	return &headReads{events: events, timeout: timeout}
}

// read returns the head that the history has at some moment between call and return. The end of one
// reader's ctx ends the wait of that reader alone.
func (h *headReads) read(ctx context.Context) (eventstore.Head, error) {
	if err := ctx.Err(); err != nil {
		return eventstore.Head{}, err
	}
	r := h.join()
	select {
	case <-r.done:
		return r.head, r.err
	case <-ctx.Done():
		h.leave(r)
		return eventstore.Head{}, ctx.Err()
	}
}

// join adds a reader to the next read.
func (h *headReads) join() *headRead {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.next == nil {
		h.next = &headRead{done: make(chan struct{})}
		h.next.ctx, h.next.cancel = context.WithCancel(context.Background())
	}
	h.next.readers++
	if !h.running {
		h.running = true
		go h.run()
	}
	return h.next
}

// leave ends the wait of one reader.
func (h *headReads) leave(r *headRead) {
	h.mu.Lock()
	defer h.mu.Unlock()
	r.readers--
	if r.readers > 0 {
		return
	}
	r.cancel()
	if h.next == r {
		h.next = nil
	}
}

// run makes one read after the other until no reader waits.
func (h *headReads) run() {
	for r := h.begin(); r != nil; r = h.begin() {
		ctx, cancel := context.WithTimeout(r.ctx, h.timeout)
		r.head, r.err = h.events.Head(ctx)
		cancel()
		r.cancel()
		close(r.done)
	}
}

// begin returns the next read, which no reader can join any more, when it may begin. It returns nil
// when there is none, and then run must end.
func (h *headReads) begin() *headRead {
	h.mu.Lock()
	defer h.mu.Unlock()
	if rest := time.Until(h.earliest); h.next != nil && rest > 0 {
		h.mu.Unlock()
		time.Sleep(rest)
		h.mu.Lock()
	}
	r := h.next
	h.next = nil
	h.running = r != nil
	if r != nil && h.interval > 0 {
		h.earliest = time.Now().Add(h.interval)
	}
	return r
}
