package writer

import (
	"context"
	"sync/atomic"
	"time"

	"configapi/internal/auth"
	"configapi/internal/config"
	"configapi/internal/eventstore"
	"configapi/internal/fault"
)

// request is one change set, or one command for a token, that waits for its outcome.
type request struct {
	caller auth.Caller
	id     string // of the request at an edge; "": none
	set    config.ChangeSet
	token  auth.TokenCommand // not nil: the request is for a token; the set has only its reason
	seenAt eventstore.Seq    // of set.AsSeenAt: the end of its change set
	recall bool              // ask for the outcome of an earlier request, and do nothing else
	key    eventstore.Key    // the zero Key: the set has none
	hash   [32]byte          // of a set with a key
	state  atomic.Int32
	done   chan result // takes one result without blocking
}

// The states of a request. It leaves waiting once: either the writer takes it, or its caller goes.
const (
	waiting int32 = iota
	taken
	abandoned
)

// result is what a request came to. Its receipt, if any, is that of an earlier request with the
// same key, and then the outcome has only the grants.
type result struct {
	outcome Outcome
	receipt *eventstore.Receipt
	err     error
}

func newRequest(caller auth.Caller, set config.ChangeSet, seenAt eventstore.Seq) *request {
	r := &request{caller: caller, set: set, seenAt: seenAt, done: make(chan result, 1)}
	if key := set.IdempotencyKey.String(); key != "" {
		r.key, r.hash = eventstore.Key{Actor: caller.Name, Text: key}, config.RequestHash(&r.set)
	}
	return r
}

func (r *request) hasKey() bool { return r.key.Text != "" }

// queueLength is how many requests are queued. Further callers block until one is taken.
const queueLength = 1024

// queue holds the requests that the writer has not taken yet.
type queue struct {
	requests chan *request
	closing  chan struct{} // closed when nothing more may be queued
	stopped  chan struct{} // closed when nothing more is taken
}

func newQueue() *queue {
	return &queue{
		requests: make(chan *request, queueLength),
		closing:  make(chan struct{}),
		stopped:  make(chan struct{}),
	}
}

// add queues a request. It blocks while the queue is full, until ctx or the timeout ends. Nothing
// was written when it returns an error.
func (q *queue) add(ctx context.Context, timeout <-chan time.Time, r *request) error {
	select {
	case <-q.closing: // checked first: a shutdown must not last as long as there are writes
		return fault.NotWritten(nil)
	default:
	}
	select {
	case q.requests <- r:
		return nil
	case <-q.closing:
		return fault.NotWritten(nil)
	case <-ctx.Done():
		return fault.NotWritten(ctx.Err())
	case <-timeout:
		return fault.NotWritten(context.DeadlineExceeded)
	}
}

// await returns the result of a queued request, or what is known of it when ctx or the timeout ends
// first.
func (q *queue) await(ctx context.Context, timeout <-chan time.Time, r *request) result {
	var cause error
	select {
	case result := <-r.done:
		return result
	case <-q.stopped:
	case <-ctx.Done():
		cause = ctx.Err()
	case <-timeout:
		cause = context.DeadlineExceeded
	}
	if r.state.CompareAndSwap(waiting, abandoned) {
		r.set = config.ChangeSet{} // the request may stay in the queue for long; its values need not
		return result{err: fault.NotWritten(cause)}
	}
	select { // the writer has taken it, and has answered all requests by the time it stops
	case result := <-r.done:
		return result
	default:
		return result{err: fault.OutcomeUnknown(cause)}
	}
}

// takeAll adds queued requests to requests, until there are most of them or until they have
// [config.MaxChanges] changes together. It does not wait for any.
func (q *queue) takeAll(requests []*request, most int) []*request {
	changes := countChanges(requests)
	for len(requests) < most && changes < config.MaxChanges {
		select {
		case next := <-q.requests:
			taken := len(requests)
			requests = take(requests, next)
			changes += countChanges(requests[taken:])
		default:
			return requests
		}
	}
	return requests
}

func countChanges(requests []*request) (n int) {
	for _, r := range requests {
		n += len(r.set.Changes)
	}
	return n
}

// take appends a request to requests unless its caller has gone.
func take(requests []*request, r *request) []*request {
	if r.state.CompareAndSwap(waiting, taken) {
		requests = append(requests, r)
	}
	return requests
}
