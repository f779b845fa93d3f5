package transport

import (
	"cmp"
	"errors"
	"os"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// courierShare is how many members one goroutine serves before it takes the next ones.
const courierShare = 64

// deliver gives a message to members, on all processors. It returns when each of them has taken it, or has left its group:
// it waits for none.
func deliver(members []*member, u *update) {
	shares := slices.Collect(slices.Chunk(members, courierShare))
	var next atomic.Int64
	work := func() {
		by := couriers.Get().(*courier)
		defer couriers.Put(by)
		for i := next.Add(1) - 1; i < int64(len(shares)); i = next.Add(1) - 1 {
			by.serve(shares[i], u)
		}
	}
	var others sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), len(shares)) - 1 {
		others.Go(work)
	}
	work()
	others.Wait()
}

// serve gives a message to members. Those that share a socket usually come one after the other, and then share a write.
func (c *courier) serve(members []*member, u *update) {
	for i, m := range members {
		if !m.take(u) {
			m.goOnAlone()
		}
		if i+1 == len(members) || members[i+1].socket != m.socket {
			c.flush(m.socket)
		}
	}
}

// offer queues a frame if there is room for it, for a courier to flush. It never waits.
func (s *socket) offer(f frame) bool {
	weight := s.weightOf(&f)
	if !s.room.TryAcquire(weight) {
		f.release()
		return false
	}
	f.room, f.weight = s.room, weight
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closing || f.owner.stopped.Load() {
		f.release()
		return false
	}
	s.queue = append(s.queue, f)
	return true
}

// courier writes what sockets take at once, so that delivering to a socket that is not behind takes no goroutine. It is for one
// goroutine.
type courier struct {
	buffer []byte
	sent   int
	err    error
	once   func(fd uintptr) bool // for [syscall.RawConn.Write]; made once
}

var couriers = sync.Pool{New: func() any {
	c := new(courier)
	c.once = func(fd uintptr) bool {
		c.sent, c.err = writeNow(fd, c.buffer)
		return true
	}
	return c
}}

// flush writes what is queued on a socket, unless somebody else is at it.
func (c *courier) flush(s *socket) {
	s.mu.Lock()
	if s.writing || s.closing || len(s.queue) == 0 {
		s.mu.Unlock()
		return
	}
	s.writing = true
	s.writers.Add(1)
	s.mu.Unlock()
	if s.raw == nil {
		s.goOn(func() error { return nil })
		return
	}
	c.write(s)
}

// write sends what is in the queue of a socket, as its writer. When the socket does not take all of it at once, the rest is for a
// goroutine that can wait.
func (c *courier) write(s *socket) {
	for batch := s.take(); batch != nil; batch = s.take() {
		if !c.load(s, batch) {
			s.goOn(func() error { return s.writeBatch(batch) })
			return
		}
		if c.writeOnce(s) != nil {
			releaseAll(batch)
			s.abort()
			break
		}
		if c.sent < len(c.buffer) {
			rest := pieces{socket: s, buffer: pieceBuffers.Get().(*[]byte)}
			*rest.buffer = append(*rest.buffer, c.buffer[c.sent:]...)
			s.goOn(func() error {
				defer releaseAll(batch)
				defer rest.recycle()
				return rest.flush()
			})
			return
		}
		releaseAll(batch)
	}
	s.writers.Done()
}

// writeOnce writes what the connection takes now.
func (c *courier) writeOnce(s *socket) error {
	c.sent = 0
	err := s.raw.Write(c.once)
	if errors.Is(err, os.ErrDeadlineExceeded) { // one that is left from somebody who waited
		_ = s.conn.SetWriteDeadline(time.Time{})
		err = s.raw.Write(c.once)
	}
	return cmp.Or(err, c.err)
}

// load puts frames into the buffer. It refuses those that are to be written with more care.
func (c *courier) load(s *socket, batch []frame) bool {
	size := 0
	for i := range batch {
		if size += batch[i].payloadLen() + maxFrameHeader; size > pieceBytes || batch[i].owner == nil {
			return false
		}
	}
	c.buffer = c.buffer[:0]
	for i := range batch {
		f := &batch[i]
		if s.isDue(f) {
			c.buffer = append(append(append(f.appendHeader(c.buffer), f.head...), f.body...), f.tail...)
		}
	}
	return true
}

// goOn makes a goroutine the socket's writer, in the place of a courier: first it writes what is left, then what is queued.
func (s *socket) goOn(first func() error) {
	go func() {
		defer s.writers.Done()
		if first() != nil {
			s.abort()
			return
		}
		s.write()
	}()
}
