package configstore

import (
	"context"
	"errors"
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
	writes     *writes
	projection *projection.Projection
	catchUp    func(context.Context) error
	opts       Options

	queue   chan *request
	closing chan struct{} // closed when nothing more may go into the queue
	stopped chan struct{} // closed when nothing more is taken from the queue
	append  chan struct{} // holds one token while an append of ours is not applied

	// Only for the goroutine that runs:
	losses int // appends in a row that another node was faster than
	quiet  int // appends in a row, with the head locked, that missed nothing of another node
}

// request is one command that waits for its outcome.
type request struct {
	caller auth.Caller
	cmd    config.Command
	key    eventstore.Key // the zero Key: it has none
	hash   [32]byte       // of a command with a key
	state  atomic.Int32
	done   chan answer // takes one answer without blocking
}

func newRequest(caller auth.Caller, cmd config.Command) *request {
	r := &request{caller: caller, cmd: cmd, done: make(chan answer, 1)}
	if key := cmd.Key().String(); key != "" {
		r.key, r.hash = eventstore.Key{Actor: caller.Name, Text: key}, config.RequestHash(cmd)
	}
	return r
}

func (r *request) hasKey() bool { return r.key.Text != "" }

// The states of a request. It leaves waiting once: the writer takes it, or its caller goes.
const (
	waiting int32 = iota
	taken
	abandoned
)

// answer is what a request came to. With a receipt it is what an earlier one with the same key came to.
type answer struct {
	outcome Outcome
	receipt *eventstore.Receipt
	err     error
}

// queueLength is how many requests wait without blocking their callers; more of them block until there is room.
const queueLength = 1024

func newWriter(events watched, p *projection.Projection, opts Options) *writer {
	return &writer{
		events: events, writes: events.writes, projection: p, opts: opts,
		queue:   make(chan *request, queueLength),
		closing: make(chan struct{}),
		stopped: make(chan struct{}),
		append:  make(chan struct{}, 1),
	}
}

// do hands a command to the writer and waits for its answer.
func (w *writer) do(ctx context.Context, caller auth.Caller, cmd config.Command) answer {
	r := newRequest(caller, cmd)
	select {
	case <-w.closing: // also while there is room in the queue, or a shutdown would last as long as there are writes
		return answer{err: &UnavailableError{}}
	default:
	}
	select {
	case w.queue <- r:
	case <-w.closing:
		return answer{err: &UnavailableError{}}
	case <-ctx.Done():
		return answer{err: &UnavailableError{Cause: ctx.Err()}}
	}
	select {
	case a := <-r.done:
		return a
	case <-w.stopped:
	case <-ctx.Done():
	}
	if r.state.CompareAndSwap(waiting, abandoned) {
		r.cmd = nil // it may lie in the queue for long, but its value need not
		return answer{err: &UnavailableError{Cause: ctx.Err()}}
	}
	select { // it was taken: only the writer knows, and has answered everything when it has stopped
	case a := <-r.done:
		return a
	default:
		return answer{err: &UnavailableError{OutcomeUnknown: true, Cause: ctx.Err()}}
	}
}

// run commits until ctx ends, and then what is in the queue, unless the store is away: then nothing of the rest was sent, and
// that is what its callers hear.
func (w *writer) run(ctx context.Context) {
	defer close(w.stopped)
	for ctx.Err() == nil {
		select {
		case first := <-w.queue:
			_ = w.commit(ctx, w.gather(take(nil, first)))
		case <-w.retry():
			_, _ = w.durableHead() // which is noted
		case <-ctx.Done():
		}
	}
	close(w.closing)
	for len(w.queue) > 0 && w.commit(ctx, w.gather(nil)) == nil {
	}
}

// gather adds what waits in the queue to requests, up to the commands of a batch.
func (w *writer) gather(requests []*request) []*request {
	for len(requests) < w.opts.BatchCommands {
		select {
		case next := <-w.queue:
			requests = take(requests, next)
		default:
			return requests
		}
	}
	return requests
}

// take adds a request whose caller still waits.
func take(requests []*request, r *request) []*request {
	if r.state.CompareAndSwap(waiting, taken) {
		requests = append(requests, r)
	}
	return requests
}

// commit judges requests, appends what follows from them as one, and answers them all; it takes more than one append when
// their events are large. Also a refusal waits for the append: it may rest on an event of the same batch, or on a state that
// another node has changed meanwhile. It returns the last error that all requests of an append were answered with.
func (w *writer) commit(ctx context.Context, requests []*request) (err error) {
	w.append <- struct{}{}
	defer func() { <-w.append }()
	for len(requests) > 0 {
		var b *batch
		b, requests, err = w.try(ctx, requests)
		switch {
		case errors.Is(err, eventstore.ErrKeyTaken):
			continue
		case errors.Is(err, eventstore.ErrHeadMoved):
			if err = w.catchUpBounded(); err == nil {
				requests = w.gather(requests) // of those that came meanwhile
				continue
			}
		}
		if err == nil {
			err = w.apply(b)
		}
		if err == nil {
			w.findLate(requests, b)
		}
		requests = b.answer(requests, err)
	}
	return err
}

// lockAfter is how many appends in a row have to lose to other nodes until the head is locked first, and unlockAfter how many then
// have to miss nothing until it is not: the follower may just have been quick.
const lockAfter, unlockAfter = 2, 8

// try judges requests, and others that it may take in, and appends what follows. It returns when the outcome is known: nil when it
// is in the history; [eventstore.ErrHeadMoved] or [eventstore.ErrKeyTaken] when it is not and everything is to be judged
// again; or an [*UnavailableError].
func (w *writer) try(ctx context.Context, requests []*request) (*batch, []*request, error) {
	asked := asked{w.projection.View().Head(), len(requests)}
	known, err := w.findReceipts(requests)
	if err != nil {
		return refuseAll(requests), requests, err
	}
	last, err := w.readLastValues(requests, known)
	if err != nil {
		return refuseAll(requests), requests, err
	}
	if w.losses >= lockAfter {
		b, requests, err := w.tryLocked(ctx, requests, known, last)
		b.asked = asked
		return b, requests, err
	}
	b := decide(w.projection.View(), requests, known, last, &w.opts)
	b.asked = asked
	switch {
	case len(b.answers) == 0: // the first needs another value than the one that was read: its config has changed since
		return b, requests, nil
	case b.isEmpty():
		err = w.confirm(b)
	default:
		err = w.settle(ctx, b, w.send(b))
	}
	switch {
	case err == nil:
		w.losses = 0
	case errors.Is(err, eventstore.ErrHeadMoved):
		w.losses++
	}
	return b, requests, err
}

// tryLocked is try with the head locked, where it cannot lose. What it missed is committed, so it is applied before the
// requests are judged on it. While it waited for the lock others came, and are taken in; keys of theirs were not looked up, which
// the store finds out, and a restore whose value was not read ends the batch.
func (w *writer) tryLocked(ctx context.Context, requests []*request, known receipts, last lastValues) (*batch, []*request, error) {
	b, from := (*batch)(nil), w.projection.View().Head()
	bounded, cancel := w.bounded()
	defer cancel()
	err := w.events.AppendLocked(bounded, from.Seq, func(head eventstore.Head, missed []eventstore.Record) ([]eventstore.Record, []eventstore.Receipt, error) {
		w.countQuiet(len(missed))
		if err := w.applyMissed(from.Seq, missed); err != nil {
			return nil, nil, err
		}
		view := w.projection.View()
		if !view.Head().Same(head) {
			return nil, nil, projection.ErrDiverged
		}
		requests = w.gather(requests)
		b = decide(view, requests, known, last, &w.opts)
		return b.records, b.receipts, nil
	})
	if b == nil {
		b = refuseAll(requests)
	}
	err = w.settle(ctx, b, err)
	if err == nil && b.isEmpty() && b.acknowledges() {
		_, err = w.durableHead()
	}
	return b, requests, err
}

// countQuiet finds out whether the others have become so quiet that an append need not lock.
func (w *writer) countQuiet(missed int) {
	w.quiet++
	if missed > 0 {
		w.quiet = 0
	}
	if w.quiet >= unlockAfter {
		w.losses, w.quiet = 0, 0
	}
}

// applyMissed applies what others have committed after a position, as far as the follower has not been faster.
func (w *writer) applyMissed(after eventstore.Seq, missed []eventstore.Record) error {
	applied := w.projection.View().Head()
	missed = missed[min(int(applied.Seq-after), len(missed)):]
	if _, err := new(eventstore.Chain).Verify(applied, missed); err != nil {
		return err
	}
	revisions, err := eventstore.DecodeAll(missed)
	if err != nil {
		return err
	}
	return w.projection.Apply(applied, revisions)
}

func (w *writer) send(b *batch) error {
	ctx, cancel := w.bounded()
	defer cancel()
	return w.events.Append(ctx, b.from, b.records, b.receipts...)
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
		w.opts.Log.Error("a committed append cannot be applied", "position", b.tip.Seq, "error", err)
		return &UnavailableError{OutcomeUnknown: true, Cause: err}
	}
	if w.opts.Audit != nil {
		for _, r := range b.revisions {
			w.opts.Audit.Record(r)
		}
	}
	return nil
}

// awaitAppend waits until no append of ours is on its way, so that the follower does not read back what is about to be
// applied. It gives up soon: reading it twice does no harm, and other nodes' events must not wait for a slow append.
func (w *writer) awaitAppend(ctx context.Context) {
	timer := time.NewTimer(w.opts.FollowerGrace)
	defer timer.Stop()
	select {
	case w.append <- struct{}{}:
		<-w.append
	case <-timer.C:
	case <-ctx.Done():
	}
}
