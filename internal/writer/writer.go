// Package writer commits commands: it decides them in one order, appends their events to the event
// store, and gives each caller its outcome.
//
// One goroutine does all of it ([Writer.Run]). While one append is under way, further commands are
// queued; then all of them become one batch with one append. The writer never waits for a batch to
// grow. A command that is refused fails alone.
//
// A [Writer] guarantees:
//
//   - A change is on disk and can be read before its caller is answered.
//   - An unknown outcome is resolved against the history before it is answered. A caller whose time
//     ends first gets the error that the outcome is unknown.
//   - A command with an idempotency key takes effect once. The same command gets the first outcome
//     again for at least [KeyRetention].
//   - A command is decided on the newest state of the history, also when other nodes write.
//   - A caller that may not do what it asks for, on that state, is refused.
//
// It does not parse, and it reads nothing for clients. It belongs to one history: when the history
// is replaced by another one, a new Writer takes over.
package writer

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"configapi/internal/auth"
	"configapi/internal/config"
	"configapi/internal/eventstore"
	"configapi/internal/projection"
	"configapi/internal/requestid"
)

const (
	// retryMax bounds the pause between two looks for an unknown outcome, and is the pause between
	// two attempts to write while the event store takes no writes.
	retryMax = 500 * time.Millisecond
	// followerGrace is how long an append of this node holds up the node's follower, which would
	// only read back what the writer applies anyway.
	followerGrace = 20 * time.Millisecond
)

// Options of a [Writer]. Zero fields have the defaults named.
type Options struct {
	// BatchCommands and BatchBytes bound one append: so many change sets, and no further one once
	// the events of those before it, with the values that they replace, have so many bytes. 0: 500
	// sets, 4 MiB. No further set is taken either once those before it have [config.MaxChanges]
	// changes, whatever follows from them. The first set is always taken whole.
	BatchCommands, BatchBytes int
	// AppendTimeout is how long one append may take until its outcome counts as unknown. 0: 5 s.
	AppendTimeout time.Duration
	// WriteTimeout is how long a caller waits for its outcome, unless its context ends sooner. 0:
	// 10 s, and in a config store the WriteTimeout of its options.
	WriteTimeout time.Duration
	// RetryMin is the first pause before the writer looks again for an unknown outcome. The pause
	// doubles up to 500 ms, with jitter. 0: 20 ms. More than 500 ms is 500 ms.
	RetryMin time.Duration
	// Codec decodes the events of other nodes. The zero Codec knows those of configs alone.
	Codec config.Codec
	// Anonymous is what callers that are not known may do once a token was issued. nil: nothing.
	Anonymous *auth.Grants
	// Closed says that this is so although the history has no token: it has lost them.
	Closed bool
	// Audit gets every change that this node has made, in order. nil: nothing is recorded.
	Audit Auditor
	// Appended is called after every append with the number of its events and how long it took,
	// whatever its outcome. nil: nothing is called.
	Appended func(events int, took time.Duration)
	// Now is the clock of this node. nil: that of the config store.
	Now func() time.Time
	// Log gets what operators must know. nil: that of the config store.
	Log *slog.Logger
}

// Auditor records changes, each with the id of the request that made it, "" for none. Record must
// not block.
type Auditor interface {
	Record(change *eventstore.Revision, requestID string)
}

// setDefaults panics when a number or a time is negative.
func (o *Options) setDefaults() {
	if o.BatchCommands < 0 || o.BatchBytes < 0 || o.AppendTimeout < 0 || o.WriteTimeout < 0 || o.RetryMin < 0 {
		panic(fmt.Sprintf("writer: an option is negative: %d commands, %d bytes, append timeout %v, write timeout %v, first retry after %v",
			o.BatchCommands, o.BatchBytes, o.AppendTimeout, o.WriteTimeout, o.RetryMin))
	}
	o.BatchCommands = cmp.Or(o.BatchCommands, 500)
	o.BatchBytes = cmp.Or(o.BatchBytes, 4<<20)
	o.AppendTimeout = cmp.Or(o.AppendTimeout, 5*time.Second)
	o.WriteTimeout = cmp.Or(o.WriteTimeout, 10*time.Second)
	o.RetryMin = min(cmp.Or(o.RetryMin, 20*time.Millisecond), retryMax)
	o.Log = cmp.Or(o.Log, slog.New(slog.DiscardHandler))
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Appended == nil {
		o.Appended = func(int, time.Duration) {}
	}
}

// Outcome is what a change set came to. It is not cut to what its caller may see.
type Outcome struct {
	// Grants are what the caller may do at the state that the set was decided on. They are there
	// also when the set was rejected, or has a receipt.
	Grants *auth.Grants
	// Revisions are the changes, in the order of the set.
	Revisions []*eventstore.Revision
	// Unchanged are the names that were as asked for already, and those that the set skips.
	Unchanged []config.Name
	// Config is, for a set of one, the config as this very change left it. When there was nothing
	// to change, it is the config as it was found.
	Config *projection.Config
	// Token is the token as this very command left it: see [Writer.DoToken].
	Token *auth.Token
	// Position is that of the outcome: any read or stream from here on includes it. It is that of
	// the last revision, or the one that the set was decided at when nothing was written.
	Position eventstore.Position
}

// Writer commits commands to one history. It is safe for concurrent use.
type Writer struct {
	events     *monitoredStore
	projection *projection.Projection
	follower   *projection.Follower
	opts       Options

	queue     *queue
	storeKey  atomic.Pointer[eventstore.StoreKey] // nil until a request needs it
	appending chan struct{}                       // holds one token while an append of this node is not applied

	// For the goroutine of Run alone:
	drafted     draft
	chain       eventstore.Chain
	conflicts   int // attempts in a row that lost to another node
	uncontended int // attempts in a row, with the head locked, that missed nothing of another node
}

// New returns a writer. [Writer.Run] does the work.
//
// The writer applies what it has appended to the projection, and has the follower catch up when
// another node has written. All attempts to write are recorded in attempts, which writers of
// successive histories share. New panics when a number or a time of the options is negative.
func New(events eventstore.Store, p *projection.Projection, follower *projection.Follower, attempts *Attempts, opts Options) *Writer {
	opts.setDefaults()
	return &Writer{
		events: &monitoredStore{
			Store: events, timeout: opts.AppendTimeout,
			attempts: attempts, appended: opts.Appended, caughtUp: follower.ConfirmCurrent,
		},
		projection: p, follower: follower, opts: opts,
		queue:     newQueue(),
		appending: make(chan struct{}, 1),
	}
}

// Do carries out a change set and returns its outcome. The changes are then on disk and can be
// read. seenAt is the seq of set.AsSeenAt, at the end of its change set. [Check] has found nothing
// wrong with the set.
//
// When an earlier set with the same idempotency key was carried out, Do returns its receipt and of
// the outcome the Grants alone: the history says at the receipt's position what the outcome was.
//
// The errors: a [*fault.Rejection], or a [*fault.UnavailableError], which says whether something
// may have been written. The end of ctx, or of [Options.WriteTimeout], ends the waiting, not the
// write. Sets are queued until Run is called.
func (w *Writer) Do(ctx context.Context, caller auth.Caller, set config.ChangeSet, seenAt eventstore.Seq) (Outcome, *eventstore.Receipt, error) {
	return w.queued(ctx, newRequest(caller, set, seenAt))
}

// Recall returns the receipt of an earlier set with the same idempotency key, nil when there is
// none, and the grants of the caller. It looks at the key and at what the set asks for alone, so
// its changes may be missing when it has Asked. The errors are those of [Writer.Do].
func (w *Writer) Recall(ctx context.Context, caller auth.Caller, set config.ChangeSet) (*eventstore.Receipt, *auth.Grants, error) {
	r := newRequest(caller, set, 0)
	if !r.hasKey() {
		return nil, nil, nil
	}
	r.recall, r.set = true, config.ChangeSet{}
	outcome, receipt, err := w.queued(ctx, r)
	return receipt, outcome.Grants, err
}

func (w *Writer) queued(ctx context.Context, r *request) (Outcome, *eventstore.Receipt, error) {
	if err := w.signHash(ctx, r); err != nil {
		return Outcome{}, nil, err
	}
	if w.opts.Audit != nil {
		r.id = requestid.From(ctx)
	}
	var timeout <-chan time.Time // nil: ctx ends sooner
	if end, ok := ctx.Deadline(); !ok || time.Until(end) > w.opts.WriteTimeout {
		timer := time.NewTimer(w.opts.WriteTimeout)
		defer timer.Stop()
		timeout = timer.C
	}
	if err := w.queue.add(ctx, timeout, r); err != nil {
		return Outcome{}, nil, err
	}
	result := w.queue.await(ctx, timeout, r)
	return result.outcome, result.receipt, result.err
}

// Run commits until ctx ends, and then what is queued by that time. When the event store is not
// available then, the rest is not sent, and its callers are answered that nothing was written. When
// Run returns, all commands that were sent are answered. Run must be called once.
func (w *Writer) Run(ctx context.Context) {
	defer close(w.queue.stopped)
	for ctx.Err() == nil {
		select {
		case first := <-w.queue.requests:
			_ = w.commit(ctx, w.gather(take(nil, first)))
		case <-w.retryDue():
			_, _ = w.events.durableHead() // its error is recorded as that of an attempt
		case <-ctx.Done():
		}
	}
	close(w.queue.closing)
	for len(w.queue.requests) > 0 && w.commit(ctx, w.gather(nil)) == nil {
	}
}

// gather adds queued requests up to the bounds of a batch. It does not wait for any.
func (w *Writer) gather(requests []*request) []*request {
	return w.queue.takeAll(requests, w.opts.BatchCommands)
}

// retryDue returns when to try again whether the event store takes writes: never while it does.
func (w *Writer) retryDue() <-chan time.Time {
	if w.events.attempts.Problem() == nil {
		return nil
	}
	return time.After(retryMax)
}

// AwaitAppend waits until every append of this node is applied, so that the follower does not read
// back what is about to be applied anyway. It gives up after 20 ms: reading an event twice does no
// harm, and events of other nodes must not wait for a slow append.
func (w *Writer) AwaitAppend(ctx context.Context) {
	timer := time.NewTimer(followerGrace)
	defer timer.Stop()
	select {
	case w.appending <- struct{}{}:
		<-w.appending
	case <-timer.C:
	case <-ctx.Done():
	}
}
