package gqlws

import (
	"errors"
	"testing"

	"github.com/99designs/gqlgen/graphql"

	"configapi/graph/transport/gqlmsg"
	"configapi/graph/transport/transporttest"
	"configapi/internal/fault"
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
			bubble(t, Options{}, func(t *testing.T, f *fixture) {
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
		end         func(s *transporttest.Schema)
		want        string
	}{
		{"ends with an error", "fails", func(s *transporttest.Schema) { s.Fail <- errors.New("lost") }, `{"id":"1","type":"error","payload":[{"message":"lost"}]}`},
		{"ends with a GraphQL error", "fails", func(s *transporttest.Schema) { s.Fail <- gqlmsg.NewError(fault.PositionUnknown, "never heard of it") },
			`{"id":"1","type":"error","payload":[{"message":"never heard of it","extensions":{"code":"POSITION_UNKNOWN"}}]}`},
		{"panics", "panics", func(s *transporttest.Schema) { s.Events <- "x" }, `{"id":"1","type":"error","payload":[{"message":"it panicked","extensions":{"code":"INTERNAL"}}]}`},
	} {
		t.Run(row.name, func(t *testing.T) {
			bubble(t, Options{}, func(t *testing.T, f *fixture) {
				p := f.open(t)
				p.send(`{"id":"1","type":"subscribe","payload":{"query":"subscription{a:` + row.field + `}"}}`)
				if row.field != "panics" {
					f.schema.Events <- "one"
					p.want(`{"id":"1","type":"next","payload":{"data":{"a":"one"}}}`)
					f.schema.Events <- "two"
					p.want(`{"id":"1","type":"next","payload":{"data":{"a":"two"}}}`)
				}
				row.end(f.schema)
				p.want(row.want)
				<-f.schema.Ended
				p.send(`{"type":"ping"}`)
				p.want(`{"type":"pong"}`)
			})
		})
	}
}

func TestDeferIsRefusedOnSockets(t *testing.T) {
	bubble(t, Options{}, func(t *testing.T, f *fixture) {
		next := true
		f.handler.Use(transporttest.ResponseOf{Response: &graphql.Response{Data: []byte("{}"), HasNext: &next}})
		p := f.open(t)
		p.send(`{"id":"1","type":"subscribe","payload":{"query":"{hello}"}}`)
		p.wantLike(`{"id":"1","type":"error","payload":[{"message":"@defer is not supported`, "INVALID_INPUT")
	})
}
