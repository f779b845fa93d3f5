package transport

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/99designs/gqlgen/graphql"

	"configapi/internal/budget"
	"configapi/internal/eventstream"
	"configapi/internal/slowtest"
)

const mib = 1 << 20

// fullRoom is a room of which others hold all.
func fullRoom(t *testing.T) (room *Room, leave func()) {
	t.Helper()
	answers := budget.New(budget.Options{Bytes: mib})
	others := answers.Reservation()
	if err := others.Grow(t.Context(), mib); err != nil {
		t.Fatal(err)
	}
	return NewRoom(RoomOptions{Answers: answers}), others.Release
}

// TestNoRoomForAnAnswer has operations over each transport while others hold all room: they are
// told after 2 s, before they execute.
func TestNoRoomForAnAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		room, leave := fullRoom(t)
		schema := newTestSchema()
		began := time.Now()
		server := schema.handler(NewSSE(SSEOptions{Room: room}), NewHTTP(HTTPOptions{Room: room}))
		for _, accept := range []string{"application/json", "application/graphql-response+json"} {
			w := httptest.NewRecorder()
			r := streamRequest("/graphql", post(`{panics}`), "Accept: "+accept)
			server.ServeHTTP(w, r)
			if w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" || !strings.Contains(w.Body.String(), `"code":"UNAVAILABLE"`) ||
				strings.Contains(w.Body.String(), `"data"`) {
				t.Errorf("%s: got %d, %v, %s", accept, w.Code, w.Header(), w.Body)
			}
		}
		l := listenTo(t, server, streamRequest("/graphql", post(`{panics}`)))
		l.want(t, events(`{"errors":[{"message":"the server has no room for another answer at the moment; try again","extensions":{"code":"UNAVAILABLE"}}]}`))
		if waited := time.Since(began); waited != 6*time.Second {
			t.Errorf("three operations waited %v, want 2 s each", waited)
		}
		leave()
		wantEmpty(t, room)
	})
}

func TestNoRoomOnASocket(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		room, leave := fullRoom(t)
		f := newFixture(WebsocketOptions{Room: room})
		p := f.open(t)
		p.send(`{"id":"1","type":"subscribe","payload":{"query":"{hello}"}}`)
		p.wantLike(`{"id":"1","type":"error","payload":[{"message":"the server has no room for another answer at the moment; try again","extensions":{"code":"UNAVAILABLE"}}]}`)
		leave()
		p.send(`{"id":"1","type":"subscribe","payload":{"query":"{hello}"}}`)
		p.wantLike(`"hello":`)
		if err := f.transport.Shutdown(t.Context()); err != nil {
			t.Error(err)
		}
		f.wantNoSockets(t)
	})
}

// TestAnswerTooLong: an answer beyond the limit is one error, over each transport.
func TestAnswerTooLong(t *testing.T) {
	room := NewRoom(RoomOptions{MaxAnswer: 1000})
	const refusal = `{"errors":[{"message":"the answer would be larger than 1000 bytes; ask for fewer items or fields at a time","extensions":{"code":"LIMIT_EXCEEDED"}}]}`
	server := newTestSchema().handler(NewSSE(SSEOptions{Room: room}), NewHTTP(HTTPOptions{Room: room}))
	for accept, want := range map[string]string{"application/json": refusal, "text/event-stream": events(refusal)} {
		w := httptest.NewRecorder()
		server.ServeHTTP(w, streamRequest("/graphql", post(`{big(bytes:1001)}`), "Accept: "+accept))
		if got := w.Body.String(); got != want || w.Code != http.StatusOK {
			t.Errorf("%s: got %d, %s, want %s", accept, w.Code, got, want)
		}
	}
	w := httptest.NewRecorder()
	server.ServeHTTP(w, streamRequest("/graphql", post(`{big(bytes:1001)}`), "Accept: application/graphql-response+json"))
	if w.Code != http.StatusBadRequest {
		t.Errorf("got %d", w.Code)
	}
	wantEmpty(t, room)
	bubble(t, WebsocketOptions{Room: NewRoom(RoomOptions{MaxAnswer: 1000})}, func(t *testing.T, f *fixture) {
		p := f.open(t)
		p.send(`{"id":"1","type":"subscribe","payload":{"query":"{big(bytes:1001)}"}}`)
		p.wantLike(`"type":"error"`)
	})
}

// TestLargeAnswerIsWhole: answers that are written in pieces, without a copy, have every byte.
func TestLargeAnswerIsWhole(t *testing.T) {
	room := NewRoom(RoomOptions{})
	server := httptest.NewServer(newTestSchema().handler(NewSSE(SSEOptions{Room: room}), NewHTTP(HTTPOptions{Room: room})))
	defer server.Close()
	for _, bytes := range []int{largeAnswer - 100, largeAnswer, largeAnswer + 1, 3 * mib} {
		w, err := http.Post(server.URL, "application/json", strings.NewReader(post(fmt.Sprintf(`{big(bytes:%d)}`, bytes))))
		if err != nil {
			t.Fatal(err)
		}
		read, err := io.ReadAll(w.Body)
		if err != nil {
			t.Error(err)
		}
		body := string(read)
		if want := `{"data":{"big":"` + strings.Repeat("x", bytes) + `"}}`; body != want || w.ContentLength != int64(len(want)) {
			t.Errorf("%d bytes: got %d, Content-Length %d", bytes, len(body), w.ContentLength)
		}
	}
	server.Close()
	wantEmpty(t, room)
}

// TestOperationTime: an operation ends after 10 s, over each transport.
func TestOperationTime(t *testing.T) {
	bubble(t, WebsocketOptions{}, func(t *testing.T, f *fixture) {
		began := time.Now()
		p := f.open(t)
		p.send(`{"id":"1","type":"subscribe","payload":{"query":"{wait}"}}`)
		p.wantLike(`"type"`)
		if took := time.Since(began); took != 10*time.Second {
			t.Errorf("it took %v", took)
		}
	})
}

// TestUnreadAnswersOfOneSocket: ten operations whose answers nobody reads hold no more than one
// connection may, and the rest of them get no room.
func TestUnreadAnswersOfOneSocket(t *testing.T) {
	slowtest.Only(t)
	bubble(t, WebsocketOptions{WriteTimeout: time.Minute, SilenceTimeout: time.Hour, PingInterval: time.Hour}, func(t *testing.T, f *fixture) {
		p := f.open(t)
		for i := range 10 {
			p.send(fmt.Sprintf(`{"id":"%d","type":"subscribe","payload":{"query":"{big(bytes:%d)}"}}`, i, 8*mib))
		}
		for range 30 {
			time.Sleep(time.Second)
			if held := f.transport.options.Room.opts.Answers.Held(); held > budget.ConnectionBytes+10*largeBytes {
				t.Fatalf("%d bytes are held", held)
			}
		}
	})
}

// TestSlowReaderIsCut: who takes nothing loses the connection when others need the room.
func TestSlowReaderIsCut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		room := NewRoom(RoomOptions{Answers: budget.New(budget.Options{Bytes: 5 * mib})})
		f := newFixture(WebsocketOptions{Room: room})
		p := f.open(t)
		p.send(fmt.Sprintf(`{"id":"1","type":"subscribe","payload":{"query":"{big(bytes:%d)}"}}`, 4*mib))
		time.Sleep(1500 * time.Millisecond)
		server := newTestSchema().handler(NewHTTP(HTTPOptions{Room: room}))
		a := newAnswer(t.Context(), room, room.opts.Answers)
		if err := a.Begin(); err != nil {
			t.Fatal(err)
		}
		if err := a.Count(t.Context(), 2*mib); err != nil {
			t.Errorf("the room of a slow reader was not freed: %v", err)
		}
		a.end()
		w := httptest.NewRecorder()
		server.ServeHTTP(w, streamRequest("/graphql", post(`{hello}`), "Accept: application/json"))
		if w.Code != http.StatusOK {
			t.Errorf("got %d", w.Code)
		}
		synctest.Wait()
		f.wantNoSockets(t)
	})
}

// TestFieldsThatWaitForRoom: many fields of one answer wait together, 2 s and not 2 s each, and the
// answer's time may end meanwhile.
func TestFieldsThatWaitForRoom(t *testing.T) {
	for _, limit := range []time.Duration{time.Hour, time.Second} {
		synctest.Test(t, func(t *testing.T) {
			room := NewRoom(RoomOptions{Answers: budget.New(budget.Options{Bytes: mib / 2}), OperationTime: limit})
			others := room.opts.Answers.Reservation()
			if err := others.Grow(t.Context(), mib/2-firstBytes); err != nil {
				t.Fatal(err)
			}
			a := newAnswer(t.Context(), room, room.opts.Answers)
			if err := a.Begin(); err != nil {
				t.Fatal(err)
			}
			began := time.Now()
			var fields sync.WaitGroup
			for range 8 {
				fields.Go(func() {
					if err := a.Count(context.WithValue(a, t, t), 20_000); err == nil {
						t.Error("there was room")
					}
				})
			}
			fields.Wait()
			if took := time.Since(began); took != min(limit, 2*time.Second) {
				t.Errorf("they waited %v", took)
			}
			a.end()
			others.Release()
			wantEmpty(t, room)
		})
	}
}

// TestPageBehindAWait: while a field of an answer waits for room, the page that another field has
// read waits in nobody's memory: it is dropped, and read again when there is room.
func TestPageBehindAWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		room := NewRoom(RoomOptions{Answers: budget.New(budget.Options{Bytes: mib})})
		others := room.opts.Answers.Reservation()
		if err := others.Grow(t.Context(), mib/2); err != nil {
			t.Fatal(err)
		}
		a := newAnswer(t.Context(), room, room.opts.Answers)
		if err := a.Begin(); err != nil {
			t.Fatal(err)
		}
		var fields sync.WaitGroup
		fields.Go(func() {
			if err := a.Count(a, mib*3/5); err != nil {
				t.Error(err)
			}
		})
		synctest.Wait()
		var reads atomic.Int32
		fields.Go(func() {
			read := func() (int64, error) { return 1000, nil }
			if _, err := ReadPage(a, PageBytes, read, func(n int64) int64 { reads.Add(1); return n }); err != nil {
				t.Error(err)
			}
		})
		synctest.Wait()
		others.Release()
		fields.Wait()
		if reads.Load() != 2 {
			t.Errorf("the page was read %d times: it was kept while there was no room", reads.Load())
		}
		a.end()
		wantEmpty(t, room)
	})
}

// TestStreamsOfAServer: beyond the limit a stream is refused over each transport, with a word.
func TestStreamsOfAServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		limit := eventstream.NewLimit(1, 0)
		room := NewRoom(RoomOptions{Limit: limit})
		f := newFixture(WebsocketOptions{Room: room})
		p := f.open(t)
		p.send(ticks)
		<-f.schema.began
		p.send(`{"id":"2","type":"subscribe","payload":{"query":"subscription{ticks}"}}`)
		p.wantLike(`{"id":"2","type":"error","payload":[{"message":"the server has as many streams as it may have; come back later","extensions":{"code":"UNAVAILABLE"}}]}`)
		sse := newTestSchema().handler(NewSSE(SSEOptions{Room: room}))
		w := httptest.NewRecorder()
		sse.ServeHTTP(w, streamRequest("/graphql", post(`subscription{ticks}`)))
		if w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" {
			t.Errorf("got %d, %v", w.Code, w.Header())
		}
		p.send(`{"id":"1","type":"complete"}`)
		<-f.schema.ended
		p.send(`{"id":"2","type":"subscribe","payload":{"query":"subscription{ticks}"}}`)
		<-f.schema.began
		if err := f.transport.Shutdown(t.Context()); err != nil {
			t.Error(err)
		}
		f.wantNoSockets(t)
		if n := limit.Count(); n != 0 {
			t.Errorf("%d streams are counted", n)
		}
	})
}

// TestBacklogHoldsItsRoom: what waits for a member that is joining is in memory until the member
// was told it, or has given up.
func TestBacklogHoldsItsRoom(t *testing.T) {
	streams := budget.New(budget.Options{Bytes: mib})
	made := func(order int64) *update {
		u := &update{body: []byte("body"), room: &lease{room: streams.Reservation()}}
		u.Place, u.First = logPlace(order), order
		u.room.room.Force(4)
		u.room.retain()
		return u
	}
	transport := NewWebsocket(WebsocketOptions{})
	m := &member{socket: &socket{transport: transport}, joining: true, place: logPlace(1)}
	for order := range int64(3) {
		u := made(order + 1)
		if !m.take(u) {
			t.Fatal("the member was left behind")
		}
		u.room.release() // as the group does when its round is over
	}
	if held := streams.Held(); held != 12 {
		t.Errorf("%d bytes are held, want those of three messages", held)
	}
	next, joined := m.nextOfBacklog()
	if next == nil || joined || next.First != 2 {
		t.Fatalf("got %+v, %v, want the message that the member does not know", next, joined)
	}
	if held := streams.Held(); held != 8 {
		t.Errorf("%d bytes are held, want those of two messages", held)
	}
	next.room.release()
	m.dropBacklog()
	if held := streams.Held(); held != 0 {
		t.Errorf("%d bytes are held in the end", held)
	}
}

// TestPumpHoldsNothingBetweenMessages: neither after a step that tells nothing, nor after a message
// that its reader has.
func TestPumpHoldsNothingBetweenMessages(t *testing.T) {
	room := NewRoom(RoomOptions{})
	steps := []Step{{Silent: true, Place: logPlace(1)}, {Place: logPlace(2), Bytes: 100}}
	p := newPump(t.Context(), nil, nil, room, nil)
	p.x = &execution{ctx: t.Context(), pull: func(context.Context, int64) (Step, error) {
		step := steps[0]
		steps = steps[1:]
		return step, nil
	}, responses: func(context.Context) *graphql.Response { return &graphql.Response{Data: []byte("{}")} }}
	if u, more, _ := p.next(0); !more || !u.Silent || room.opts.Streams.Held() != 0 {
		t.Errorf("got %+v; %d bytes are held", u, room.opts.Streams.Held())
	}
	u, more, _ := p.next(0)
	if !more || string(u.body) != `{"data":{}}` || room.opts.Streams.Held() != int64(cap(u.body)) {
		t.Errorf("got %s; %d bytes are held", u.body, room.opts.Streams.Held())
	}
	u.room.release()
	p.end()
	wantEmpty(t, room)
}
