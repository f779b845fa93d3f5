// Package audit writes a log line for every change that this node has made: who changed what, when, and why.
//
// Lines come in the order of positions and never hold a value. They are written off the path of the write: a change waits in
// a bounded queue, and when that is full its line is dropped and counted. The history itself is the record that loses
// nothing, also over a crash; the audit log is for people and for tools that watch logs.
package audit

import (
	"context"
	"log/slog"
	"sync/atomic"

	"configapi/internal/eventstore"
)

// DefaultQueue is how many changes wait for their lines unless [Options] says otherwise.
const DefaultQueue = 10_000

// Options of a [Log].
type Options struct {
	// Queue is how many changes may wait for their lines. 0: [DefaultQueue].
	Queue int
}

// Log is an audit log. [Log.Run] must run for lines to be written.
type Log struct {
	out     *slog.Logger
	queue   chan *eventstore.Revision
	dropped atomic.Int64
}

// New returns an audit log that writes to out.
func New(out *slog.Logger, opts Options) *Log {
	if opts.Queue == 0 {
		opts.Queue = DefaultQueue
	}
	return &Log{out: out, queue: make(chan *eventstore.Revision, opts.Queue)}
}

// Record queues the line of a change. It never blocks. Lines come in the order of the calls.
func (l *Log) Record(change *eventstore.Revision) {
	select {
	case l.queue <- change:
	default:
		l.dropped.Add(1)
	}
}

// Dropped returns how many lines were never written because the queue was full.
func (l *Log) Dropped() int64 { return l.dropped.Load() }

// Run writes lines until ctx ends, and then those that still wait. Nothing may be recorded after ctx has ended. Where lines
// were dropped, a line says how many: when the queue is empty again, at the end, and at least once in a queue's length.
func (l *Log) Run(ctx context.Context) error {
	var told int64 // how many dropped lines have been told of
	for written := 1; ; written++ {
		select {
		case change := <-l.queue:
			l.write(change)
		case <-ctx.Done():
			l.drain()
			l.tellDropped(told)
			return nil
		}
		if len(l.queue) == 0 || written%cap(l.queue) == 0 {
			told = l.tellDropped(told)
		}
	}
}

// tellDropped says how many lines were dropped since it was last told, and returns how many that makes in all.
func (l *Log) tellDropped(told int64) int64 {
	dropped := l.Dropped()
	if dropped > told {
		l.out.Warn("audit lines dropped: the queue was full", "dropped", dropped-told, "dropped_since_start", dropped)
	}
	return dropped
}

func (l *Log) drain() {
	for {
		select {
		case change := <-l.queue:
			l.write(change)
		default:
			return
		}
	}
}

func (l *Log) write(change *eventstore.Revision) {
	l.out.LogAttrs(context.Background(), slog.LevelInfo, "config changed",
		slog.String("name", change.Name.String()),
		slog.String("operation", string(change.Operation())),
		slog.Int("version", int(change.Version)),
		slog.String("position", change.Position().String()),
		slog.Any("actor", nullable(change.Actor)),
		slog.Any("reason", nullable(change.Reason)),
	)
}

// nullable makes a text that is not there show as null.
func nullable(text *string) any {
	if text == nil {
		return nil
	}
	return *text
}
