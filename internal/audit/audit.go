// Package audit writes a log line for every change that this node has made, of a config or of a
// token: who changed what, when, and why. [Refusals] writes lines about callers that are refused.
//
// Lines of changes are in the order of positions and never hold a value. They are written after the
// write is answered: a change is queued, and when the queue is full its line is dropped and
// counted. The audit log is for people and for tools that watch logs. The history itself is the
// record that loses nothing, also when the node crashes.
package audit

import (
	"context"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"configapi/internal/eventstore"
)

// defaultQueue is how many changes are queued unless [Options] says otherwise.
const defaultQueue = 10_000

// Options of a [Log].
type Options struct {
	// Queue is how many changes may be queued. 0: 10,000.
	Queue int
}

// Log is an audit log. [Log.Run] must run for lines to be written. It is safe for concurrent use.
type Log struct {
	out     *slog.Logger
	queue   chan entry
	dropped atomic.Int64
}

// New returns an audit log that writes to out. It panics when the queue is negative.
func New(out *slog.Logger, opts Options) *Log {
	if opts.Queue < 0 {
		panic(fmt.Sprintf("audit: Options.Queue is negative: %d", opts.Queue))
	}
	if opts.Queue == 0 {
		opts.Queue = defaultQueue
	}
	return &Log{out: out, queue: make(chan entry, opts.Queue)}
}

// entry is a change, and the id of the request that made it.
type entry struct {
	change    *eventstore.Revision
	requestID string // "": none
}

// Record queues the line of a change, with the id of the request that made it; "" is left out. It
// never blocks. Lines are in the order of the calls.
func (l *Log) Record(change *eventstore.Revision, requestID string) {
	select {
	case l.queue <- entry{change, requestID}:
	default:
		l.dropped.Add(1)
	}
}

// Dropped returns how many lines were never written because the queue was full.
func (l *Log) Dropped() int64 { return l.dropped.Load() }

// Run writes lines until ctx ends, and then those that are queued. Nothing may be recorded after
// ctx has ended. When lines were dropped, a line says how many: once the queue is empty, after as
// many lines as the queue holds at the latest, and at the end. Run returns nil.
func (l *Log) Run(ctx context.Context) error {
	var reported int64 // dropped lines that were reported
	for written := 1; ; written++ {
		select {
		case e := <-l.queue:
			l.write(e)
		case <-ctx.Done():
			l.drain()
			l.reportDropped(reported)
			return nil
		}
		if len(l.queue) == 0 || written%cap(l.queue) == 0 {
			reported = l.reportDropped(reported)
		}
	}
}

// reportDropped writes how many lines were dropped since the last report, which had counted
// reported. It returns how many were dropped in all.
func (l *Log) reportDropped(reported int64) int64 {
	dropped := l.Dropped()
	if dropped > reported {
		l.out.Warn("audit lines dropped: the queue was full", "dropped", dropped-reported, "dropped_since_start", dropped)
	}
	return dropped
}

func (l *Log) drain() {
	for {
		select {
		case e := <-l.queue:
			l.write(e)
		default:
			return
		}
	}
}

// write hands a line to the handler itself: a [slog.Logger] looks up who has called it, which no
// handler here shows and which is an eighth of the cost of a line.
func (l *Log) write(e entry) {
	change := e.change
	ctx, out := context.Background(), l.out.Handler()
	if !out.Enabled(ctx, slog.LevelInfo) {
		return
	}
	message, name, operation, version := "config changed", change.Name.String(), string(change.Operation()), change.Version
	if s := change.Stream; s != nil {
		message, name, operation, version = "token changed", s.Stream, string(s.Type), s.Version
	}
	line := slog.NewRecord(time.Now(), slog.LevelInfo, message, 0)
	line.AddAttrs(
		slog.String("name", name),
		slog.String("operation", operation),
		slog.Int("version", int(version)),
		slog.String("position", change.Position().String()),
		slog.Any("actor", nullable(change.Actor)),
		slog.Any("reason", nullable(change.Reason)),
	)
	if e.requestID != "" {
		line.AddAttrs(slog.String("request_id", e.requestID))
	}
	_ = out.Handle(ctx, line) // an error of the log cannot be logged
}

// nullable returns a text, or nil, which is logged as null.
func nullable(text *string) any {
	if text == nil {
		return nil
	}
	return *text
}
