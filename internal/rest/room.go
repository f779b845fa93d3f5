package rest

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"time"

	"configapi/internal/budget"
	"configapi/internal/configstore"
	"configapi/internal/eventstore"
	"configapi/internal/projection"
)

// copies is how many copies of a page's data are in memory while it is sent: what was read, and what was made of it.
const copies = 2

// room is what an answer holds of pages that were read from the store, until its client has taken them. All answers of the
// server share it: when others wait for it, the client that is slowest is cut off.
type room struct {
	bytes   *budget.Reservation
	w       http.ResponseWriter
	sending bool

	mu    sync.Mutex // guards the following
	over  bool       // the connection may belong to another request
	isCut bool
}

func newRoom(answers *budget.Budget, w http.ResponseWriter) *room {
	return &room{bytes: answers.Reservation(), w: w}
}

// hold makes room for a page in the place of the one before, and waits for it. The error is of kind
// [configstore.Unavailable], or that of ctx.
func (r *room) hold(ctx context.Context, bytes int) error {
	more := copies*int64(bytes) - r.bytes.Held()
	r.bytes.Shrink(-more)
	err := withoutRoom(r.bytes.Grow(ctx, more))
	if err == nil && !r.sending {
		r.sending = true
		r.bytes.Sending(r.cut)
	}
	return err
}

// withoutRoom has the error of a budget be of kind [configstore.Unavailable].
func withoutRoom(err error) error {
	if errors.Is(err, budget.ErrNoRoom) || errors.Is(err, budget.ErrTooLarge) {
		return &configstore.UnavailableError{Reading: true, Cause: err}
	}
	return err
}

// sent says that the client has taken bytes. It reports whether the answer may go on. A nil room is that of an answer that
// holds nothing.
func (r *room) sent(bytes int) bool {
	if r == nil {
		return true
	}
	r.bytes.Sent(int64(bytes))
	r.mu.Lock()
	defer r.mu.Unlock()
	return !r.isCut
}

// cut ends the sending, also a write that blocks.
func (r *room) cut() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.over {
		return
	}
	r.isCut = true
	_ = http.NewResponseController(r.w).SetWriteDeadline(time.Now()) // fails when the connection is gone
}

// release gives all of it back.
func (r *room) release() {
	r.bytes.Release()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.over = true
}

func bytesOfRevisions(page []*eventstore.Revision) int {
	bytes := 0
	for _, r := range page {
		bytes += len(r.Name.String()) + len(r.Value.String()) + len(r.OldValue.String())
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
