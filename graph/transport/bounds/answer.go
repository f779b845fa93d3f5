package bounds

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/99designs/gqlgen/graphql"

	"configapi/graph/transport/gqlmsg"
	"configapi/internal/budget"
	"configapi/internal/fault"
)

const (
	// fieldBytes is about what gqlgen holds for one field until the answer is written.
	fieldBytes = 128
	// firstBytes is what an operation reserves before it executes.
	firstBytes = 16 << 10
	// looksEvery says after how many bytes, as a power of two, an operation looks at the time.
	looksEvery = 15
	// maxErrors is how many errors an answer has.
	maxErrors = 100
)

// Answer is the context in which one operation executes: it counts the bytes of the answer while
// they come together, reserves memory for them, and ends when the operation's time is over. It
// stops the operation when the answer is too large or when there is no memory for it: then the
// whole response is one error.
//
// It is safe for concurrent use by the fields of the operation. All exported methods that resolvers
// call do nothing on a nil Answer, and succeed.
type Answer struct {
	deadline
	budgets *Budgets
	outcome outcome
	memory  memory

	// Set before the first field runs.
	maxSize   int64 // the longest that it may become, in bytes
	isWrite   bool  // it is of a mutation
	isMessage bool  // it is of a subscription: a [budget.Stream] has reserved its memory

	size   atomic.Int64 // bytes of the answer
	errors atomic.Int64 // how many were presented
}

// NewAnswer returns the answer to a query or a mutation. Its bytes count in a budget: that of all
// answers, or that of one connection within it. Its End must be called.
func NewAnswer(ctx context.Context, budgets *Budgets, in *budget.Budget) *Answer {
	a := &Answer{deadline: deadline{Context: ctx}, budgets: budgets, maxSize: budgets.maxAnswer}
	a.memory.outcome, a.memory.slots, a.memory.max = &a.outcome, budgets.LargeAnswers, budgets.maxUsed
	in.Open(&a.memory.bytes)
	return a
}

// NewMessage returns the answer that is one message of a subscription, and starts its time. Only
// the pages that its fields read are reserved. Its End must be called.
func NewMessage(ctx context.Context, budgets *Budgets) *Answer {
	a := NewAnswer(ctx, budgets, budgets.Answers)
	a.maxSize, a.isMessage = MaxMessage, true
	a.begin(budgets.operationTime)
	return a
}

type answerKey struct{}

// AnswerOf returns the answer of the operation that a context is of. It is nil behind a transport
// of another package, such as gqlgen's own.
func AnswerOf(ctx context.Context) *Answer {
	a, _ := ctx.Value(answerKey{}).(*Answer)
	return a
}

// Value returns the answer itself for [AnswerOf].
func (a *Answer) Value(key any) any {
	if key == (answerKey{}) {
		return a
	}
	return a.deadline.Value(key)
}

// Begin starts the operation's time, and reserves the first bytes, unless it has done so already.
// [Answer.Perform] calls it when the operation has been dispatched: what an operation waits for
// before its first field runs does not count. The error says why the answer was given up.
func (a *Answer) Begin() error {
	if a == nil || a.begun.Load() {
		return nil
	}
	a.begin(a.budgets.operationTime)
	return a.memory.cover(a, firstBytes)
}

// BeginSure is [Answer.Begin] for an operation whose answer must not be given up any more: it
// reserves so many bytes, the longest that the answer can be.
func (a *Answer) BeginSure(size int64) error {
	if a == nil {
		return nil
	}
	a.isWrite, a.memory.whole = true, true
	if err := a.Begin(); err != nil {
		return err
	}
	if size > a.maxSize {
		return a.outcome.fail(errTooLong)
	}
	if err := a.memory.cover(a, size); err != nil {
		return err
	}
	a.outcome.sure = true
	return nil
}

// MaxSize returns the longest that the answer may become, in bytes.
func (a *Answer) MaxSize() int64 { return a.maxSize }

// Sure reports whether the answer must not be given up: see [Answer.BeginSure].
func (a *Answer) Sure() bool { return a != nil && a.outcome.sure }

// Proceed returns an error when the answer was given up: no further field needs to be resolved
// then.
func (a *Answer) Proceed() error {
	if a == nil {
		return nil
	}
	return a.outcome.proceed()
}

// Count adds bytes to the answer, for one field, and waits until they are reserved. The error says
// why the answer was given up.
func (a *Answer) Count(ctx context.Context, bytes int64) error {
	if a == nil {
		return nil
	}
	size, used := a.size.Add(bytes), a.memory.used.Add(bytes+fieldBytes)
	switch {
	case a.outcome.sure:
		return nil
	case a.outcome.failed():
		return errStopped
	case size > a.maxSize || used > a.memory.max && !a.isMessage:
		return a.outcome.fail(errTooLong)
	case used>>looksEvery != (used-bytes-fieldBytes)>>looksEvery && a.Err() != nil:
		return a.outcome.fail(a.Err())
	case a.isMessage || used <= a.memory.covered.Load():
		return nil
	}
	return a.memory.cover(ctx, used)
}

// CountWithin is [Answer.Count] for a field of an answer that must not be given up: the field fails
// alone when the answer would be too long with it.
func (a *Answer) CountWithin(bytes int64) error {
	if a == nil {
		return nil
	}
	if a.size.Add(bytes) > a.maxSize {
		a.size.Add(-bytes)
		return errTooLong
	}
	a.memory.used.Add(bytes + fieldBytes)
	return nil
}

// Failed reports whether the answer was given up: then nothing of what the fields return is sent.
func (a *Answer) Failed() bool { return a != nil && a.outcome.failed() }

// MaySay counts an error, and reports whether the answer may still have it.
func (a *Answer) MaySay() bool {
	return a == nil || a.errors.Add(1) <= maxErrors && !a.outcome.failed()
}

// Size returns the bytes that were counted. The answer has about as many.
func (a *Answer) Size() int64 {
	if a == nil {
		return 0
	}
	return a.size.Load()
}

// Explain returns the error that a client is shown for one of those that the methods of Answer
// return, nil for any other.
func (a *Answer) Explain(err error) *gqlerror.Error {
	ours := errors.Is(err, errTooLong) || errors.Is(err, errStopped) || errors.Is(err, budget.ErrExhausted) || errors.Is(err, budget.ErrTooLarge)
	if a == nil || !ours {
		return nil
	}
	return a.budgets.FaultOf(err).List()[0]
}

// Perform executes a query or a mutation. A fault takes the place of the response.
func (a *Answer) Perform(exec graphql.GraphExecutor, operation *graphql.OperationContext) (*graphql.Response, *gqlmsg.Fault) {
	next, ctx := exec.DispatchOperation(a, operation)
	if err := a.Begin(); err != nil {
		return nil, a.faultOf(err)
	}
	response := next(ctx)
	a.memory.leaveSlot()
	if f := a.Check(ctx, response); f != nil {
		return nil, f
	}
	return response, gqlmsg.RefuseResponse(response)
}

// Check cuts the surplus errors of an executed operation's response, and returns the fault that
// takes the response's place when the answer was given up. The response may be nil.
func (a *Answer) Check(ctx context.Context, response *graphql.Response) *gqlmsg.Fault {
	if response == nil {
		return nil
	}
	if left := a.errors.Load() - maxErrors; left > 0 && len(response.Errors) >= maxErrors {
		response.Errors = append(response.Errors[:maxErrors-1:maxErrors-1], moreErrors(left+1))
	}
	if a.outcome.sure {
		return nil
	}
	switch reason := a.outcome.reason.Load(); {
	case reason != nil:
		return a.faultOf(*reason)
	case int64(len(response.Data)) > a.maxSize:
		return a.faultOf(errTooLong)
	case !a.isMessage && len(response.Errors) > 0 && errors.Is(ctx.Err(), context.DeadlineExceeded):
		return a.faultOf(context.DeadlineExceeded)
	}
	return nil
}

// faultOf returns the fault that replaces an answer that was given up.
func (a *Answer) faultOf(err error) *gqlmsg.Fault {
	f := a.budgets.FaultOf(err)
	if a.isWrite {
		f.Message = "nothing was written: " + f.Message
	}
	return f
}

func moreErrors(n int64) *gqlerror.Error {
	return gqlmsg.NewError(fault.LimitExceeded, fmt.Sprintf("an answer has at most %d errors; %d more are left out", maxErrors, n))
}

// Hold keeps so many bytes reserved, those of the finished answer: whatever it was made of is
// garbage. The reservation is for the answer to be sent.
func (a *Answer) Hold(bytes int) *budget.Reservation {
	a.memory.hold(int64(bytes))
	return &a.memory.bytes
}

// Pass is [Answer.Hold] for an answer that is sent after its End: the reservation has one holder.
func (a *Answer) Pass(bytes int) *budget.Shared {
	a.memory.hold(int64(bytes))
	return a.memory.pass()
}

// End releases the answer's memory and its timer. Fields that still run get errors from then on.
func (a *Answer) End() {
	a.outcome.end()
	a.memory.release()
	a.deadline.stop()
}
