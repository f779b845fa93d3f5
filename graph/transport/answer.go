package transport

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/99designs/gqlgen/graphql"

	"configapi/internal/budget"
)

const (
	// fieldBytes is about what gqlgen holds for one field until the answer is written.
	fieldBytes = 128
	// firstBytes is what an operation reserves before it executes; maxStepBytes is the most by
	// which the reservation grows ahead of what is counted.
	firstBytes   = 16 << 10
	maxStepBytes = 1 << 20
	// largeBytes is the size from which on an answer is large.
	largeBytes = 1 << 20
	// looksEvery says after how many bytes, as a power of two, an operation looks at the time.
	looksEvery = 15
	// maxErrors is how many errors an answer has.
	maxErrors = 100
)

// errStopped ends the fields that follow the one at which an answer has failed.
var errStopped = errors.New("the answer was given up")

// Answer is the context in which one operation executes: it counts the bytes of the answer while
// they come together, reserves room for them, and ends when the operation's time is over. It stops
// the operation when the answer is too large or when there is no room for it: then the whole
// response is one error. The answer to a mutation reserves its room before the first field runs,
// and is never stopped after that.
//
// It is safe for concurrent use by the fields of the operation.
type Answer struct {
	context.Context // of the request
	room            *Room

	begun    atomic.Bool // the deadline is set, and does not change any more
	deadline time.Time

	// Set before the first field runs.
	most    int64 // the longest that it may become, in bytes
	writes  bool  // it is of a mutation
	sure    bool  // its room is reserved: counting does not fail
	message bool  // of a subscription: a [budget.Turn] has reserved its room

	size    atomic.Int64 // bytes of the answer
	used    atomic.Int64 // size, what gqlgen holds for it, and the pages that it is made of
	covered atomic.Int64 // the bytes of the reservation
	errors  atomic.Int64 // how many were presented
	failed  atomic.Bool

	mu          longLock // guards what is below; held while room is waited for
	reservation budget.Reservation
	making      budget.Reservation // the place of a large answer that is being made
	passed      bool               // the reservation belongs to a lease
	failure     error              // the first reason why the answer was given up

	timing sync.Mutex            // held while timed is made, and never while something is waited for
	timed  atomic.Pointer[timed] // nil: not needed so far
}

// newAnswer returns the answer to an operation, whose bytes count in a budget: all answers', or
// that of one connection within it. Its end must be called.
func newAnswer(ctx context.Context, room *Room, in *budget.Budget) *Answer {
	a := &Answer{Context: ctx, room: room, most: room.opts.MaxAnswer}
	in.Open(&a.reservation)
	return a
}

// newMessage returns the answer that is one message of a subscription, and starts its time.
func newMessage(ctx context.Context, room *Room) *Answer {
	a := &Answer{Context: ctx, room: room, most: maxMessage, message: true}
	a.begin()
	room.opts.Answers.Open(&a.reservation) // for pages that its fields read
	return a
}

// begin starts the operation's time. Contexts below the answer may be asked for their end meanwhile.
func (a *Answer) begin() {
	a.deadline = time.Now().Add(a.room.opts.OperationTime)
	a.begun.Store(true)
}

type answerKey struct{}

// AnswerOf returns the answer of the operation that a context is of: nil behind a transport of
// another package. All methods of a nil Answer do nothing and succeed.
func AnswerOf(ctx context.Context) *Answer {
	a, _ := ctx.Value(answerKey{}).(*Answer)
	return a
}

// Begin starts the operation's time, and reserves the first bytes, unless it has done so already.
// The transports call it when the operation has been dispatched: what an operation waits for before
// its first field runs does not count.
func (a *Answer) Begin() error {
	if a == nil {
		return nil
	}
	if a.begun.Load() {
		return nil
	}
	a.begin()
	return a.cover(a, firstBytes)
}

// BeginSure is [Answer.Begin] for an operation whose answer must not be given up any more: it
// reserves room for an answer of up to so many bytes.
func (a *Answer) BeginSure(size int64) error {
	if a == nil {
		return nil
	}
	a.writes = true
	if err := a.Begin(); err != nil {
		return err
	}
	if size > a.most {
		return a.fail(errTooLong)
	}
	if err := a.cover(a, size); err != nil {
		return err
	}
	a.sure = true
	return nil
}

// Sure reports whether the answer must not be given up: see [Answer.BeginSure].
func (a *Answer) Sure() bool { return a != nil && a.sure }

// Proceed returns an error when the answer was given up: no further field needs to be resolved
// then.
func (a *Answer) Proceed() error {
	if a == nil || a.sure || !a.failed.Load() {
		return nil
	}
	return errStopped
}

// Count adds bytes to the answer, for one field, and waits for room for them.
func (a *Answer) Count(ctx context.Context, bytes int64) error {
	if a == nil {
		return nil
	}
	size, used := a.size.Add(bytes), a.used.Add(bytes+fieldBytes)
	switch {
	case a.sure:
		return nil
	case a.failed.Load():
		return errStopped
	case size > a.most || used > a.room.most && !a.message:
		return a.fail(errTooLong)
	case used>>looksEvery != (used-bytes-fieldBytes)>>looksEvery && a.Err() != nil:
		return a.fail(a.Err())
	case a.message || used <= a.covered.Load():
		return nil
	}
	return a.cover(ctx, used)
}

// CountWithin is [Answer.Count] for a field of an answer that must not be given up: the field fails
// alone when the answer would be too long with it.
func (a *Answer) CountWithin(bytes int64) error {
	if a == nil {
		return nil
	}
	if a.size.Add(bytes) > a.most {
		a.size.Add(-bytes)
		return errTooLong
	}
	a.used.Add(bytes + fieldBytes)
	return nil
}

// Failed reports whether the answer was given up: then nothing of what the fields return is sent.
func (a *Answer) Failed() bool { return a != nil && a.failed.Load() }

// MaySay reports whether the answer has place for one more error. It counts the errors.
func (a *Answer) MaySay() bool {
	return a == nil || a.errors.Add(1) <= maxErrors && !a.failed.Load()
}

// Size returns the bytes that were counted. The answer has about as many.
func (a *Answer) Size() int64 {
	if a == nil {
		return 0
	}
	return a.size.Load()
}

// cover grows the reservation until it covers so many bytes.
func (a *Answer) cover(ctx context.Context, bytes int64) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if err := a.Proceed(); err != nil { // it was given up while this field waited for a.mu
		return err
	}
	missing := bytes - a.covered.Load()
	if missing <= 0 {
		return nil
	}
	if err := a.enlarge(ctx, bytes); err != nil {
		return a.failLocked(err)
	}
	if step := min(a.covered.Load()/2, maxStepBytes); step > missing && a.reservation.TryGrow(step) {
		a.covered.Add(step)
		return nil
	}
	if err := a.reservation.Grow(ctx, missing); err != nil {
		return a.failLocked(err)
	}
	a.covered.Add(missing)
	return nil
}

// enlarge waits for one of the few places for large answers that are being made, when the answer
// becomes large. Otherwise many answers would each get a part of the room, and none of them all of
// it. Mutations reserve all of their room at once. It needs a.mu.
func (a *Answer) enlarge(ctx context.Context, bytes int64) error {
	if bytes < largeBytes || a.writes || a.making.Held() > 0 {
		return nil
	}
	a.room.large.Open(&a.making)
	return a.making.Grow(ctx, 1)
}

// fail gives the answer up. Only the first reason counts.
func (a *Answer) fail(err error) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.failLocked(err)
}

// failLocked needs a.mu.
func (a *Answer) failLocked(err error) error {
	if a.failure == nil {
		a.failure = err
		a.failed.Store(true)
	}
	return err
}

// perform executes a query or a mutation. A fault takes the place of the response.
func (a *Answer) perform(exec graphql.GraphExecutor, operation *graphql.OperationContext) (*graphql.Response, *fault) {
	next, ctx := exec.DispatchOperation(a, operation)
	if err := a.Begin(); err != nil {
		return nil, a.faultOf(err)
	}
	response := next(ctx)
	a.made()
	if f := a.check(ctx, response); f != nil {
		return nil, f
	}
	return response, refuseResponse(response)
}

// check looks at the response of an executed operation. It cuts surplus errors, and returns the
// fault that takes the response's place when the answer was given up.
func (a *Answer) check(ctx context.Context, response *graphql.Response) *fault {
	if response == nil {
		return nil
	}
	if left := a.errors.Load() - maxErrors; left > 0 && len(response.Errors) >= maxErrors {
		response.Errors = append(response.Errors[:maxErrors-1:maxErrors-1], moreErrors(left+1))
	}
	if a.sure {
		return nil
	}
	var failure error
	if a.failed.Load() {
		failure = a.failure // which was set before, and is never changed
	}
	switch {
	case failure != nil:
	case int64(len(response.Data)) > a.most:
		failure = errTooLong
	case !a.message && len(response.Errors) > 0 && errors.Is(ctx.Err(), context.DeadlineExceeded):
		failure = context.DeadlineExceeded
	default:
		return nil
	}
	return a.faultOf(failure)
}

// faultOf returns the fault that replaces an answer that was given up.
func (a *Answer) faultOf(err error) *fault {
	f := a.room.faultOf(err)
	if a.writes {
		f.message = "nothing was written: " + f.message
	}
	return f
}

// made gives back the place of a large answer: it is made.
func (a *Answer) made() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.making.Release()
}

// hold keeps room for the bytes of a finished answer alone: whatever it was made of is garbage.
func (a *Answer) hold(bytes int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	switch surplus := a.covered.Load() - int64(bytes); {
	case surplus > 0:
		a.reservation.Shrink(surplus)
	case surplus < 0:
		a.reservation.Force(-surplus)
	}
	a.covered.Store(int64(bytes))
}

// pass moves the room of a finished answer of so many bytes into a lease, for sending.
func (a *Answer) pass(bytes int) *lease {
	a.hold(bytes)
	l := &lease{room: &a.reservation}
	l.retain()
	a.passed = true
	return l
}

// end releases the room and the timer. Fields that still run get errors from then on.
func (a *Answer) end() {
	a.mu.Lock()
	defer a.mu.Unlock()
	_ = a.failLocked(errStopped)
	a.making.Release()
	if !a.passed {
		a.reservation.Release()
	}
	a.timing.Lock()
	defer a.timing.Unlock()
	if t := a.timed.Load(); t != nil {
		t.cancel()
	}
}

// faultOf returns the fault for an error of a budget or of the operation's time.
func (r *Room) faultOf(err error) *fault {
	switch {
	case errors.Is(err, errTooLong), errors.Is(err, budget.ErrTooLarge):
		return &fault{status: http.StatusBadRequest, code: CodeLimitExceeded, message: r.tooLong}
	case errors.Is(err, budget.ErrNoRoom):
		return &fault{status: http.StatusServiceUnavailable, code: CodeUnavailable, message: "the server has no room for another answer at the moment; try again"}
	default:
		return &fault{status: http.StatusServiceUnavailable, code: CodeUnavailable, message: "the request ran out of time; ask for less, or try again"}
	}
}
