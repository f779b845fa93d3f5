package transport

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"

	"configapi/internal/budget"
)

// longLog is a subscription with so many bytes of comment, which is refused without room for it.
func longLog(id string, bytes int) string {
	document := logDocument + "#" + id + strings.Repeat("x", bytes)
	return `{"id":"` + id + `","type":"subscribe","payload":{"query":"` + document + `"}}`
}

// TestSubscriptionsKeepRoom for as long as they last. Who finds none is told so on its id.
func TestSubscriptionsKeepRoom(t *testing.T) {
	options := shared
	options.Room = NewRoom(RoomOptions{Subscriptions: budget.New(budget.Options{Bytes: 100 << 10})})
	bubble(t, options, func(t *testing.T, f *fixture) {
		room := options.Room.opts.Subscriptions
		p := f.open(t)
		p.send(longLog("a", 30<<10))
		p.wantLog("a", "")
		if held := room.Held(); held < 60<<10 {
			t.Errorf("%d bytes are held for a text and what it parses to", held)
		}
		p.send(longLog("b", 30<<10))
		p.wantLike(`{"id":"b","type":"error","payload":[{"message":"` + noRoomForSubscription + `","extensions":{"code":"UNAVAILABLE"}}]}`)
		sse := newTestSchema().handler(NewSSE(SSEOptions{Room: options.Room}))
		w := httptest.NewRecorder()
		sse.ServeHTTP(w, streamRequest("/graphql", post("subscription{ticks}#"+strings.Repeat("x", 30<<10))))
		if w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" || !strings.Contains(w.Body.String(), noRoomForSubscription) {
			t.Errorf("got %d, %v, %s", w.Code, w.Header(), w.Body)
		}
		p.watch("c", `{}`, "")
		f.schema.log.add("one")
		f.wantGroups(t, 1, 1)
		p.send(`{"id":"a","type":"complete"}`)
		p.send(`{"id":"c","type":"complete"}`)
		synctest.Wait()
		if held := room.Held(); held != 0 {
			t.Errorf("%d bytes are held when all have completed", held)
		}
	})
}

// TestEqualSubscriptionsKeepOneRoom when they are in a group, whoever of them ends first, and equal
// documents that the cache shares are counted once.
func TestEqualSubscriptionsKeepOneRoom(t *testing.T) {
	options := shared
	options.Room = NewRoom(RoomOptions{})
	bubble(t, options, func(t *testing.T, f *fixture) {
		room := options.Room.opts.Subscriptions
		p := f.open(t)
		p.watch("0", `{"tag":"t"}`, "")
		f.wantGroups(t, 1)
		one := room.Held()
		for i := 1; i < 5; i++ {
			p.watch(fmt.Sprint(i), `{"tag":"t"}`, "")
		}
		f.wantGroups(t, 5)
		if held := room.Held(); held != one || one == 0 {
			t.Errorf("%d bytes are held for 5, %d for one", held, one)
		}
		p.send(`{"id":"0","type":"complete"}`)
		f.wantGroups(t, 4)
		if held := room.Held(); held != one {
			t.Errorf("%d bytes are held without the first, want %d", held, one)
		}
		p.watch("other", `{"tag":"u"}`, "")
		if held := room.Held(); held <= one || held >= 2*one {
			t.Errorf("%d bytes are held for two groups of one document, %d for one", held, one)
		}
	})
}

func TestCountNames(t *testing.T) {
	for document, want := range map[string]int{
		"": 0, "{a b c}": 3, "{a:b_1(c:$d,e:12)}": 6, "{a#b c\nd}": 2, "{a}#b c": 1, "#a": 0, "é": 0,
	} {
		if got := countNames(document); got != want {
			t.Errorf("%q: got %d names, want %d", document, got, want)
		}
	}
}
