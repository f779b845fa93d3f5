package transport

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"

	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/99designs/gqlgen/graphql"
)

func TestOperations(t *testing.T) {
	for _, row := range []struct {
		name, payload string
		want          []string
	}{
		{"query", `{"query":"{hello}"}`, []string{
			`{"id":"é\"1","type":"next","payload":{"data":{"hello":"hello world"}}}`, `{"id":"é\"1","type":"complete"}`}},
		{"mutation", `{"query":"mutation{change}"}`, []string{
			`{"id":"é\"1","type":"next","payload":{"data":{"change":"changed \u003cb\u003e"}}}`, `{"id":"é\"1","type":"complete"}`}},
		{"all members", `{"query":"query A($n:String){hello(name:$n)} query B{hello}","operationName":"A","variables":{"n":"you"},"extensions":{},"more":1}`, []string{
			`{"id":"é\"1","type":"next","payload":{"data":{"hello":"hello you"}}}`, `{"id":"é\"1","type":"complete"}`}},
		{"failed field", `{"query":"{fails}","operationName":null,"variables":null}`, []string{
			`{"id":"é\"1","type":"next","payload":{"errors":[{"message":"it failed"}],"data":{"fails":null}}}`, `{"id":"é\"1","type":"complete"}`}},
		{"syntax error", `{"query":"{"}`, []string{`"code":"GRAPHQL_PARSE_FAILED"`}},
		{"blank document", `{"query":" "}`, []string{`"code":"GRAPHQL_VALIDATION_FAILED"`}},
		{"unknown field", `{"query":"subscription{nonsense}"}`, []string{`"code":"GRAPHQL_VALIDATION_FAILED"`}},
		{"unknown operation name", `{"query":"query A{hello} query B{hello}"}`, []string{`say which one`}},
		{"wrong variable", `{"query":"query($n:String!){hello(name:$n)}","variables":{"n":1}}`, []string{`"code":"GRAPHQL_VALIDATION_FAILED"`}},
		{"refused by the resolver", `{"query":"subscription{refused}"}`, []string{`"payload":[{"message":"no such stream"}]`}},
		{"panic", `{"query":"{panics}"}`, []string{`"payload":[{"message":"it panicked","extensions":{"code":"INTERNAL"}}]`}},
	} {
		t.Run(row.name, func(t *testing.T) {
			bubble(t, WebsocketOptions{}, func(t *testing.T, f *fixture) {
				p := f.open(t)
				p.send(`{"id":"\u00e9\"1","type":"subscribe","payload":` + row.payload + `}`)
				if len(row.want) > 1 {
					p.want(row.want[0])
					p.want(row.want[1])
				} else {
					p.wantLike(`{"id":"é\"1","type":"error","payload":[`, row.want[0])
				}
			})
		})
	}
}

func TestSubscription(t *testing.T) {
	for _, row := range []struct {
		name, field string
		end         func(s *testSchema)
		want        string
	}{
		{"ends with an error", "fails", func(s *testSchema) { s.fail <- errors.New("lost") }, `{"id":"1","type":"error","payload":[{"message":"lost"}]}`},
		{"ends with a GraphQL error", "fails", func(s *testSchema) { s.fail <- newError("POSITION_UNKNOWN", "never heard of it") },
			`{"id":"1","type":"error","payload":[{"message":"never heard of it","extensions":{"code":"POSITION_UNKNOWN"}}]}`},
		{"panics", "panics", func(s *testSchema) { s.events <- "x" }, `{"id":"1","type":"error","payload":[{"message":"it panicked","extensions":{"code":"INTERNAL"}}]}`},
	} {
		t.Run(row.name, func(t *testing.T) {
			bubble(t, WebsocketOptions{}, func(t *testing.T, f *fixture) {
				p := f.open(t)
				p.send(`{"id":"1","type":"subscribe","payload":{"query":"subscription{a:` + row.field + `}"}}`)
				if row.field != "panics" {
					f.schema.events <- "one"
					p.want(`{"id":"1","type":"next","payload":{"data":{"a":"one"}}}`)
					f.schema.events <- "two"
					p.want(`{"id":"1","type":"next","payload":{"data":{"a":"two"}}}`)
				}
				row.end(f.schema)
				p.want(row.want)
				<-f.schema.ended
				p.send(`{"type":"ping"}`)
				p.want(`{"type":"pong"}`)
			})
		})
	}
}

func TestFailStreamOutsideOfAStream(t *testing.T) {
	FailStream(t.Context(), gqlerror.Errorf("nobody hears it")) // must not panic
}

func TestFirstFailureCounts(t *testing.T) {
	bubble(t, WebsocketOptions{}, func(t *testing.T, f *fixture) {
		first := errors.New("first")
		f.schema.onContext(func(ctx context.Context) { FailStream(ctx, first); FailStream(ctx, errors.New("second")) })
		p := f.open(t)
		p.send(ticks)
		<-f.schema.began
		close(f.schema.events)
		p.wantLike(`"message":"first"`)
	})
}

// TestForgetLeavesTheIDToItsNextOwner is about a writer that sends the last frame while the client completes the stream.
func TestForgetLeavesTheIDToItsNextOwner(t *testing.T) {
	next := &stream{id: "1"}
	s := &socket{transport: NewWebsocket(WebsocketOptions{}), streams: map[string]*stream{"1": next}}
	s.forget(&stream{id: "1"})
	if s.streams["1"] != next {
		t.Error("the next owner has lost its id")
	}
	s.forget(next)
	if len(s.streams) != 0 {
		t.Error("the id is not free")
	}
}

func TestStreamLimit(t *testing.T) {
	bubble(t, WebsocketOptions{MaxStreams: 1}, func(t *testing.T, f *fixture) {
		p := f.open(t)
		p.send(ticks)
		p.send(`{"id":"2","type":"subscribe","payload":{"query":"subscription{ticks}"}}`)
		p.want(`{"id":"2","type":"error","payload":[{"message":"one socket can have 1 streams at a time","extensions":{"code":"LIMIT_EXCEEDED"}}]}`)
	})
}

// TestSubscribeAndCompleteInTurns is the attack that HTTP/2 knows as rapid reset: the id is free at once, the work is not over.
func TestSubscribeAndCompleteInTurns(t *testing.T) {
	bubble(t, WebsocketOptions{MaxStreams: 3}, func(t *testing.T, f *fixture) {
		f.schema.stubborn = true
		p := f.open(t)
		const query = `{"id":"1","type":"subscribe","payload":{"query":"{wait}"}}`
		var gates []chan struct{}
		for range 6 { // twice the limit
			p.send(query)
			gates = append(gates, <-f.schema.waits)
			p.send(`{"id":"1","type":"complete"}`)
		}
		p.send(query)
		synctest.Wait()
		if len(f.schema.waits) != 0 {
			t.Error("a seventh resolver runs, want 6 at most")
		}
		close(gates[0])
		gates[0] = <-f.schema.waits
		for _, gate := range gates {
			close(gate)
		}
		p.wantLike(`"type":"next"`)
		p.wantLike(`"type":"complete"`)
	})
}

func TestSocketClosesWhileItsReaderWaitsForASlot(t *testing.T) {
	bubble(t, WebsocketOptions{MaxStreams: 1}, func(t *testing.T, f *fixture) {
		f.schema.stubborn = true
		p := f.open(t)
		var gates []chan struct{}
		for range 2 {
			p.send(`{"id":"1","type":"subscribe","payload":{"query":"{wait}"}}`)
			gates = append(gates, <-f.schema.waits)
			p.send(`{"id":"1","type":"complete"}`)
		}
		p.send(`{"id":"1","type":"subscribe","payload":{"query":"{wait}"}}`)
		synctest.Wait()
		f.transport.CloseAll(4499, "enough")
		p.wantClose(4499, "enough") // the stubborn resolvers do not hold up the end of the connection
		for _, gate := range gates {
			close(gate)
		}
		synctest.Wait()
		if len(f.schema.waits) != 0 {
			t.Error("an operation began after the end")
		}
	})
}

func TestDeferIsRefusedOnSockets(t *testing.T) {
	bubble(t, WebsocketOptions{}, func(t *testing.T, f *fixture) {
		next := true
		f.handler.Use(responseOf{&graphql.Response{Data: []byte("{}"), HasNext: &next}})
		p := f.open(t)
		p.send(`{"id":"1","type":"subscribe","payload":{"query":"{hello}"}}`)
		p.wantLike(`{"id":"1","type":"error","payload":[{"message":"@defer is not supported`, CodeInvalidInput)
	})
}
