package transport

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gorilla/websocket"

	"configapi/internal/budget"
)

// large is white space that makes a document large.
var large = strings.Repeat(" ", 2*maxKeptRequest)

func subscribeMessage(document string) string {
	return `{"id":"1","type":"subscribe","payload":{"query":"` + document + `"}}`
}

// TestLargeMessages: a large query takes room while it is worked on. A subscription must not be
// large, since it stays.
func TestLargeMessages(t *testing.T) {
	bubble(t, WebsocketOptions{}, func(t *testing.T, f *fixture) {
		bodies := f.transport.options.Room.opts.Bodies
		p := f.open(t)
		p.send(subscribeMessage("{wait" + large + "}"))
		gate := <-f.schema.waits
		if held := bodies.Held(); held < 2*maxKeptRequest {
			t.Errorf("%d bytes are held for a message of %d", held, 2*maxKeptRequest)
		}
		close(gate)
		p.wantLike(`"waited"`)
		p.wantLike(`"complete"`)
		p.send(subscribeMessage("subscription{ticks" + large + "}"))
		p.wantLike(`{"id":"1","type":"error","payload":[{"message":"` + subscriptionTooLarge + `","extensions":{"code":"LIMIT_EXCEEDED"}}]}`)
		synctest.Wait()
		if held := bodies.Held(); held != 0 {
			t.Errorf("%d bytes are held", held)
		}
		p.send(`{"id":"1","type":"nonsense"` + large + `}`)
		p.wantClose(CloseBadRequest, `Invalid message: unknown type "nonsense"`)
	})
}

// TestMessageTooBig closes the socket with a reason that says how much is allowed.
func TestMessageTooBig(t *testing.T) {
	bubble(t, WebsocketOptions{MaxMessageBytes: maxInitBytes + 10}, func(t *testing.T, f *fixture) {
		p := f.open(t)
		go p.send(subscribeMessage("{hello" + large + "}"))
		p.wantClose(websocket.CloseMessageTooBig, "a message must not be larger than 65546 bytes")
	})
	bubble(t, WebsocketOptions{}, func(t *testing.T, f *fixture) {
		p := f.dial(t, "Sec-WebSocket-Protocol: graphql-transport-ws")
		go p.send(`{"type":"connection_init","payload":{"token":"` + large + `"}}`)
		p.wantClose(websocket.CloseMessageTooBig, "a message before connection_ack must not be larger than 65536 bytes")
	})
}

func TestLargeSubscriptionOverSSE(t *testing.T) {
	server := newTestSchema().handler(NewSSE(SSEOptions{}))
	w := httptest.NewRecorder()
	server.ServeHTTP(w, streamRequest("/graphql", post("subscription{ticks"+large+"}")))
	if w.Code != http.StatusRequestEntityTooLarge || !strings.Contains(w.Body.String(), subscriptionTooLarge) {
		t.Errorf("got %d, %s", w.Code, w.Body)
	}
}

// TestNoRoomForAMessage closes the socket with the code that tells a client to come back later.
func TestNoRoomForAMessage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		room := NewRoom(RoomOptions{Bodies: budget.New(budget.Options{Bytes: mib})})
		others := room.opts.Bodies.Reservation()
		others.Force(mib)
		f := newFixture(WebsocketOptions{Room: room})
		p := f.open(t)
		began := time.Now()
		go p.send(subscribeMessage("{hello" + large + "}"))
		p.wantClose(websocket.CloseTryAgainLater, noRoomForMessage)
		if took := time.Since(began); took < 2*time.Second || took > 4*time.Second {
			t.Errorf("it took %v, want 2 s and the drain", took)
		}
		others.Release()
		synctest.Wait()
		f.wantNoSockets(t)
	})
}
