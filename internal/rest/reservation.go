package rest

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"time"

	"configapi/internal/budget"
	"configapi/internal/eventstore"
	"configapi/internal/fault"
	"configapi/internal/projection"
)

// copies is how many copies of a page's data are in memory while it is sent: the page itself, and
// its JSON.
const copies = 2

// reservation is the budgeted memory of an answer: that of the pages that were read from the store
// and that the client has not taken yet. All answers share the budget. When others wait for it, the
// slowest client is cut off.
type reservation struct {
	ctx     context.Context // of the request; ends also when the client is cut off
	end     context.CancelFunc
	bytes   *budget.Reservation
	w       http.ResponseWriter
	sending bool

	mu    sync.Mutex // guards the following
	over  bool       // the connection may belong to another request
	isCut bool
}

// newReservation returns the reservation of an answer, which must be released.
func newReservation(answers *budget.Budget, w http.ResponseWriter, r *http.Request) *reservation {
	held := &reservation{bytes: answers.Reservation(), w: w}
	held.ctx, held.end = context.WithCancel(r.Context())
	return held
}

// hold reserves memory for a page in place of the one before, and waits for it. From then on, the
// answer is being sent, and can be cut. The error is of kind [fault.Unavailable], or that of the
// context.
func (r *reservation) hold(bytes int) error {
	err := r.reserve(bytes)
	if err == nil {
		r.send()
	}
	return err
}

// reserve is hold for an answer that is not being sent yet.
func (r *reservation) reserve(bytes int) error {
	more := copies*int64(bytes) - r.bytes.Held()
	r.bytes.Shrink(-more)
	return asUnavailable(r.bytes.Grow(r.ctx, more))
}

// readPage reads a page of an answer from the store and reserves memory for it: size returns the
// bytes of its data. A page for which there is no memory at once is dropped, and read again when
// there is: so no page is in memory while it waits. A nil reservation holds nothing. The error is
// that of read, or as that of hold.
func readPage[T any](held *reservation, read func() (T, error), size func(T) int) (T, error) {
	page, err := read()
	if err != nil || held == nil {
		return page, err
	}
	bytes := size(page)
	if held.tryReserve(bytes) {
		return page, nil
	}
	var none T
	page = none
	if err := held.reserve(bytes); err != nil {
		return none, err
	}
	if page, err = read(); err == nil {
		err = held.reserve(size(page))
	}
	return page, err
}

// tryReserve is reserve without a wait. It reports whether there was memory.
func (r *reservation) tryReserve(bytes int) bool {
	more := copies*int64(bytes) - r.bytes.Held()
	r.bytes.Shrink(-more)
	return r.bytes.TryGrow(more)
}

// send says that the answer is being sent from now on. It can be cut then.
func (r *reservation) send() {
	if r != nil && !r.sending {
		r.sending = true
		r.bytes.Sending(r.cut)
	}
}

// asUnavailable has the error of a budget be of kind [fault.Unavailable].
func asUnavailable(err error) error {
	if errors.Is(err, budget.ErrExhausted) || errors.Is(err, budget.ErrTooLarge) {
		return &fault.UnavailableError{Reading: true, Cause: err}
	}
	return err
}

// sent records that the client has taken bytes. A nil reservation holds nothing.
func (r *reservation) sent(bytes int) {
	if r != nil {
		r.bytes.Sent(int64(bytes))
	}
}

// isCutOff reports whether the client was cut off, so that nothing more may be sent.
func (r *reservation) isCutOff() bool {
	if r == nil {
		return false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.isCut
}

// cut ends the sending, also a write that blocks, and the wait for more memory.
func (r *reservation) cut() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.over {
		return
	}
	r.isCut = true
	r.end()
	_ = http.NewResponseController(r.w).SetWriteDeadline(time.Now()) // fails on a closed connection
}

// release gives all memory back.
func (r *reservation) release() {
	r.bytes.Release()
	r.end()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.over = true
}

func bytesOfRevisions(page []*eventstore.Revision) int {
	bytes := 0
	for _, r := range page {
		bytes += r.Bytes()
	}
	return bytes
}

func bytesOfConfigs(page []*projection.Config) int {
	bytes := 0
	for _, c := range page {
		bytes += len(c.Name.String()) + len(c.Value.String())
	}
	return bytes
}
