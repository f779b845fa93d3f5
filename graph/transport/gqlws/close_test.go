package gqlws

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"configapi/graph/transport/fanout"
	"configapi/internal/eventstream"
)

func TestShutdown(t *testing.T) {
	bubble(t, Options{}, func(t *testing.T, f *fixture) {
		fresh, busy := f.dial(t, offer), f.open(t)
		busy.send(ticks)
		<-f.schema.Began
		for i := range 3 {
			f.schema.Events <- fmt.Sprint(i)
			synctest.Wait()
		}
		down := make(chan error)
		go func() { down <- f.transport.Shutdown(context.Background()) }()
		synctest.Wait()
		w := httptest.NewRecorder()
		f.handler.ServeHTTP(w, handshakeRequest(offer))
		if w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" || !strings.Contains(w.Body.String(), "UNAVAILABLE") {
			t.Errorf("got %d %v %s, want 503", w.Code, w.Header(), w.Body)
		}
		for i := range 3 { // what was queued comes first
			busy.wantLike(fmt.Sprintf(`"ticks":"%d"`, i))
		}
		busy.wantClose(1012, "shutting down")
		fresh.wantClose(1012, "shutting down")
		if err := <-down; err != nil {
			t.Error(err)
		}
		f.wantNoSockets(t)
	})
}

func TestShutdownCutsStalledPeersWhenTimeIsUp(t *testing.T) {
	bubble(t, Options{}, func(t *testing.T, f *fixture) {
		p := f.open(t)
		p.send(ticks)
		<-f.schema.Began
		f.schema.Events <- "nobody reads this"
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		start := time.Now()
		if err := f.transport.Shutdown(ctx); !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "1 were cut") {
			t.Errorf("got %v, want a deadline exceeded", err)
		}
		if took := time.Since(start); took != 3*time.Second {
			t.Errorf("took %v, want 3 s", took)
		}
		f.wantNoSockets(t)
	})
}

func TestShutdownDuringAnUpgrade(t *testing.T) {
	bubble(t, Options{}, func(t *testing.T, f *fixture) {
		if !f.transport.enter() {
			t.Fatal("the transport is stopping already")
		}
		down := make(chan error, 1)
		go func() { down <- f.transport.Shutdown(context.Background()) }()
		synctest.Wait()
		if len(down) != 0 {
			t.Error("Shutdown did not wait for the upgrade")
		}
		f.transport.leave(nil)
		if err := <-down; err != nil {
			t.Error(err)
		}
	})
}

// TestSocketThatOpensAfterShutdownClosedTheOthers: its upgrade was under way.
func TestSocketThatOpensAfterShutdownClosedTheOthers(t *testing.T) {
	bubble(t, Options{}, func(t *testing.T, f *fixture) {
		client, server := net.Pipe()
		r := handshakeRequest(offer)
		w := &hijackable{ResponseWriter: httptest.NewRecorder(), conn: server}
		go f.handler.ServeHTTP(w, r)
		synctest.Wait() // the answer to the handshake is being written
		down := make(chan error)
		go func() { down <- f.transport.Shutdown(context.Background()) }()
		synctest.Wait()
		newPeer(t, client).wantClose(1012, "shutting down")
		if err := <-down; err != nil {
			t.Error(err)
		}
	})
}

func TestCloseAll(t *testing.T) {
	bubble(t, Options{}, func(t *testing.T, f *fixture) {
		p := f.open(t)
		p.send(ticks)
		<-f.schema.Began
		f.transport.CloseAll(4499, strings.Repeat("é", 200))
		p.wantClose(4499, strings.Repeat("é", 61))
		<-f.schema.Ended
		f.open(t) // new sockets are welcome
	})
}

// TestDrain: what the peer sends after the close frame is taken for a second, and no longer.
func TestDrain(t *testing.T) {
	for name, bad := range map[string]string{"by us": maskedFrame(finalBit|opText, "junk"), "by gorilla": maskedFrame(finalBit|3, "")} {
		t.Run(name, func(t *testing.T) {
			bubble(t, Options{}, func(t *testing.T, f *fixture) {
				p := f.open(t)
				p.sendRaw(bad)
				if opcode, _, err := p.receive(); opcode != opClose || err != nil {
					t.Fatalf("got opcode %d, %v; want close", opcode, err)
				}
				start := time.Now()
				for {
					if _, err := io.WriteString(p.conn, maskedFrame(finalBit|opText, `{"type":"ping"}`)); err != nil {
						break
					}
					time.Sleep(100 * time.Millisecond)
				}
				if took := time.Since(start); took < 900*time.Millisecond || took > 1100*time.Millisecond {
					t.Errorf("drained for %v, want 1 s", took)
				}
			})
		})
	}
}

func TestNothingIsDoneWhileDraining(t *testing.T) {
	hear := func(ctx context.Context, _ eventstream.Client, _ map[string]any) (fanout.Rights, error) {
		t.Error("a socket that closes was initialised")
		return fanout.Rights{Context: ctx}, nil
	}
	bubble(t, Options{Init: hear}, func(t *testing.T, f *fixture) {
		p := f.dial(t, offer)
		synctest.Wait() // the socket is open
		f.transport.CloseAll(4499, "enough")
		go p.send(initMessage)
		p.wantClose(4499, "enough")
	})
}

func TestDrainEndsWithThePeersAnswer(t *testing.T) {
	bubble(t, Options{}, func(t *testing.T, f *fixture) {
		p := f.open(t)
		f.transport.CloseAll(4499, "enough")
		opcode, payload, err := p.receive()
		if opcode != opClose || err != nil {
			t.Fatalf("got opcode %d, %v; want close", opcode, err)
		}
		start := time.Now()
		p.sendFrame(opClose, payload)
		p.wantEnd()
		f.wantNoSockets(t)
		if took := time.Since(start); took != 0 {
			t.Errorf("took %v, want the end at once", took)
		}
	})
}
