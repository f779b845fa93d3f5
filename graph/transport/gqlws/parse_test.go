package gqlws

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gorilla/websocket"

	"configapi/graph/transport/bounds"
	"configapi/graph/transport/transporttest"
	"configapi/internal/budget"
)

// large is white space that makes a document large.
var large = strings.Repeat(" ", 2*bounds.MaxSubscriptionBytes)

func subscribeMessage(document string) string {
	return `{"id":"1","type":"subscribe","payload":{"query":"` + document + `"}}`
}

// TestLargeMessages: a large query reserves memory while it is worked on. A subscription must not
// be large, since it stays in memory.
func TestLargeMessages(t *testing.T) {
	bubble(t, Options{}, func(t *testing.T, f *fixture) {
		bodies := f.transport.options.Budgets.Bodies
		p := f.open(t)
		p.send(subscribeMessage("{wait" + large + "}"))
		gate := <-f.schema.Waits
		if held := bodies.Held(); held < 2*bounds.MaxSubscriptionBytes {
			t.Errorf("%d bytes are held for a message of %d", held, 2*bounds.MaxSubscriptionBytes)
		}
		close(gate)
		p.wantLike(`"waited"`)
		p.wantLike(`"complete"`)
		p.send(subscribeMessage("subscription{ticks" + large + "}"))
		p.wantLike(`{"id":"1","type":"error","payload":[{"message":"` + bounds.SubscriptionTooLarge + `","extensions":{"code":"LIMIT_EXCEEDED"}}]}`)
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
	bubble(t, Options{rules: rules{maxMessageBytes: maxInitBytes + 10}}, func(t *testing.T, f *fixture) {
		p := f.open(t)
		go p.send(subscribeMessage("{hello" + large + "}"))
		p.wantClose(websocket.CloseMessageTooBig, "a message must not be larger than 65546 bytes")
	})
	bubble(t, Options{}, func(t *testing.T, f *fixture) {
		p := f.dial(t, "Sec-WebSocket-Protocol: graphql-transport-ws")
		go p.send(`{"type":"connection_init","payload":{"token":"` + large + `"}}`)
		p.wantClose(websocket.CloseMessageTooBig, "a message before connection_ack must not be larger than 65536 bytes")
	})
}

// TestNoMemoryForAMessage closes the socket with the code that asks a client to reconnect later.
func TestNoMemoryForAMessage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		budgets := bounds.NewBudgets(bounds.Options{Bodies: budget.New(budget.Options{Bytes: transporttest.MiB})})
		others := budgets.Bodies.Reservation()
		others.Force(transporttest.MiB)
		f := newFixture(Options{Budgets: budgets})
		p := f.open(t)
		began := time.Now()
		go p.send(subscribeMessage("{hello" + large + "}"))
		p.wantClose(websocket.CloseTryAgainLater, noMemoryForMessage)
		if took := time.Since(began); took < 2*time.Second || took > 4*time.Second {
			t.Errorf("it took %v, want 2 s and the drain", took)
		}
		others.Release()
		synctest.Wait()
		f.wantNoSockets(t)
	})
}

// TestManyMembersAreNotKept sends a message that is wrong within its payload alone, with ever more
// members that nobody knows: none is remembered beyond the 64th.
func TestManyMembersAreNotKept(t *testing.T) {
	message := func(members int) []byte {
		text := `{"id":"1","type":"subscribe","payload":{"query":"\ud83d"}`
		for i := range members - 3 {
			text += fmt.Sprintf(`,"m%d":0`, i)
		}
		return []byte(text + "}")
	}
	if m, refused := parseMessage(message(maxMembers)); refused != nil || m.unreadable == nil {
		t.Errorf("%d members: got %v, %v", maxMembers, m.unreadable, refused)
	}
	if _, refused := parseMessage(message(maxMembers + 1)); refused == nil || refused.Code != CloseBadRequest {
		t.Errorf("%d members: got %v", maxMembers+1, refused)
	}
}
