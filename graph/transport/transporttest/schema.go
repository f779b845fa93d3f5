// Package transporttest is what the tests of the transports share: a schema whose resolvers a test
// controls, a source of words, and requests over HTTP with their expected answers. Nothing of the
// program imports it.
package transporttest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/handler"
	"github.com/99designs/gqlgen/graphql/handler/lru"
	gqlgen "github.com/99designs/gqlgen/graphql/handler/transport"

	"configapi/graph/transport/bounds"
)

var testSource = &ast.Source{Name: "test.graphql", Input: `
	type Query { hello(name: String = "world"): String  echo(int: Int, float: Float, text: String, ints: [Int!]): String  big(bytes: Int!): String  fails: String  panics: String  wait: String }
	type Mutation { change: String }
	type Subscription {
		ticks: String  fails: String  panics: String  refused: String  log(after: Int, tag: String): String
		clock(milliseconds: Int = 1000, until: Int, fails: Boolean): String
	}
`}

// Schema stands in for generated code: it executes root fields alone, and handles memory, errors
// and contexts as generated code does. Its events are the test's to send.
type Schema struct {
	Events chan string        // what ticks gives; closed: it ends
	Fail   chan error         // what fails ends with
	Began  chan struct{}      // a receive per subscription that began
	Ended  chan struct{}      // a receive per subscription whose context ended
	Waits  chan chan struct{} // a receive per "wait", to be closed to let it go on
	Log    Log                // what the field of that name gives, by a source

	// Set before the first operation.
	Stubborn  bool                      // "wait" does not look at its context
	Stock     bool                      // a transport of gqlgen itself carries the subscriptions
	OnContext func(ctx context.Context) // gets the context of each execution; nil: nobody does

	schema *ast.Schema
}

// NewSchema returns a schema without events.
func NewSchema() *Schema {
	return &Schema{
		schema: gqlparser.MustLoadSchema(testSource),
		Events: make(chan string),
		Fail:   make(chan error, 1),
		Began:  make(chan struct{}, 1000),
		Ended:  make(chan struct{}, 1000),
		Waits:  make(chan chan struct{}, 1000),
	}
}

// Handler returns gqlgen's handler of the schema with these transports.
func (s *Schema) Handler(transports ...graphql.Transport) *handler.Server {
	server := handler.New(s)
	server.SetQueryCache(lru.New[*ast.QueryDocument](100))
	server.SetRecoverFunc(func(context.Context, any) error { return gqlerror.Errorf("it panicked") })
	for _, transport := range transports {
		server.AddTransport(transport)
	}
	return server
}

// Schema returns the parsed schema.
func (s *Schema) Schema() *ast.Schema { return s.schema }

// Complexity has no opinion.
func (s *Schema) Complexity(context.Context, string, string, int, map[string]any) (int, bool) {
	return 0, false
}

// Exec executes the operation of a context.
func (s *Schema) Exec(ctx context.Context) graphql.ResponseHandler {
	if s.OnContext != nil {
		s.OnContext(ctx)
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

func (s *Schema) resolve(ctx context.Context, field graphql.CollectedField, args map[string]any) string {
	switch field.Name {
	case "hello":
		return Quote("hello " + args["name"].(string))
	case "echo":
		return Quote(fmt.Sprintf("%T %v, %T %v, %T %v, %v", args["int"], args["int"], args["float"], args["float"], args["text"], args["text"], args["ints"]))
	case "big":
		count, _ := graphql.UnmarshalInt(args["bytes"])
		if bounds.AnswerOf(ctx).Count(ctx, int64(count)) != nil {
			return "null"
		}
		return Quote(string(bytes.Repeat([]byte("x"), count)))
	case "change":
		return Quote("changed <b>")
	case "fails":
		graphql.AddError(ctx, gqlerror.Errorf("it failed"))
		return "null"
	case "panics":
		panic("resolver")
	case "wait":
		gate := make(chan struct{})
		s.Waits <- gate
		select {
		case <-gate:
		case <-s.done(ctx):
		}
		return Quote("waited")
	case "__typename":
		return Quote(field.ObjectDefinition.Name)
	default:
		return "null"
	}
}

// subscribe gives responses that share one buffer, as generated code does.
func (s *Schema) subscribe(ctx context.Context, field graphql.CollectedField) graphql.ResponseHandler {
	if field.Name == "refused" {
		graphql.AddError(ctx, gqlerror.Errorf("no such stream"))
		return nil
	}
	switch field.Name {
	case "log":
		return s.Log.subscribe(ctx, field)
	case "clock":
		return s.clock(field)
	}
	s.Began <- struct{}{}
	context.AfterFunc(ctx, func() { s.Ended <- struct{}{} })
	var data bytes.Buffer
	return func(ctx context.Context) *graphql.Response {
		data.Reset()
		select {
		case event, ok := <-s.Events:
			if !ok {
				return nil
			}
			if field.Name == "panics" {
				panic("stream")
			}
			fmt.Fprintf(&data, "{%q:%s}", field.Alias, Quote(event))
			return &graphql.Response{Data: data.Bytes()}
		case err := <-s.Fail:
			return &graphql.Response{Errors: gqlerror.List{gqlerror.WrapIfUnwrapped(err)}}
		case <-ctx.Done():
			return nil
		}
	}
}

// clock gives responses at intervals by itself: until a count, or for ever. Then it ends, or fails.
func (s *Schema) clock(field graphql.CollectedField) graphql.ResponseHandler {
	args := field.ArgumentMap(nil)
	interval := time.Duration(args["milliseconds"].(int64)) * time.Millisecond
	until, limited := args["until"].(int64)
	count := int64(0)
	return func(ctx context.Context) *graphql.Response {
		if count++; limited && count > until {
			if args["fails"] == true {
				return s.failClock(ctx)
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

// failClock ends a subscription with an error. gqlgen's transport wants it told in a way of its
// own.
func (s *Schema) failClock(ctx context.Context) *graphql.Response {
	broke := gqlerror.Errorf("the clock broke")
	if s.Stock {
		gqlgen.AddSubscriptionError(ctx, broke)
		return nil
	}
	return &graphql.Response{Errors: gqlerror.List{broke}}
}

func (s *Schema) done(ctx context.Context) <-chan struct{} {
	if s.Stubborn {
		return nil
	}
	return ctx.Done()
}

// Quote returns a text as JSON.
func Quote(text string) string {
	quoted, err := json.Marshal(text)
	if err != nil {
		panic(err)
	}
	return string(quoted)
}

// ResponseOf is an extension of the handler that puts its response in place of the execution.
type ResponseOf struct{ Response *graphql.Response }

// ExtensionName is what gqlgen knows the extension by.
func (ResponseOf) ExtensionName() string { return "ResponseOf" }

// Validate accepts every schema.
func (ResponseOf) Validate(graphql.ExecutableSchema) error { return nil }

// InterceptOperation returns the response.
func (r ResponseOf) InterceptOperation(context.Context, graphql.OperationHandler) graphql.ResponseHandler {
	return graphql.OneShot(r.Response)
}
