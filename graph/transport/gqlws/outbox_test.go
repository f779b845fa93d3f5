package gqlws

import (
	"context"
	"math/rand/v2"
	"net"
	"strings"
	"testing"
	"time"

	"configapi/graph/transport/fanout"
	"configapi/internal/budget"
	"configapi/internal/websockettest"
)

// TestPieces writes batches of frames of many sizes and reads them again. No write is longer than a
// piece.
func TestPieces(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	sizes := []int{0, 1, 125, 126, pieceBytes - 22, pieceBytes - 11, pieceBytes - 10, pieceBytes - 4, 65535, 65536, 3 * pieceBytes}
	for range 100 {
		var batch []frame
		for range 1 + random.IntN(5) {
			size := sizes[random.IntN(len(sizes))] + random.IntN(3)
			head, body := random.IntN(size+1), 0
			if rest := size - head; rest > 0 {
				body = random.IntN(rest + 1)
			}
			batch = append(batch, textFrame(nil, strings.Repeat("h", head), []byte(strings.Repeat("b", body)), strings.Repeat("t", size-head-body)))
		}
		checkPieces(t, batch)
	}
}

func checkPieces(t *testing.T, batch []frame) {
	t.Helper()
	client, server := net.Pipe()
	defer client.Close()
	options := Options{}.withDefaults()
	o := newOutbox(&measuringConn{Conn: server, t: t}, &options, func() {})
	written := make(chan error, 1)
	go func() {
		defer server.Close()
		written <- o.writeBatch(batch)
	}()
	p := &peer{t: t, socket: websockettest.New(client)}
	for _, f := range batch {
		p.want(f.head + string(f.body) + f.tail)
	}
	p.wantEnd()
	if err := <-written; err != nil {
		t.Error(err)
	}
}

type measuringConn struct {
	net.Conn
	t *testing.T
}

func (c *measuringConn) Write(p []byte) (int, error) {
	if len(p) > pieceBytes {
		c.t.Errorf("%d bytes in one write, want at most %d", len(p), pieceBytes)
	}
	return c.Conn.Write(p)
}

// TestNothingIsQueuedAfterTheEnd is about those that have their quota already when the end comes:
// they give it back.
func TestNothingIsQueuedAfterTheEnd(t *testing.T) {
	bubble(t, Options{}, func(t *testing.T, f *fixture) {
		p := f.open(t)
		s := f.transport.snapshot()[0]
		completed := newOperation(s.operations, "1")
		completed.completed.Store(true)
		if err := s.out.send(context.Background(), textFrame(completed, "too late", nil, "")); err != errOver {
			t.Errorf("an operation that the client has completed: got %v", err)
		}
		s.close(CloseForbidden, "Forbidden")
		if err := s.out.send(context.Background(), textFrame(nil, "too late", nil, "")); err != errOver {
			t.Errorf("a socket that closes: got %v", err)
		}
		p.wantClose(4403, "Forbidden")
		if !s.out.quota.TryAcquire(f.transport.options.MaxQueuedBytes) {
			t.Error("the quota is not free again")
		}
	})
}

// TestNegativeQueue is a mistake of the program.
func TestNegativeQueue(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("a negative queue is accepted")
		}
	}()
	New(Options{MaxQueuedBytes: -1})
}

// TestMemoryOfAMessage is held until the last of its subscribers has sent it.
func TestMemoryOfAMessage(t *testing.T) {
	options := Options{}.withDefaults()
	client, server := net.Pipe()
	defer client.Close()
	o := newOutbox(server, &options, func() {})
	streams := budget.New(budget.Options{Bytes: 100})
	bytes := streams.Reservation()
	bytes.Force(4)
	m := &fanout.Message{Body: []byte("body"), Memory: budget.Share(bytes)}
	for _, id := range []string{"1", "2"} {
		if !newOperation(&operations{out: o}, id).Offer(m) {
			t.Fatal("there is no quota")
		}
	}
	m.Memory.Release() // as the group does
	if held := streams.Held(); held != 4 {
		t.Errorf("%d bytes are held while the message is queued, want 4", held)
	}
	o.Flush()
	p := &peer{t: t, socket: websockettest.New(client)}
	p.wantLike(`"id":"1"`)
	p.wantLike(`"id":"2"`)
	o.writers.Wait()
	if held := streams.Held(); held != 0 {
		t.Errorf("%d bytes are held when the message is sent", held)
	}
}
