package transport

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/handler"
	"github.com/99designs/gqlgen/graphql/handler/lru"
	gqlgen "github.com/99designs/gqlgen/graphql/handler/transport"
)

var testSource = &ast.Source{Name: "test.graphql", Input: `
	type Query { hello(name: String = "world"): String  echo(int: Int, float: Float, text: String, ints: [Int!]): String  big(bytes: Int!): String  fails: String  panics: String  wait: String }
	type Mutation { change: String }
	type Subscription {
		ticks: String  fails: String  panics: String  refused: String  log(after: Int, tag: String): String
		clock(milliseconds: Int = 1000, until: Int, fails: Boolean): String
	}
`}

// testSchema stands in for generated code: it executes root fields alone, and handles memory, errors and contexts as generated code does.
// Its events are the test's to send.
type testSchema struct {
	schema *ast.Schema
	events chan string        // what ticks gives; closed: it ends
	fail   chan error         // what fails ends with
	began  chan struct{}      // a receive per subscription that began
	ended  chan struct{}      // a receive per subscription whose context ended
	waits  chan chan struct{} // a receive per "wait", to be closed to let it go on

	log      testLog                   // what the field of that name gives, by a source
	stubborn bool                      // "wait" does not look at its context
	hear     func(ctx context.Context) // gets the context of each execution
}

// onContext sets what gets the context of each execution.
func (s *testSchema) onContext(hear func(ctx context.Context)) { s.hear = hear }

func newTestSchema() *testSchema {
	return &testSchema{
		schema: gqlparser.MustLoadSchema(testSource),
		events: make(chan string),
		fail:   make(chan error, 1),
		began:  make(chan struct{}, 1000),
		ended:  make(chan struct{}, 1000),
		waits:  make(chan chan struct{}, 1000),
	}
}

func (s *testSchema) handler(transports ...graphql.Transport) *handler.Server {
	server := handler.New(s)
	server.SetQueryCache(lru.New[*ast.QueryDocument](100))
	server.SetRecoverFunc(func(context.Context, any) error { return gqlerror.Errorf("it panicked") })
	for _, transport := range transports {
		server.AddTransport(transport)
	}
	return server
}

func (s *testSchema) Schema() *ast.Schema { return s.schema }

func (s *testSchema) Complexity(context.Context, string, string, int, map[string]any) (int, bool) {
	return 0, false
}

func (s *testSchema) Exec(ctx context.Context) graphql.ResponseHandler {
	if s.hear != nil {
		s.hear(ctx)
	}
	operation := graphql.GetOperationContext(ctx)
	if operation.Operation.Operation == ast.Subscription {
		return s.subscribe(ctx, rootFields(operation)[0])
	}
	first := true
	return func(ctx context.Context) *graphql.Response {
		if !first {
			return nil
		}
		first = false
		var data bytes.Buffer
		data.WriteByte('{')
		for i, field := range rootFields(operation) {
			if i > 0 {
				data.WriteByte(',')
			}
			fmt.Fprintf(&data, "%q:%s", field.Alias, s.resolve(ctx, field, field.ArgumentMap(operation.Variables)))
		}
		data.WriteByte('}')
		return &graphql.Response{Data: data.Bytes()}
	}
}

func rootFields(operation *graphql.OperationContext) []graphql.CollectedField {
	return graphql.CollectFields(operation, operation.Operation.SelectionSet, nil)
}

func (s *testSchema) resolve(ctx context.Context, field graphql.CollectedField, args map[string]any) string {
	switch field.Name {
	case "hello":
		return quote("hello " + args["name"].(string))
	case "echo":
		return quote(fmt.Sprintf("%T %v, %T %v, %T %v, %v", args["int"], args["int"], args["float"], args["float"], args["text"], args["text"], args["ints"]))
	case "big":
		count, _ := graphql.UnmarshalInt(args["bytes"])
		if AnswerOf(ctx).Count(ctx, int64(count)) != nil {
			return "null"
		}
		return quote(string(bytes.Repeat([]byte("x"), count)))
	case "change":
		return quote("changed <b>")
	case "fails":
		graphql.AddError(ctx, gqlerror.Errorf("it failed"))
		return "null"
	case "panics":
		panic("resolver")
	case "wait":
		gate := make(chan struct{})
		s.waits <- gate
		select {
		case <-gate:
		case <-s.done(ctx):
		}
		return quote("waited")
	case "__typename":
		return quote(field.ObjectDefinition.Name)
	default:
		return "null"
	}
}

// subscribe gives responses that share one buffer, as generated code does. An event "7|text" is a text with the id 7.
func (s *testSchema) subscribe(ctx context.Context, field graphql.CollectedField) graphql.ResponseHandler {
	if field.Name == "refused" {
		graphql.AddError(ctx, gqlerror.Errorf("no such stream"))
		return nil
	}
	switch field.Name {
	case "log":
		return s.log.subscribe(ctx, field)
	case "clock":
		return clock(field)
	}
	s.began <- struct{}{}
	context.AfterFunc(ctx, func() { s.ended <- struct{}{} })
	var data bytes.Buffer
	return func(ctx context.Context) *graphql.Response {
		data.Reset()
		select {
		case event, ok := <-s.events:
			if !ok {
				return nil
			}
			if field.Name == "panics" {
				panic("stream")
			}
			fmt.Fprintf(&data, "{%q:%s}", field.Alias, quote(event))
			return &graphql.Response{Data: data.Bytes()}
		case err := <-s.fail:
			FailStream(ctx, err)
			return nil
		case <-ctx.Done():
			return nil
		}
	}
}

// clock gives responses at intervals, without anybody's doing: until a count, or for ever. Then it ends, or fails.
func clock(field graphql.CollectedField) graphql.ResponseHandler {
	args := field.ArgumentMap(nil)
	interval := time.Duration(args["milliseconds"].(int64)) * time.Millisecond
	until, limited := args["until"].(int64)
	count := int64(0)
	return func(ctx context.Context) *graphql.Response {
		if count++; limited && count > until {
			if args["fails"] == true {
				failClock(ctx)
			}
			return nil
		}
		select {
		case <-time.After(interval):
			return &graphql.Response{Data: fmt.Appendf(nil, "{%q:\"%d\"}", field.Alias, count)}
		case <-ctx.Done():
			return nil
		}
	}
}

// failClock fails a stream of ours, or of gqlgen's transport, whose function panics outside of its own streams.
func failClock(ctx context.Context) {
	if ctx.Value(executionKey{}) != nil {
		FailStream(ctx, errors.New("the clock broke"))
		return
	}
	gqlgen.AddSubscriptionError(ctx, gqlerror.Errorf("the clock broke"))
}

func (s *testSchema) done(ctx context.Context) <-chan struct{} {
	if s.stubborn {
		return nil
	}
	return ctx.Done()
}

func quote(text string) string {
	quoted, err := json.Marshal(text)
	if err != nil {
		panic(err)
	}
	return string(quoted)
}
