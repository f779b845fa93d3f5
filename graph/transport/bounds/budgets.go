// Package bounds bounds what GraphQL operations take: memory, time and errors.
//
// [Budgets] are what all transports of a server share. An operation executes in an [Answer], a
// context that counts the bytes of the answer field by field, reserves memory for them before they
// are allocated, and ends when the operation's time is over:
//
//	a := bounds.NewAnswer(ctx, budgets, budgets.Answers)
//	defer a.End()
//	response, fault := a.Perform(exec, operation)
//
// Resolvers find the answer with [AnswerOf], count what they return with [Answer.Count], and read
// pages of the event store with [ReadPage]. What a subscription keeps in memory for as long as it
// lasts is [Retained].
//
// # What it guarantees
//
// The bytes that are reserved never exceed the budgets. An answer that would be too long, or for
// which there is no memory in time, is replaced by one error. The answer to a mutation reserves its
// memory before the first field runs, and is never given up after that.
//
// # What it does not do
//
// It does not measure memory: it counts what the answer will hold, and adds what gqlgen is known to
// take for a field. It sends nothing: the transports hold a reservation until its bytes are sent.
package bounds

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/99designs/gqlgen/graphql"

	"configapi/graph/transport/gqlmsg"
	"configapi/internal/budget"
	"configapi/internal/eventstream"
	"configapi/internal/fault"
)

// errTooLong is why an answer was given up that is longer than any may be.
var errTooLong = errors.New("the answer is too long")

// Options are the limits of a server's operations. The zero value gives the defaults.
type Options struct {
	// Answers is shared by all answers that are being made or are not sent yet. nil:
	// [budget.ForAnswers].
	Answers *budget.Budget
	// Streams is shared by what streams have read and their clients have not taken. nil:
	// [budget.ForStreams].
	Streams *budget.Budget
	// Bodies is shared by the messages of websockets that are being received or worked on. nil:
	// [budget.ForBodies].
	Bodies *budget.Budget
	// Subscriptions is shared by what subscriptions keep in memory while they last. nil:
	// [budget.ForSubscriptions].
	Subscriptions *budget.Budget
	// Limit bounds how many streams there are: subscriptions over server-sent events, and all
	// operations of websockets. nil: nothing does.
	Limit *eventstream.Limit
	// MaxAnswer is the longest answer, in bytes. 0: 32 MiB. It must not be negative.
	MaxAnswer int64
	// OperationTime is how long an operation may execute, and each message of a subscription. What
	// is waited for before [Answer.Begin] does not count. 0: 10 s. It must not be negative.
	OperationTime time.Duration
}

// Budgets are what all transports of a server share. The fields must not be replaced.
type Budgets struct {
	// Answers, Streams, Bodies, Subscriptions and Limit are those of the [Options].
	Answers, Streams, Bodies, Subscriptions *budget.Budget

	Limit *eventstream.Limit
	// Pages is shared by the pages of the event store that are being read: see [ReadPage].
	Pages *budget.Budget
	// LargeAnswers has one slot for each large answer that is being made.
	LargeAnswers *budget.Budget
	// Messages is shared by the large messages of streams that are being made.
	Messages *budget.Budget

	maxAnswer     int64
	operationTime time.Duration
	maxUsed       int64  // bytes that an answer may take, with what it is made of
	tooLong       string // the message for an answer that is too long
	retained      documents
}

// PageBytes is about the size of the largest page of the event store.
const PageBytes = 8 << 20

const (
	// pagesRead is how many of the largest pages are read at a time. Each may take twice its bytes
	// meanwhile, with what the store makes it of.
	pagesRead = 4
	// MaxMessage is the longest message of a subscription, in bytes, and what a large one reserves
	// of [Budgets.Messages] while it is made. The largest change set fits with all its values
	// escaped, but not with many copies of them.
	MaxMessage = 64 << 20
	// answersMade is how many large answers are made at a time. All of them together must fit into
	// the budget of large answers.
	answersMade = 4
	// messagesMade is how many large messages are made at a time.
	messagesMade = 2
)

// NewBudgets returns budgets of which nothing is used. It panics when an option is negative.
func NewBudgets(opts Options) *Budgets {
	if opts.MaxAnswer < 0 || opts.OperationTime < 0 {
		panic(fmt.Sprintf("bounds: MaxAnswer and OperationTime must not be negative: %d, %v", opts.MaxAnswer, opts.OperationTime))
	}
	maxAnswer := cmp.Or(opts.MaxAnswer, budget.ConnectionBytes)
	b := &Budgets{
		Answers:       orNew(opts.Answers, budget.ForAnswers),
		Streams:       orNew(opts.Streams, budget.ForStreams),
		Bodies:        orNew(opts.Bodies, budget.ForBodies),
		Subscriptions: orNew(opts.Subscriptions, budget.ForSubscriptions),
		Limit:         opts.Limit,
		Pages:         budget.New(budget.Options{Bytes: pagesRead * PageBytes}),
		LargeAnswers:  budget.New(budget.Options{Bytes: answersMade}),
		Messages:      budget.New(budget.Options{Bytes: messagesMade * MaxMessage, Wait: budget.Forever, MaxWaiters: 200_000}),
		maxAnswer:     maxAnswer,
		operationTime: cmp.Or(opts.OperationTime, 10*time.Second),
		maxUsed:       max(budget.ConnectionBytes, maxAnswer),
		tooLong:       fmt.Sprintf("the answer would be larger than %d bytes; ask for fewer items or fields at a time", maxAnswer),
	}
	b.retained.budget = b.Subscriptions
	return b
}

func orNew(given *budget.Budget, standard func() *budget.Budget) *budget.Budget {
	if given == nil {
		return standard()
	}
	return given
}

// Connection returns the budget of the answers of one connection.
func (b *Budgets) Connection() *budget.Budget { return b.Answers.Within(b.maxUsed) }

// Retain reserves what a subscription keeps in memory while it lasts. It does not wait, and a
// document is reserved once for all subscriptions that share it. The result has one holder.
func (b *Budgets) Retain(operation *graphql.OperationContext) (*Retained, *gqlmsg.Fault) {
	retained := b.retained.retain(operation)
	if retained == nil {
		return nil, unavailable(noMemoryForSubscription)
	}
	return retained, nil
}

// FaultOf returns the fault for an error of a budget or of the operation's time.
func (b *Budgets) FaultOf(err error) *gqlmsg.Fault {
	switch {
	case errors.Is(err, errTooLong), errors.Is(err, budget.ErrTooLarge):
		return &gqlmsg.Fault{Kind: fault.LimitExceeded, Status: http.StatusBadRequest, Message: b.tooLong}
	case errors.Is(err, budget.ErrExhausted):
		return unavailable("the server has no room for another answer at the moment; try again")
	default:
		return unavailable("the request ran out of time; ask for less, or try again")
	}
}

func unavailable(text string) *gqlmsg.Fault {
	return &gqlmsg.Fault{Kind: fault.Unavailable, Message: text}
}

// FaultOfLimit returns the fault for a stream that may not begin: for an error of
// [eventstream.Limit] or of [eventstream.Streams].
func FaultOfLimit(err error) *gqlmsg.Fault {
	if errors.Is(err, eventstream.ErrTooManyOfAddress) {
		return &gqlmsg.Fault{Kind: fault.TooManyStreams, Message: err.Error()}
	}
	return unavailable(err.Error())
}
