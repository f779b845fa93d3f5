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

// copies is how many copies of a page's data are in memory while it is sent: what was read, and
// what was made of it.
const copies = 2

// room is what an answer holds of pages that were read from the store, until its client has taken
// them. All answers of the server share it: when others wait for it, the client that is slowest is
// cut off.
type room struct {
	ctx     context.Context // of the request, which also ends when the client is cut off
	end     context.CancelFunc
	bytes   *budget.Reservation
	w       http.ResponseWriter
	sending bool

	mu    sync.Mutex // guards the following
	over  bool       // the connection may belong to another request
	isCut bool
}

// newRoom returns the room of an answer, which must be released.
func newRoom(answers *budget.Budget, w http.ResponseWriter, r *http.Request) *room {
	room := &room{bytes: answers.Reservation(), w: w}
	room.ctx, room.end = context.WithCancel(r.Context())
	return room
}

// hold makes room for a page in the place of the one before, and waits for it. The error is of kind
// [fault.Unavailable], or that of the context.
func (r *room) hold(bytes int) error {
	more := copies*int64(bytes) - r.bytes.Held()
	r.bytes.Shrink(-more)
	err := withoutRoom(r.bytes.Grow(r.ctx, more))
	if err == nil && !r.sending {
		r.sending = true
		r.bytes.Sending(r.cut)
	}
	return err
}

// withoutRoom has the error of a budget be of kind [fault.Unavailable].
func withoutRoom(err error) error {
	if errors.Is(err, budget.ErrNoRoom) || errors.Is(err, budget.ErrTooLarge) {
		return &fault.UnavailableError{Reading: true, Cause: err}
	}
	return err
}

// sent says that the client has taken bytes. A nil room is that of an answer that holds nothing.
func (r *room) sent(bytes int) {
	if r != nil {
		r.bytes.Sent(int64(bytes))
	}
}

// isCutOff reports whether nothing more may be sent.
func (r *room) isCutOff() bool {
	if r == nil {
		return false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.isCut
}

// cut ends the sending, also a write that blocks, and the waiting for more room.
func (r *room) cut() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.over {
		return
	}
	r.isCut = true
	r.end()
	_ = http.NewResponseController(r.w).SetWriteDeadline(time.Now()) // fails when the connection is gone
}

// release gives all of it back.
func (r *room) release() {
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
