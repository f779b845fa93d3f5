package transport

import (
	"context"

	"github.com/99designs/gqlgen/graphql"
)

// Source gives a subscription its items, one after the other. It is for one goroutine.
//
// A source is asked for an item when the one before has been sent, so a slow reader finds together what came meanwhile. The
// sources of subscriptions that are equal but for their beginning give the same items after the same place: that is what lets
// them share work.
type Source[T any] interface {
	// Next waits for the next item. With end, the order of a place that another source of an equal subscription has
	// come to, it does not wait, and goes no further than that if it can stop there; the step is silent when there
	// is nothing to tell up to there. An end of 0 is none. The error ends the subscription.
	Next(ctx context.Context, end int64) (T, Step, error)
}

// Step is what one item adds to a stream.
type Step struct {
	// First is the order of the first thing that the item tells of. Whoever was told that much must not get the item.
	// It is greater than the place's when the item tells of nothing but its place.
	First int64
	// Place is where the source is after the item.
	Place Place
	// CaughtUp tells that there was nothing more when the item was made.
	CaughtUp bool
	// Silent tells that there is no item: nothing is to be told up to the place.
	Silent bool
	// Bytes is about how much the item holds. Zero: next to nothing.
	Bytes int64
}

// Place is how far a stream has come: enough for a resolver to go on from there. See [Begin].
type Place interface {
	// Order grows along the stream.
	Order() int64
	// ID is what clients of server-sent events hand in to go on from there: see [LastEventID]. "": they cannot.
	ID() string
}

// Stream is what the resolver of a subscription returns, given the context that it was called with. The transport that
// serves the subscription asks the source for items as fast as they can be sent. Behind a transport of another package a
// goroutine does so, until the context ends.
func Stream[T any](ctx context.Context, source Source[T]) <-chan T {
	x, ours := ctx.Value(executionKey{}).(*execution)
	if !ours {
		return feed(ctx, source)
	}
	items := make(chan T, 1) // the transport takes an item out right after it was put in
	x.pull = func(ctx context.Context, end int64) (Step, error) {
		item, step, err := source.Next(ctx, end)
		if err == nil && !step.Silent {
			items <- item
		}
		return step, err
	}
	return items
}

func feed[T any](ctx context.Context, source Source[T]) <-chan T {
	items := make(chan T)
	go func() {
		defer close(items)
		for {
			item, _, err := source.Next(ctx, 0)
			if err != nil {
				return
			}
			select {
			case items <- item:
			case <-ctx.Done():
				return
			}
		}
	}()
	return items
}

// Begin returns the place from which a subscription is to go on, nil when it begins where its arguments say. A resolver asks
// for it with the context that it was called with; the place is one of an equal subscription's.
func Begin(ctx context.Context) Place {
	if x, ours := ctx.Value(executionKey{}).(*execution); ours {
		return x.begin
	}
	return nil
}

// LastEventID is what a client that comes back says it has come to: the id of the last item that it has seen, "" when it says
// nothing. It is for the resolver, which may go on from there.
func LastEventID(ctx context.Context) string {
	if x, ours := ctx.Value(executionKey{}).(*execution); ours {
		return x.lastEventID
	}
	return ""
}

type executionKey struct{}

// execution runs one subscription: each item of its source becomes one update.
type execution struct {
	exec        graphql.GraphExecutor
	begin       Place
	lastEventID string
	pull        func(ctx context.Context, end int64) (Step, error) // nil: the resolver does not use [Stream]
	failure     failure
	responses   graphql.ResponseHandler
	ctx         context.Context // of the operation
}
