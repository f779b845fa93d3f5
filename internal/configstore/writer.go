package configstore

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"configapi/internal/auth"
	"configapi/internal/config"
	"configapi/internal/eventstore"
	"configapi/internal/projection"
)

// writer commits commands in groups. While one append is under way the next group gathers in the queue; it never waits for
// a group to grow. One goroutine does all of it, so commands are judged one after the other.
type writer struct {
	events     eventstore.Store
	projection *projection.Projection
	catchUp    func(context.Context) error
	opts       Options

	queue   chan *request
	closing chan struct{} // closed when nothing more may go into the queue
	stopped chan struct{} // closed when nothing more is taken from the queue
	append  chan struct{} // holds one token while an append of ours is not applied
}

// request is one command that waits for its outcome.
type request struct {
	caller auth.Caller
	cmd    config.Command
	state  atomic.Int32
	done   chan answer // takes one answer without blocking
}

// The states of a request. It leaves waiting once: the writer takes it, or its caller goes.
const (
	waiting int32 = iota
	taken
	abandoned
)

type answer struct {
	outcome Outcome
	err     error
}

// queueLength is how many requests wait without blocking their callers; more of them block until there is room.
const queueLength = 1024

func newWriter(events eventstore.Store, p *projection.Projection, opts Options) *writer {
	return &writer{
		events: events, projection: p, opts: opts,
		queue:   make(chan *request, queueLength),
		closing: make(chan struct{}),
		stopped: make(chan struct{}),
		append:  make(chan struct{}, 1),
	}
}

// do hands a command to the writer and waits for its outcome.
func (w *writer) do(ctx context.Context, caller auth.Caller, cmd config.Command) (Outcome, error) {
	r := &request{caller: caller, cmd: cmd, done: make(chan answer, 1)}
	select {
	case <-w.closing: // also while there is room in the queue, or a shutdown would last as long as there are writes
		return Outcome{}, &UnavailableError{}
	default:
	}
	select {
	case w.queue <- r:
	case <-w.closing:
		return Outcome{}, &UnavailableError{}
	case <-ctx.Done():
		return Outcome{}, &UnavailableError{Cause: ctx.Err()}
	}
	select {
	case a := <-r.done:
		return a.outcome, a.err
	case <-w.stopped:
	case <-ctx.Done():
	}
	if r.state.CompareAndSwap(waiting, abandoned) {
		r.cmd = nil // it may lie in the queue for long, but its value need not
		return Outcome{}, &UnavailableError{Cause: ctx.Err()}
	}
	select { // it was taken: only the writer knows, and has answered everything when it has stopped
	case a := <-r.done:
		return a.outcome, a.err
	default:
		return Outcome{}, &UnavailableError{OutcomeUnknown: true, Cause: ctx.Err()}
	}
}

// run commits until ctx ends, and then what is in the queue, unless the store is away: then nothing of the rest was sent, and
// that is what its callers hear.
func (w *writer) run(ctx context.Context) {
	defer close(w.stopped)
	for ctx.Err() == nil {
		select {
		case first := <-w.queue:
			_ = w.commit(ctx, w.gather(first))
		case <-ctx.Done():
		}
	}
	close(w.closing)
	for len(w.queue) > 0 && w.commit(ctx, w.gather(<-w.queue)) == nil {
	}
}

// gather takes what waits in the queue, up to the commands of a batch.
func (w *writer) gather(first *request) []*request {
	requests := make([]*request, 0, min(1+len(w.queue), w.opts.BatchCommands))
	for next := first; ; {
		if next.state.CompareAndSwap(waiting, taken) {
			requests = append(requests, next)
		}
		if len(requests) >= w.opts.BatchCommands {
			return requests
		}
		select {
		case next = <-w.queue:
		default:
			return requests
		}
	}
}

// commit judges requests, appends what follows from them as one, and answers them all; it takes more than one append when
// their events are large. Also a refusal waits for the append: it may rest on an event of the same batch, or on a state that
// another node has changed meanwhile. It returns the last error that all requests of an append were answered with.
func (w *writer) commit(ctx context.Context, requests []*request) (err error) {
	w.append <- struct{}{}
	defer func() { <-w.append }()
	for len(requests) > 0 {
		b := decide(w.projection.View(), requests, &w.opts)
		if err = w.settle(ctx, b); errors.Is(err, eventstore.ErrHeadMoved) {
			if err = w.catchUpBounded(); err == nil {
				continue
			}
		}
		if err == nil {
			err = w.apply(b)
		}
		requests = b.answer(requests, err)
	}
	return err
}

// settle appends the batch and returns when its outcome is known: nil when it is in the history, [eventstore.ErrHeadMoved]
// when it is not and everything is to be judged again, or an [*UnavailableError].
func (w *writer) settle(ctx context.Context, b *batch) error {
	if len(b.records) == 0 {
		return w.confirm(b.from)
	}
	err := w.send(b)
	switch {
	case err == nil, errors.Is(err, eventstore.ErrHeadMoved):
		return err
	case errors.Is(err, eventstore.ErrNotWritten):
		return &UnavailableError{Cause: err}
	}
	return w.resolve(ctx, b, err)
}

// resolve finds out what became of an append whose outcome is unknown. While the head is where it was, a delayed
// statement may still commit: sending the same bytes again cannot write them twice, and moves the head if anything can.
func (w *writer) resolve(ctx context.Context, b *batch, cause error) error {
	w.opts.Log.Warn("the outcome of an append is unknown; finding out", "position", b.tip.Position, "error", cause)
	for pause := 20 * time.Millisecond; ; pause = min(2*pause, time.Second) {
		known, err := w.lookUp(b)
		if known {
			return err
		}
		select {
		case <-time.After(pause/2 + rand.N(pause)):
		case <-ctx.Done():
			return &UnavailableError{OutcomeUnknown: true, Cause: cause}
		}
		if err == nil && w.send(b) == nil {
			return nil
		}
	}
}

// lookUp reads what the history says of a batch that was sent. It knows when the batch is there, or when the head has left
// the place where the batch would have to go. A head before that place says nothing: it may still come there.
func (w *writer) lookUp(b *batch) (known bool, err error) {
	ctx, cancel := w.bounded()
	defer cancel()
	head, err := w.events.Head(ctx)
	switch {
	case err != nil || head.Same(b.from):
		return false, err
	case head.Position < b.from.Position:
		return false, projection.ErrDiverged
	}
	records, err := w.events.Read(ctx, b.tip.Position-1, 1)
	if err != nil {
		return false, err
	}
	if len(records) == 1 && eventstore.HeadOf(&records[0]).Same(b.tip) {
		return true, nil
	}
	return true, eventstore.ErrHeadMoved
}

// confirm checks that judgements that led to no event were made at the head of the history.
func (w *writer) confirm(from eventstore.Head) error {
	ctx, cancel := w.bounded()
	defer cancel()
	head, err := w.events.Head(ctx)
	switch {
	case err != nil:
		return &UnavailableError{Cause: err}
	case !head.Same(from):
		return eventstore.ErrHeadMoved
	}
	return nil
}

func (w *writer) send(b *batch) error {
	ctx, cancel := w.bounded()
	defer cancel()
	return w.events.Append(ctx, b.from, b.records)
}

func (w *writer) catchUpBounded() error {
	ctx, cancel := w.bounded()
	defer cancel()
	if err := w.catchUp(ctx); err != nil {
		return &UnavailableError{Cause: err}
	}
	return nil
}

// bounded returns a context of the writer's own: no caller's end may cut off an append that was sent.
func (w *writer) bounded() (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.Background(), w.opts.AppendTimeout)
}

// apply makes the batch readable, and tells the audit log.
func (w *writer) apply(b *batch) error {
	if err := w.projection.Apply(b.from, b.revisions); err != nil {
		w.opts.Log.Error("a committed append cannot be applied", "position", b.tip.Position, "error", err)
		return &UnavailableError{OutcomeUnknown: true, Cause: err}
	}
	if w.opts.Audit != nil {
		for _, r := range b.revisions {
			w.opts.Audit.Record(r)
		}
	}
	return nil
}

// awaitGrace is how long an append of our own may hold the follower up.
const awaitGrace = 20 * time.Millisecond

// awaitAppend waits until no append of ours is on its way, so that the follower does not read back what is about to be
// applied. It gives up soon: reading it twice does no harm, and other nodes' events must not wait for a slow append.
func (w *writer) awaitAppend(ctx context.Context) {
	timer := time.NewTimer(awaitGrace)
	defer timer.Stop()
	select {
	case w.append <- struct{}{}:
		<-w.append
	case <-timer.C:
	case <-ctx.Done():
	}
}
