package gqlws

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"configapi/graph/transport/bounds"
	"configapi/graph/transport/gqlhttp"
	"configapi/graph/transport/gqlsse"
	"configapi/graph/transport/transporttest"
	"configapi/internal/budget"
	"configapi/internal/eventstream"
	"configapi/internal/slowtest"
)

func TestNoMemoryOnASocket(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		budgets, leave := transporttest.FullBudgets(t)
		f := newFixture(Options{Budgets: budgets})
		p := f.open(t)
		p.send(`{"id":"1","type":"subscribe","payload":{"query":"{hello}"}}`)
		p.wantLike(`{"id":"1","type":"error","payload":[{"message":"the server has no memory for another answer at the moment; try again","extensions":{"code":"UNAVAILABLE"}}]}`)
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
	budgets := bounds.NewBudgets(bounds.Options{MaxAnswer: 1000})
	const refusal = `{"errors":[{"message":"the answer would be larger than 1000 bytes; ask for fewer items or fields at a time","extensions":{"code":"LIMIT_EXCEEDED"}}]}`
	server := transporttest.NewSchema().Handler(gqlsse.New(gqlsse.Options{Budgets: budgets}), gqlhttp.New(gqlhttp.Options{Budgets: budgets}))
	for accept, want := range map[string]string{"application/json": refusal, "text/event-stream": transporttest.EventStream(refusal)} {
		w := httptest.NewRecorder()
		server.ServeHTTP(w, transporttest.StreamRequest("/graphql", transporttest.Post(`{big(bytes:1001)}`), "Accept: "+accept))
		if got := w.Body.String(); got != want || w.Code != http.StatusOK {
			t.Errorf("%s: got %d, %s, want %s", accept, w.Code, got, want)
		}
	}
	w := httptest.NewRecorder()
	server.ServeHTTP(w, transporttest.StreamRequest("/graphql", transporttest.Post(`{big(bytes:1001)}`), "Accept: application/graphql-response+json"))
	if w.Code != http.StatusBadRequest {
		t.Errorf("got %d", w.Code)
	}
	transporttest.WantEmpty(t, budgets)
	bubble(t, Options{Budgets: bounds.NewBudgets(bounds.Options{MaxAnswer: 1000})}, func(t *testing.T, f *fixture) {
		p := f.open(t)
		p.send(`{"id":"1","type":"subscribe","payload":{"query":"{big(bytes:1001)}"}}`)
		p.wantLike(`"type":"error"`)
	})
}

// TestOperationTime: an operation ends after 10 s, over each transport.
func TestOperationTime(t *testing.T) {
	bubble(t, Options{}, func(t *testing.T, f *fixture) {
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
// connection may, and the rest of them are refused.
func TestUnreadAnswersOfOneSocket(t *testing.T) {
	slowtest.Only(t)
	bubble(t, Options{rules: rules{writeTimeout: time.Minute, silenceTimeout: time.Hour, pingInterval: time.Hour}}, func(t *testing.T, f *fixture) {
		p := f.open(t)
		for i := range 10 {
			p.send(fmt.Sprintf(`{"id":"%d","type":"subscribe","payload":{"query":"{big(bytes:%d)}"}}`, i, 8*transporttest.MiB))
		}
		for range 30 {
			time.Sleep(time.Second)
			if held := f.transport.options.Budgets.Answers.Held(); held > budget.ConnectionBytes+10*transporttest.MiB {
				t.Fatalf("%d bytes are held", held)
			}
		}
	})
}

// TestSlowReaderIsCut: a client that takes nothing loses its connection when others need the
// memory.
func TestSlowReaderIsCut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		budgets := bounds.NewBudgets(bounds.Options{Answers: budget.New(budget.Options{Bytes: 5 * transporttest.MiB})})
		f := newFixture(Options{Budgets: budgets})
		p := f.open(t)
		p.send(fmt.Sprintf(`{"id":"1","type":"subscribe","payload":{"query":"{big(bytes:%d)}"}}`, 4*transporttest.MiB))
		time.Sleep(1500 * time.Millisecond)
		server := transporttest.NewSchema().Handler(gqlhttp.New(gqlhttp.Options{Budgets: budgets}))
		a := bounds.NewAnswer(t.Context(), budgets, budgets.Answers)
		if err := a.Begin(); err != nil {
			t.Fatal(err)
		}
		if err := a.Count(t.Context(), 2*transporttest.MiB); err != nil {
			t.Errorf("the memory of a slow reader was not freed: %v", err)
		}
		a.End()
		w := httptest.NewRecorder()
		server.ServeHTTP(w, transporttest.StreamRequest("/graphql", transporttest.Post(`{hello}`), "Accept: application/json"))
		if w.Code != http.StatusOK {
			t.Errorf("got %d", w.Code)
		}
		synctest.Wait()
		f.wantNoSockets(t)
	})
}

// TestStreamsOfAServer: beyond the limit a stream is refused over each transport, with a reason.
func TestStreamsOfAServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		limit := eventstream.NewLimit(1, 0)
		budgets := bounds.NewBudgets(bounds.Options{Limit: limit})
		f := newFixture(Options{Budgets: budgets})
		p := f.open(t)
		p.send(ticks)
		<-f.schema.Began
		p.send(`{"id":"2","type":"subscribe","payload":{"query":"subscription{ticks}"}}`)
		p.wantLike(`{"id":"2","type":"error","payload":[{"message":"the server has as many streams as it may have; come back later","extensions":{"code":"UNAVAILABLE"}}]}`)
		sse := transporttest.NewSchema().Handler(gqlsse.New(gqlsse.Options{Budgets: budgets}))
		w := httptest.NewRecorder()
		sse.ServeHTTP(w, transporttest.StreamRequest("/graphql", transporttest.Post(`subscription{ticks}`)))
		if w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" {
			t.Errorf("got %d, %v", w.Code, w.Header())
		}
		p.send(`{"id":"1","type":"complete"}`)
		<-f.schema.Ended
		p.send(`{"id":"2","type":"subscribe","payload":{"query":"subscription{ticks}"}}`)
		<-f.schema.Began
		if err := f.transport.Shutdown(t.Context()); err != nil {
			t.Error(err)
		}
		f.wantNoSockets(t)
		if n := limit.Count(); n != 0 {
			t.Errorf("%d streams are counted", n)
		}
	})
}

const noMemoryForSubscription = "the server has no memory left for further subscriptions of this size; make its document and its variables shorter, or try again later"

// longLog is a subscription with so many bytes of comment, which is refused without memory for it.
func longLog(id string, bytes int) string {
	document := logDocument + "#" + id + strings.Repeat("x", bytes)
	return `{"id":"` + id + `","type":"subscribe","payload":{"query":"` + document + `"}}`
}

// TestSubscriptionsRetainMemory: a subscription holds memory while it lasts. When there is none,
// the client gets an error on its id.
func TestSubscriptionsRetainMemory(t *testing.T) {
	options := shared
	options.Budgets = bounds.NewBudgets(bounds.Options{Subscriptions: budget.New(budget.Options{Bytes: 100 << 10})})
	bubble(t, options, func(t *testing.T, f *fixture) {
		kept := options.Budgets.Subscriptions
		p := f.open(t)
		p.send(longLog("a", 30<<10))
		p.wantLog("a", "")
		if held := kept.Held(); held < 60<<10 {
			t.Errorf("%d bytes are held for a text and what it parses to", held)
		}
		p.send(longLog("b", 30<<10))
		p.wantLike(`{"id":"b","type":"error","payload":[{"message":"` + noMemoryForSubscription + `","extensions":{"code":"UNAVAILABLE"}}]}`)
		sse := transporttest.NewSchema().Handler(gqlsse.New(gqlsse.Options{Budgets: options.Budgets}))
		w := httptest.NewRecorder()
		sse.ServeHTTP(w, transporttest.StreamRequest("/graphql", transporttest.Post("subscription{ticks}#"+strings.Repeat("x", 30<<10))))
		if w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" || !strings.Contains(w.Body.String(), noMemoryForSubscription) {
			t.Errorf("got %d, %v, %s", w.Code, w.Header(), w.Body)
		}
		p.watch("c", `{}`, "")
		f.schema.Log.Add("one")
		f.wantGroups(t, 1, 1)
		p.send(`{"id":"a","type":"complete"}`)
		p.send(`{"id":"c","type":"complete"}`)
		synctest.Wait()
		if held := kept.Held(); held != 0 {
			t.Errorf("%d bytes are held when all have completed", held)
		}
	})
}

// TestEqualSubscriptionsRetainTheirMemoryOnce: subscriptions of a group are counted once, whichever
// ends first; so are equal documents, which the cache shares.
func TestEqualSubscriptionsRetainTheirMemoryOnce(t *testing.T) {
	options := shared
	options.Budgets = bounds.NewBudgets(bounds.Options{})
	bubble(t, options, func(t *testing.T, f *fixture) {
		kept := options.Budgets.Subscriptions
		p := f.open(t)
		p.watch("0", `{"tag":"t"}`, "")
		f.wantGroups(t, 1)
		one := kept.Held()
		for i := 1; i < 5; i++ {
			p.watch(fmt.Sprint(i), `{"tag":"t"}`, "")
		}
		f.wantGroups(t, 5)
		if held := kept.Held(); held != one || one == 0 {
			t.Errorf("%d bytes are held for 5, %d for one", held, one)
		}
		p.send(`{"id":"0","type":"complete"}`)
		f.wantGroups(t, 4)
		if held := kept.Held(); held != one {
			t.Errorf("%d bytes are held without the first, want %d", held, one)
		}
		p.watch("other", `{"tag":"u"}`, "")
		if held := kept.Held(); held <= one || held >= 2*one {
			t.Errorf("%d bytes are held for two groups of one document, %d for one", held, one)
		}
	})
}
