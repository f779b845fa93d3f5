package transport

import (
	"context"
	"math/rand/v2"
	"net"
	"strings"
	"testing"
	"time"

	"configapi/internal/websockettest"
)

// TestPieces writes batches of frames of many sizes and reads them again. No write is longer than a piece.
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
	s := &socket{transport: NewWebsocket(WebsocketOptions{}), conn: &measuringConn{Conn: server, t: t}}
	written := make(chan error, 1)
	go func() {
		defer server.Close()
		written <- s.writeBatch(batch)
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

// TestNothingIsQueuedAfterTheEnd is about those who have got room already when the end comes: they give it back.
func TestNothingIsQueuedAfterTheEnd(t *testing.T) {
	bubble(t, WebsocketOptions{}, func(t *testing.T, f *fixture) {
		p := f.open(t)
		s := f.transport.snapshot()[0]
		stopped := new(stream)
		stopped.stopped.Store(true)
		if err := s.send(context.Background(), textFrame(stopped, "too late", nil, "")); err != errStreamOver {
			t.Errorf("a stream that the client has completed: got %v", err)
		}
		s.close(CloseForbidden, "Forbidden")
		if err := s.send(context.Background(), textFrame(nil, "too late", nil, "")); err != errStreamOver {
			t.Errorf("a socket that closes: got %v", err)
		}
		p.wantClose(4403, "Forbidden")
		if !s.room.TryAcquire(s.transport.options.MaxQueuedBytes) {
			t.Error("the room is not free again")
		}
	})
}
