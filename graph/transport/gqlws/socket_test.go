package gqlws

import (
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

func TestStalledReaderIsDroppedAndDelaysNobody(t *testing.T) {
	bubble(t, Options{}, func(t *testing.T, f *fixture) {
		stalled, other := f.open(t), f.open(t)
		stalled.send(ticks)
		<-f.schema.Began
		start := time.Now()
		event := strings.Repeat("x", 300<<10)
		for range 4 { // one is being written, the others fill the queue so that the next has to wait
			f.schema.Events <- event
		}
		other.send(ticks)
		<-f.schema.Began
		select {
		case f.schema.Events <- "for the other":
		case <-time.After(time.Second):
			t.Fatal("nobody takes events: the stalled reader holds up the other")
		}
		other.want(`{"id":"1","type":"next","payload":{"data":{"ticks":"for the other"}}}`)
		<-f.schema.Ended
		if took := time.Since(start); took != 10*time.Second {
			t.Errorf("the stalled reader's stream ended after %v, want 10 s", took)
		}
		synctest.Wait()
		if n := len(f.transport.snapshot()); n != 1 {
			t.Errorf("%d sockets are left, want the other's alone", n)
		}
	})
}

// TestSlowReader: an answer of 1,000,000 bytes may take 60 s and 15 s for its size, if there is
// some progress within each 10 s.
func TestSlowReader(t *testing.T) {
	const query = `{"id":"1","type":"subscribe","payload":{"query":"{big(bytes:1000000)}"}}`
	bubble(t, Options{}, func(t *testing.T, f *fixture) {
		p := f.open(t)
		p.conn.reader = &slowReader{peer: p, pause: 4 * time.Second}
		p.send(query)
		if got := p.wantLike(`"type":"next"`); len(got) < 1_000_000 {
			t.Errorf("got %d bytes", len(got))
		}
	})
	bubble(t, Options{rules: rules{silenceTimeout: time.Hour}}, func(t *testing.T, f *fixture) {
		p := f.open(t)
		start := time.Now()
		p.conn.reader = &slowReader{peer: p, pause: 9 * time.Second, gone: true}
		p.send(query)
		if _, _, err := p.receive(); err == nil {
			t.Error("a reader that is too slow was sent all of it")
		}
		if took := time.Since(start); took < 75*time.Second || took > 90*time.Second {
			t.Errorf("it was cut after %v, want 75 s", took)
		}
	})
}

// slowReader takes 64 KiB between two pauses, and sends a pong after each.
type slowReader struct {
	peer  *peer
	pause time.Duration
	gone  bool // the server may have closed the connection
	taken int
}

func (r *slowReader) Read(p []byte) (int, error) {
	if r.taken >= pieceBytes {
		r.taken = 0
		time.Sleep(r.pause)
		if !r.gone {
			r.peer.send(`{"type":"pong"}`)
		}
	}
	n, err := r.peer.conn.Conn.Read(p)
	r.taken += n
	return n, err
}

// TestControlFramesLeaveTheDeadlineAlone: gorilla would set a write deadline of 1 s for its answer
// to a ping, which would also count for what is being written.
func TestControlFramesLeaveTheDeadlineAlone(t *testing.T) {
	bubble(t, Options{}, func(t *testing.T, f *fixture) {
		p := f.open(t)
		p.send(ticks)
		<-f.schema.Began
		f.schema.Events <- "slow"
		synctest.Wait()
		p.sendFrame(opPing, "are you there")
		time.Sleep(5 * time.Second)
		p.wantLike("slow")
		if opcode, _, err := p.receive(); opcode != opPong || err != nil {
			t.Errorf("got opcode %d, %v; want a pong", opcode, err)
		}
	})
}

func TestWaitingFramesGoOutTogether(t *testing.T) {
	bubble(t, Options{}, func(t *testing.T, f *fixture) {
		p := f.open(t)
		p.send(ticks)
		<-f.schema.Began
		before := f.writes.Load()
		for i := range 20 {
			f.schema.Events <- fmt.Sprint(i) // the first is being written until somebody reads
			synctest.Wait()
		}
		for i := range 20 {
			p.want(fmt.Sprintf(`{"id":"1","type":"next","payload":{"data":{"ticks":"%d"}}}`, i))
		}
		synctest.Wait()
		if got := f.writes.Load() - before; got != 2 {
			t.Errorf("20 messages took %d writes, want 2", got)
		}
	})
}

func TestNoWriterWhileIdle(t *testing.T) {
	bubble(t, Options{}, func(t *testing.T, f *fixture) {
		p := f.open(t)
		p.send(ticks)
		<-f.schema.Began
		for range 3 {
			f.schema.Events <- "x"
			p.wantLike(`"next"`)
			synctest.Wait()
			for _, s := range f.transport.snapshot() {
				s.out.mu.Lock()
				if s.out.writing || s.out.queue != nil {
					t.Error("the writer still runs")
				}
				s.out.mu.Unlock()
			}
		}
	})
}

// TestCompleteDropsWhatIsQueued: the id may be used again at once, and must not get frames of the
// operation before.
func TestCompleteDropsWhatIsQueued(t *testing.T) {
	bubble(t, Options{}, func(t *testing.T, f *fixture) {
		p := f.open(t)
		p.send(ticks)
		<-f.schema.Began
		for i := range 5 {
			f.schema.Events <- fmt.Sprint("old ", i)
			synctest.Wait()
		}
		p.send(`{"id":"1","type":"complete"}`)
		<-f.schema.Ended
		p.send(ticks)
		<-f.schema.Began
		f.schema.Events <- "new"
		synctest.Wait()
		p.want(`{"id":"1","type":"next","payload":{"data":{"ticks":"old 0"}}}`) // was on its way
		p.want(`{"id":"1","type":"next","payload":{"data":{"ticks":"new"}}}`)
	})
}

// TestIDIsTakenUntilItsLastFrameIsSent: before that the client cannot know that the stream has
// ended.
func TestIDIsTakenUntilItsLastFrameIsSent(t *testing.T) {
	bubble(t, Options{}, func(t *testing.T, f *fixture) {
		p := f.open(t)
		p.send(`{"id":"other","type":"subscribe","payload":{"query":"subscription{ticks}"}}`)
		<-f.schema.Began
		f.schema.Events <- "blocks the writer"
		synctest.Wait()
		p.send(`{"id":"1","type":"subscribe","payload":{"query":"{hello}"}}`)
		synctest.Wait()
		p.send(`{"id":"1","type":"subscribe","payload":{"query":"{hello}"}}`)
		synctest.Wait()
		p.wantLike("blocks the writer")
		p.wantLike(`"id":"1","type":"next"`)
		p.wantLike(`"id":"1","type":"complete"`)
		p.wantClose(4409, "1 already exists")
	})
}

// TestCompleteIsHeardWhileTheQueueIsFull: a client that is too slow must be able to say so.
func TestCompleteIsHeardWhileTheQueueIsFull(t *testing.T) {
	bubble(t, Options{}, func(t *testing.T, f *fixture) {
		p := f.open(t)
		p.send(ticks)
		<-f.schema.Began
		for range 4 {
			f.schema.Events <- strings.Repeat("x", 300<<10)
		}
		synctest.Wait()
		p.send(`{"id":"1","type":"complete"}`)
		<-f.schema.Ended
	})
}

// TestQueueIsBounded: the bound is for all operations of a socket together.
func TestQueueIsBounded(t *testing.T) {
	bubble(t, Options{}, func(t *testing.T, f *fixture) {
		p := f.open(t)
		for id := range 50 {
			p.send(fmt.Sprintf(`{"id":"%d","type":"subscribe","payload":{"query":"{big(bytes:100000)}"}}`, id))
		}
		synctest.Wait()
		o := f.transport.snapshot()[0].out
		o.mu.Lock()
		queued := 0
		for i := range o.queue {
			queued += o.queue[i].payloadLen()
		}
		o.mu.Unlock()
		if queued > 1<<20 {
			t.Errorf("%d bytes are queued, want at most 1 MiB", queued)
		}
		for range 100 { // all arrive in the end
			p.wantLike(`"id":"`)
		}
	})
}

// TestPingFloodIsBounded: a client that asks without taking the answers is not read from any more,
// and then dropped.
func TestPingFloodIsBounded(t *testing.T) {
	bubble(t, Options{}, func(t *testing.T, f *fixture) {
		p := f.open(t)
		ping := maskedFrame(finalBit|opText, `{"type":"ping","payload":{"a":"`+strings.Repeat("x", 60_000)+`"}}`)
		var taken atomic.Int64
		dropped := make(chan struct{})
		go func() {
			defer close(dropped)
			for {
				if _, err := io.WriteString(p.conn, ping); err != nil {
					return
				}
				taken.Add(1)
			}
		}()
		synctest.Wait()
		if n := taken.Load(); n > 20 {
			t.Errorf("took %d pings of 60 kB without their answers being read", n)
		}
		<-dropped
	})
}

func TestMessageLargerThanTheQueue(t *testing.T) {
	bubble(t, Options{MaxQueuedBytes: 1000}, func(t *testing.T, f *fixture) {
		p := f.open(t)
		for range 3 {
			p.send(`{"id":"1","type":"subscribe","payload":{"query":"{big(bytes:200000)}"}}`)
			if got := p.wantLike(`"type":"next"`); len(got) < 200_000 {
				t.Errorf("got %d bytes", len(got))
			}
			p.wantLike(`"type":"complete"`)
		}
	})
}
