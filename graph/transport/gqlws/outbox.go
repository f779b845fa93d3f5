package gqlws

import (
	"cmp"
	"context"
	"errors"
	"net"
	"os"
	"sync"
	"syscall"
	"time"

	"github.com/gorilla/websocket"
	"golang.org/x/sync/semaphore"
)

// errOver says that nothing more may be sent for an operation: it has ended, the client completed
// it, or the socket closes.
var errOver = errors.New("the operation is over")

// outbox is what a socket has to send: a bounded queue of frames, and a writer that runs while the
// queue is not empty. All that waits at the same time goes out together. It is safe for concurrent
// use.
type outbox struct {
	conn         net.Conn
	raw          syscall.RawConn // of conn; nil: it can only be written to by waiting
	writeTimeout time.Duration
	drainTimeout time.Duration
	maxBytes     int64
	cut          func()              // ends the connection
	quota        *semaphore.Weighted // bytes that operations may queue
	replyQuota   *semaphore.Weighted // bytes that answers to the peer may queue
	writers      sync.WaitGroup      // the writer, be it a goroutine or an inline writer

	mu      sync.Mutex // guards the following
	queue   []frame
	usual   int  // frames that went out together last time, maxOperations at most
	writing bool // there is a writer
	closing bool // nothing more goes into the queue
}

// newOutbox returns an empty outbox of a connection. cut must end the connection and not wait.
func newOutbox(conn net.Conn, o *Options, cut func()) *outbox {
	return &outbox{
		conn: conn, raw: rawOf(conn), cut: cut,
		writeTimeout: o.rules.writeTimeout, drainTimeout: o.rules.drainTimeout,
		maxBytes: o.MaxQueuedBytes, quota: semaphore.NewWeighted(o.MaxQueuedBytes), replyQuota: semaphore.NewWeighted(o.MaxQueuedBytes),
	}
}

// Abort cuts the connection, for the subscribers on it.
func (o *outbox) Abort() { o.cut() }

// send queues an operation's frame, and waits while the socket holds too much that the peer has not
// taken. Operations get their share in the order in which they ask for it. The wait is bounded by
// the write deadline: a peer that takes nothing is dropped.
func (o *outbox) send(ctx context.Context, f frame) error {
	if o.reserve(ctx, o.quota, &f) != nil || !o.push(f) {
		f.release()
		return errOver
	}
	return nil
}

// offer queues a frame if the quota allows it, for Flush to write. It never waits.
func (o *outbox) offer(f frame) bool {
	weight := o.weightOf(&f)
	if !o.quota.TryAcquire(weight) {
		f.release()
		return false
	}
	f.quota, f.weight = o.quota, weight
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.closing || !f.owner.wanted() {
		f.release()
		return false
	}
	if o.queue == nil {
		o.queue = make([]frame, 0, o.usual) // mostly one for each stream, as before
	}
	o.queue = append(o.queue, f)
	return true
}

// reply queues an answer to a message of the peer. It is for the reader alone, which waits while
// the peer sends and does not take. Operations that wait for the quota do not hold it up, so that
// their "complete" is still read.
func (o *outbox) reply(ctx context.Context, f frame) {
	if o.reserve(ctx, o.replyQuota, &f) != nil || !o.push(f) {
		f.release()
	}
}

// tryReply is reply without a wait.
func (o *outbox) tryReply(f frame) {
	weight := o.weightOf(&f)
	if !o.replyQuota.TryAcquire(weight) {
		return
	}
	if f.quota, f.weight = o.replyQuota, weight; !o.push(f) {
		f.release()
	}
}

func (o *outbox) reserve(ctx context.Context, quota *semaphore.Weighted, f *frame) error {
	weight := o.weightOf(f)
	if err := quota.Acquire(ctx, weight); err != nil {
		return err
	}
	f.quota, f.weight = quota, weight
	return nil
}

func (o *outbox) weightOf(f *frame) int64 {
	return min(int64(f.payloadLen()+maxFrameHeader), o.maxBytes)
}

// push puts the frame at the end of the queue, unless nothing more may be sent for its owner.
func (o *outbox) push(f frame) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.closing || f.owner != nil && !f.owner.wanted() {
		return false
	}
	o.enqueue(f)
	return true
}

// enqueue adds the frame, and starts a writer if there is none. It needs o.mu.
func (o *outbox) enqueue(f frame) {
	o.queue = append(o.queue, f)
	if !o.writing {
		o.writing = true
		o.writers.Go(o.write)
	}
}

// close queues a close frame as the last one. It reports false when the outbox is closing already.
func (o *outbox) close(f frame) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.closing {
		return false
	}
	o.closing = true
	o.enqueue(f)
	return true
}

// discard drops what is queued.
func (o *outbox) discard() {
	o.mu.Lock()
	o.closing = true
	left := o.queue
	o.queue = nil
	o.mu.Unlock()
	releaseAll(left)
}

func (o *outbox) isClosing() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.closing
}

// write sends what is in the queue until there is nothing left.
func (o *outbox) write() {
	for batch := o.take(); batch != nil; batch = o.take() {
		if err := o.writeBatch(batch); err != nil {
			o.cut()
			return
		}
	}
}

// take empties the queue. nil ends the writer: the next frame starts another.
func (o *outbox) take() []frame {
	o.mu.Lock()
	defer o.mu.Unlock()
	batch := o.queue
	o.queue = nil
	if batch == nil {
		o.writing = false
		return nil
	}
	o.usual = min(len(batch), maxOperations)
	return batch
}

// writeBatch writes frames, and gives back what they hold, also when it fails.
func (o *outbox) writeBatch(batch []frame) error {
	defer releaseAll(batch)
	out := newPieces(o.conn, o.writeTimeout)
	defer out.recycle()
	for i := range batch {
		if f := &batch[i]; f.isDue() {
			if err := out.add(f); err != nil {
				return err
			}
		}
	}
	if err := out.flush(); err != nil {
		return err
	}
	for i := range batch {
		if batch[i].opcode == websocket.CloseMessage {
			// The peer is read until then, or until it answers the close frame.
			return o.conn.SetReadDeadline(time.Now().Add(o.drainTimeout))
		}
	}
	return nil
}

// Flush writes what is queued as far as the connection takes it at once, unless there is a writer
// already. The rest is for a goroutine that can wait. It is for the frames that were offered.
func (o *outbox) Flush() {
	o.mu.Lock()
	if o.writing || o.closing || len(o.queue) == 0 {
		o.mu.Unlock()
		return
	}
	o.writing = true
	o.writers.Add(1)
	o.mu.Unlock()
	if o.raw == nil {
		o.goOn(func() error { return nil })
		return
	}
	w := inlineWriters.Get().(*inlineWriter)
	defer inlineWriters.Put(w)
	for batch := o.take(); batch != nil; batch = o.take() {
		if !w.load(batch) {
			o.goOn(func() error { return o.writeBatch(batch) })
			return
		}
		if w.write(o.raw, o.conn) != nil {
			releaseAll(batch)
			o.cut()
			break
		}
		if w.sent < len(w.buffer) {
			rest := newPieces(o.conn, o.writeTimeout)
			*rest.buffer = append(*rest.buffer, w.buffer[w.sent:]...)
			o.goOn(func() error {
				defer releaseAll(batch)
				defer rest.recycle()
				return rest.flush()
			})
			return
		}
		releaseAll(batch)
	}
	o.writers.Done()
}

// goOn makes a goroutine the writer, in the place of an inline writer: first it writes what is
// left, then what is queued.
func (o *outbox) goOn(first func() error) {
	go func() {
		defer o.writers.Done()
		if first() != nil {
			o.cut()
			return
		}
		o.write()
	}()
}

// inlineWriter writes to a connection what it takes at once, so that a message to a peer that is
// not behind takes no goroutine (BenchmarkGroup). It is for one goroutine.
type inlineWriter struct {
	buffer []byte
	sent   int
	err    error
	once   func(fd uintptr) bool // for [syscall.RawConn.Write]; made once
}

var inlineWriters = sync.Pool{New: func() any {
	w := new(inlineWriter)
	w.once = func(fd uintptr) bool {
		w.sent, w.err = writeNow(fd, w.buffer)
		return true
	}
	return w
}}

// load puts frames into the buffer. It refuses those that must be written with more care: close
// frames, which start the drain, and those that are longer than a piece.
func (w *inlineWriter) load(batch []frame) bool {
	size := 0
	for i := range batch {
		if size += batch[i].payloadLen() + maxFrameHeader; size > pieceBytes || batch[i].owner == nil {
			return false
		}
	}
	w.buffer = w.buffer[:0]
	for i := range batch {
		if f := &batch[i]; f.isDue() {
			w.buffer = append(append(append(f.appendHeader(w.buffer), f.head...), f.body...), f.tail...)
		}
	}
	return true
}

// write writes what the connection takes now, and says in sent how much that was.
func (w *inlineWriter) write(raw syscall.RawConn, conn net.Conn) error {
	w.sent = 0
	err := raw.Write(w.once)
	if errors.Is(err, os.ErrDeadlineExceeded) { // one that is left from a goroutine that waited
		_ = conn.SetWriteDeadline(time.Time{})
		err = raw.Write(w.once)
	}
	return cmp.Or(err, w.err)
}
