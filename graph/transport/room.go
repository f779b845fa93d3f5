package transport

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/vektah/gqlparser/v2/gqlerror"

	"configapi/internal/budget"
	"configapi/internal/eventstream"
)

// errTooLong is why an answer was given up that is longer than any may be.
var errTooLong = errors.New("the answer is too long")

// RoomOptions are the limits of answers. The zero value gives the defaults.
type RoomOptions struct {
	// Answers is shared by all answers that are made or not taken yet. nil: [budget.ForAnswers].
	Answers *budget.Budget
	// Streams is shared by what streams have read and their clients have not taken. nil:
	// [budget.ForStreams].
	Streams *budget.Budget
	// Bodies is shared by the messages of websockets that are received or worked on. nil:
	// [budget.ForBodies].
	Bodies *budget.Budget
	// Subscriptions is shared by what subscriptions keep in memory while they last. nil:
	// [budget.ForSubscriptions].
	Subscriptions *budget.Budget
	// Limit bounds how many streams there are: subscriptions over server-sent events, and all
	// operations of websockets. nil: nothing does.
	Limit *eventstream.Limit
	// MaxAnswer is the longest answer, in bytes. Zero means 32 MiB.
	MaxAnswer int64
	// OperationTime is how long an operation may execute, and each message of a subscription. What
	// is waited for before [Answer.Begin] does not count. Zero means 10 s.
	OperationTime time.Duration
}

// Room is what all transports of a server share: the budgets of bytes that bound their answers.
type Room struct {
	opts    RoomOptions
	most    int64          // bytes that an answer may take, with what it is made of
	reading *budget.Budget // of pages that are being read: see [ReadPage]
	large   *budget.Budget // of places for large answers that are being made
	making  *budget.Budget // of large messages of streams that are being made
	kept    *kept
	tooLong string // the message for an answer that is too long
}

// pagesRead is how many of the largest pages are read at a time. Each may take twice its bytes
// meanwhile, with what the store makes it of.
const pagesRead = 4

// PageBytes is about the size of the largest page of the store.
const PageBytes = 8 << 20

const (
	// maxMessage is the longest message of a subscription, in bytes. It has room for the largest
	// change set with all its values escaped, but not for many copies of them.
	maxMessage = 64 << 20
	// largeMessage is what a message tells of, in bytes, when it has to wait for its turn to be
	// made.
	largeMessage = 64 << 10
	// answersMade is how many large answers are made at a time. All of them together must fit into
	// the room of large answers.
	answersMade = 4
	// messagesMade is how many large messages are made at a time.
	messagesMade = 2
)

// NewRoom returns a room of which nothing is used.
func NewRoom(opts RoomOptions) *Room {
	if opts.Answers == nil {
		opts.Answers = budget.ForAnswers()
	}
	if opts.Streams == nil {
		opts.Streams = budget.ForStreams()
	}
	if opts.Bodies == nil {
		opts.Bodies = budget.ForBodies()
	}
	if opts.Subscriptions == nil {
		opts.Subscriptions = budget.ForSubscriptions()
	}
	opts.MaxAnswer = cmp.Or(opts.MaxAnswer, budget.ConnectionBytes)
	opts.OperationTime = cmp.Or(opts.OperationTime, 10*time.Second)
	return &Room{
		opts:    opts,
		most:    max(budget.ConnectionBytes, opts.MaxAnswer),
		reading: budget.New(budget.Options{Bytes: pagesRead * PageBytes}),
		large:   budget.New(budget.Options{Bytes: answersMade}),
		making:  budget.New(budget.Options{Bytes: messagesMade * maxMessage, Wait: budget.Forever, MaxWaiters: 200_000}),
		kept:    &kept{room: opts.Subscriptions},
		tooLong: fmt.Sprintf("the answer would be larger than %d bytes; ask for fewer items or fields at a time", opts.MaxAnswer),
	}
}

// connection returns the budget of the answers of one connection.
func (r *Room) connection() *budget.Budget {
	return r.opts.Answers.Within(r.most)
}

// ReadPage reads a part of an answer from the store: read returns it, and size its bytes. At most
// most bytes are expected. Only a few pages are read at a time. A page that has no room in the
// answer's budget is dropped, and is read again when there is room: so no page is held in memory
// while it waits.
func ReadPage[T any](ctx context.Context, most int64, read func() (T, error), size func(T) int64) (T, error) {
	a := AnswerOf(ctx)
	if a == nil {
		return read()
	}
	var none T
	if err := a.Proceed(); err != nil {
		return none, err
	}
	page, bytes, err := readPage(ctx, a, most, read, size)
	if err != nil || a.keep(bytes) {
		return page, err
	}
	page = none
	if err := a.awaitRoom(ctx, bytes); err != nil {
		return none, err
	}
	page, again, err := readPage(ctx, a, most, read, size)
	if err == nil && again > bytes {
		err = a.awaitRoom(ctx, again-bytes)
	}
	return page, err
}

// readPage reads once, while few others do.
func readPage[T any](ctx context.Context, a *Answer, most int64, read func() (T, error), size func(T) int64) (page T, bytes int64, err error) {
	reading := a.room.reading.Reservation()
	defer reading.Release()
	if err := reading.Grow(ctx, most); err != nil {
		return page, 0, a.stop(err)
	}
	if page, err = read(); err != nil {
		return page, 0, err
	}
	return page, size(page), nil
}

// keep counts the bytes of a page if there is room for them now. There is none while another field
// of the answer waits for room: a field that waited behind it would hold a page that nobody counts.
func (a *Answer) keep(bytes int64) bool {
	if !a.mu.TryLock() {
		return false
	}
	defer a.mu.Unlock()
	if a.used.Load()+bytes > a.room.most {
		return false
	}
	missing := a.used.Load() + bytes - a.covered.Load()
	if missing > 0 {
		if !a.tryEnlarge(a.used.Load()+bytes) || !a.reservation.TryGrow(missing) {
			return false
		}
		a.covered.Add(missing)
	}
	a.used.Add(bytes)
	return true
}

// tryEnlarge is [Answer.enlarge] without a wait. It needs a.mu.
func (a *Answer) tryEnlarge(bytes int64) bool {
	if bytes < largeBytes || a.writes || a.making.Held() > 0 {
		return true
	}
	a.room.large.Open(&a.making)
	return a.making.TryGrow(1)
}

// awaitRoom counts the bytes of a page, and waits until there is room for them.
func (a *Answer) awaitRoom(ctx context.Context, bytes int64) error {
	used := a.used.Add(bytes)
	if used > a.room.most {
		a.used.Add(-bytes)
		return a.stop(errTooLong)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	err := a.Proceed()
	if missing := used - a.covered.Load(); missing > 0 && err == nil {
		if err = a.enlarge(ctx, used); err == nil {
			err = a.reservation.Grow(ctx, missing)
		}
		if err == nil {
			a.covered.Add(missing)
			return nil
		}
	}
	if err == nil {
		return nil
	}
	a.used.Add(-bytes)
	if a.sure {
		return err
	}
	return a.failLocked(err)
}

// stop gives the answer up, unless it must not be: then only the field fails.
func (a *Answer) stop(err error) error {
	if a.sure {
		return err
	}
	return a.fail(err)
}

// Explain returns the error that a client is shown for one of those that the methods of [Answer]
// return, nil for any other.
func (a *Answer) Explain(err error) *gqlerror.Error {
	if a == nil || !isOfRoom(err) {
		return nil
	}
	return a.room.faultOf(err).list()[0]
}

// faultOfLimit returns the fault for a stream that may not begin.
func faultOfLimit(err error) *fault {
	if err == eventstream.ErrTooManyOfAddress {
		return &fault{status: http.StatusTooManyRequests, code: CodeLimitExceeded, message: err.Error()}
	}
	return &fault{status: http.StatusServiceUnavailable, code: CodeUnavailable, message: err.Error()}
}

func isOfRoom(err error) bool {
	return errors.Is(err, errTooLong) || errors.Is(err, errStopped) || errors.Is(err, budget.ErrNoRoom) || errors.Is(err, budget.ErrTooLarge)
}

func moreErrors(n int64) *gqlerror.Error {
	return newError(CodeLimitExceeded, fmt.Sprintf("an answer has at most %d errors; %d more are left out", maxErrors, n))
}
