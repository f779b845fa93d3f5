package writer

import (
	"context"
	"sync/atomic"

	"configapi/internal/auth"
	"configapi/internal/config"
	"configapi/internal/eventstore"
	"configapi/internal/fault"
)

// request is one command that waits for its outcome.
type request struct {
	caller auth.Caller
	cmd    config.Command
	key    eventstore.Key // the zero Key: the command has none
	hash   [32]byte       // of a command with a key
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
// same key, and then there is no outcome.
type result struct {
	outcome Outcome
	receipt *eventstore.Receipt
	err     error
}

func newRequest(caller auth.Caller, cmd config.Command) *request {
	r := &request{caller: caller, cmd: cmd, done: make(chan result, 1)}
	if key := cmd.Key().String(); key != "" {
		r.key, r.hash = eventstore.Key{Actor: caller.Name, Text: key}, config.RequestHash(cmd)
	}
	return r
}

func (r *request) hasKey() bool { return r.key.Text != "" }

// enqueue queues a request. It blocks while the queue is full. Nothing was written when it returns
// an error.
func (w *Writer) enqueue(ctx context.Context, r *request) error {
	select {
	case <-w.closing: // checked first: a shutdown must not last as long as there are writes
		return fault.NotWritten(nil)
	default:
	}
	select {
	case w.queue <- r:
		return nil
	case <-w.closing:
		return fault.NotWritten(nil)
	case <-ctx.Done():
		return fault.NotWritten(ctx.Err())
	}
}

// await returns the result of a queued request, or what is known of it when ctx ends first.
func (w *Writer) await(ctx context.Context, r *request) result {
	select {
	case result := <-r.done:
		return result
	case <-w.stopped:
	case <-ctx.Done():
	}
	if r.state.CompareAndSwap(waiting, abandoned) {
		r.cmd = nil // the request may stay in the queue for long; its value need not
		return result{err: fault.NotWritten(ctx.Err())}
	}
	select { // the writer has taken it, and has answered all requests by the time it stops
	case result := <-r.done:
		return result
	default:
		return result{err: fault.OutcomeUnknown(ctx.Err())}
	}
}

// take appends a request to requests unless its caller has gone.
func take(requests []*request, r *request) []*request {
	if r.state.CompareAndSwap(waiting, taken) {
		requests = append(requests, r)
	}
	return requests
}
