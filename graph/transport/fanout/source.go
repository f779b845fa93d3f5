// Package fanout brings the items of subscriptions to many subscribers.
//
// A resolver returns a [Stream] of a [Source]. A [Producer] asks the source for items, one after
// the other, executes the operation on each, and encodes the response: that is a [Message]. A
// producer serves one subscriber, or a group of them.
//
// Subscribers with the same document, operation, variables and rights form a group: each message is
// made once for all of them. A new [Subscriber] is served on its own until it catches up; then it
// joins its group between two messages. A subscriber that does not take what its group sends leaves
// the group, is served on its own again, and joins again later. So no subscriber waits for another.
//
// # What it guarantees
//
// Each subscriber gets every item once, in order, however often it joins and leaves. A group holds
// no messages: those that are not sent yet are in the queues of connections, which are bounded.
// Memory is reserved before an item is read and until its message is sent.
//
// # What it does not do
//
// It knows no protocol and no connection: what it needs of them is [Receiver] and [Connection]. It
// does not know what an [Offset] means either: a resolver makes offsets, and gets them back.
package fanout

import (
	"context"

	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/99designs/gqlgen/graphql"

	"configapi/graph/transport/bounds"
	"configapi/graph/transport/gqlmsg"
)

// Source gives a subscription its items, one after the other. It is for one goroutine.
//
// A source is asked for an item when the one before has been sent, so a slow reader finds together
// what came meanwhile. The sources of subscriptions that are equal but for their start, and whose
// rights are equal, give the same items after the same offset: so they can share a producer.
type Source[T any] interface {
	// Next waits for the next item. The error ends the subscription.
	//
	// With an end greater than 0, the order of an offset that another source of an equal
	// subscription has reached, it does not wait, and goes no further than the end if it can stop
	// there. The step is silent when there is nothing to send up to the end.
	Next(ctx context.Context, end int64) (T, Step, error)

	// Rights names what the source's caller may see. Sources whose rights differ never share a
	// producer. Rights does not change, and is asked for once.
	Rights() string
}

// Step is what one item adds to a stream.
type Step struct {
	// First is the order of the first thing in the item. A subscriber that was sent that much must
	// not get the item. It is greater than the offset's order when there is nothing in the item.
	First int64
	// Offset is where the source is after the item.
	Offset Offset
	// CaughtUp reports that there was nothing more when the item was made.
	CaughtUp bool
	// Silent reports that there is no item: nothing up to the offset needs to be sent.
	Silent bool
	// Bytes is about how much the item holds. 0: next to nothing.
	Bytes int64
}

// Offset is how far a source has come: enough for a resolver to go on from there. See
// [ResumeOffset].
type Offset interface {
	// Order grows along the stream.
	Order() int64
	// ID is what clients of server-sent events send to go on from there: see [LastEventID]. "":
	// they cannot.
	ID() string
}

// Stream is what the resolver of a subscription returns, given the context that it was called with.
// The producer that serves the subscription asks the source for items as fast as they can be sent.
// Stream panics behind a transport that has no producer, such as gqlgen's own.
func Stream[T any](ctx context.Context, source Source[T]) <-chan T {
	c, ours := ctx.Value(callKey{}).(*call)
	if !ours {
		panic("fanout: Stream was called with a context that is not a producer's")
	}
	items := make(chan T, 1) // the producer takes an item out right after it was put in
	c.rights = source.Rights()
	c.pull = func(ctx context.Context, end int64) (Step, error) {
		item, step, err := source.Next(ctx, end)
		if err == nil && !step.Silent {
			items <- item
		}
		return step, err
	}
	return items
}

// ResumeOffset returns the offset from which a subscription goes on, nil when it starts where its
// arguments say. A resolver calls it with the context that it was called with. The offset is one
// that the source of an equal subscription gave.
func ResumeOffset(ctx context.Context) Offset {
	if c, ours := ctx.Value(callKey{}).(*call); ours {
		return c.from
	}
	return nil
}

type lastEventIDKey struct{}

// WithLastEventID returns a context for the operation of a client that has reconnected.
func WithLastEventID(ctx context.Context, id string) context.Context {
	return context.WithValue(ctx, lastEventIDKey{}, id)
}

// LastEventID returns the id of the last item that a reconnecting client has seen, "" when it sends
// none. It is for the resolver, which may go on from there.
func LastEventID(ctx context.Context) string {
	id, _ := ctx.Value(lastEventIDKey{}).(string)
	return id
}

type callKey struct{}

// call is one call of a subscription's resolver.
type call struct {
	exec      graphql.GraphExecutor
	ctx       context.Context // of the operation
	from      Offset          // see [ResumeOffset]
	responses graphql.ResponseHandler

	rights string // of the source
	// pull has the source give its next item. nil: the resolver does not use [Stream].
	pull func(ctx context.Context, end int64) (Step, error)
}

func newCall(ctx context.Context, exec graphql.GraphExecutor, operation *graphql.OperationContext, from Offset) *call {
	c := &call{exec: exec, from: from}
	c.responses, c.ctx = exec.DispatchOperation(context.WithValue(ctx, callKey{}, c), operation)
	return c
}

// next has the source give its next item. Behind a resolver that does not use [Stream], respond
// waits for the item.
func (c *call) next(end int64) (step Step, err error) {
	if c.pull == nil {
		return Step{}, nil
	}
	return c.pull(c.ctx, end)
}

// respond executes the operation on the item that the source has given, within the time and the
// size that a message may have. It returns nil when the subscription is over.
func (c *call) respond(budgets *bounds.Budgets) *graphql.Response {
	if c.pull == nil {
		return c.responses(c.ctx)
	}
	a := bounds.NewMessage(c.ctx, budgets)
	defer a.End()
	response := c.responses(a)
	if f := a.Check(a, response); f != nil {
		return &graphql.Response{Errors: f.List()}
	}
	return response
}

// present takes the error that ends a stream through the handler's error presenter. The end of the
// operation's own context is none.
func (c *call) present(err error) gqlerror.List {
	if c.ctx.Err() != nil {
		return nil
	}
	return gqlmsg.Present(c.ctx, c.exec, gqlerror.List{gqlerror.WrapIfUnwrapped(err)})
}
