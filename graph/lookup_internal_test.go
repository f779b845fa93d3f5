package graph

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/99designs/gqlgen/graphql"
	"pgregory.net/rapid"

	"configapi/graph/encode"
	"configapi/internal/configstore"
	"configapi/internal/configstore/configstoretest"
	"configapi/internal/eventstore/eventstoretest"
)

// odditiesExecutor returns the executor of a store that holds a plain config, an empty one, one
// that needs escapes, a large one, and a deleted one.
func odditiesExecutor(t *testing.T) *executor {
	store := configstoretest.New(t, configstore.Options{})
	store.MustSet(t, "app/plain", "30s")
	store.MustSet(t, "app/plain", "31s")
	store.MustSet(t, "empty", "")
	store.MustSet(t, "odd", "\x01\t\r\n\"\\\x1f\x7f\u2028é\U0001F600")
	store.MustSet(t, "large", strings.Repeat("0123456789\n", 1000))
	store.MustSet(t, "gone", "was here")
	store.MustDelete(t, "gone")
	e := newExecutor(&resolver{store: store.Store}, IntrospectionForTokens, presenter{func(context.Context) string { return "" }, nil, slog.New(slog.DiscardHandler)})
	next, ctx := e.DispatchOperation(t.Context(), prepared(t, e, `mutation{setConfig(input:{name:"reasoned",value:"1",reason:"why"}){__typename}}`, nil))
	if response := next(ctx); len(response.Errors) > 0 {
		t.Fatal(response.Errors)
	}
	return e
}

func prepared(t rapid.TB, e *executor, doc string, variables map[string]any) *graphql.OperationContext {
	op, errs := e.CreateOperationContext(context.Background(), &graphql.RawParams{Query: doc, Variables: variables})
	if len(errs) > 0 {
		t.Fatalf("%s: %v", doc, errs)
	}
	return op
}

// byGqlgen returns the response of gqlgen alone to an operation.
func byGqlgen(ctx context.Context, e *executor, op *graphql.OperationContext) *graphql.Response {
	op.ResolverMiddleware = func(ctx context.Context, next graphql.Resolver) (any, error) { return next(ctx) }
	next, ctx := e.execute(graphql.WithOperationContext(ctx, op), op, nil)
	return next(ctx)
}

// TestLookups draws queries for configs by name, and compares their answers with those of gqlgen.
func TestLookups(t *testing.T) {
	e := odditiesExecutor(t)
	rapid.Check(t, func(t *rapid.T) {
		doc := drawLookup(t, e)
		variables := map[string]any{"n": drawName(t)}
		op := prepared(t, e, doc, variables)
		lookups := encode.LookupsOf(op.Operation)
		if lookups == nil {
			t.Fatalf("%s: it does not consist of look-ups", doc)
		}
		got := e.resolver.lookUp(t.Context(), op, lookups)
		want := byGqlgen(t.Context(), e, op)
		switch {
		case got == nil && len(want.Errors) == 0:
			t.Errorf("%s: it was left to gqlgen", doc)
		case got == nil:
			got = e.lookUp(op, lookups)(t.Context())
			if string(got.Data) != string(want.Data) || len(got.Errors) != len(want.Errors) { // in any order
				t.Errorf("%s:\ngot  %s %v\nwant %s %v", doc, got.Data, got.Errors, want.Data, want.Errors)
			}
		case string(got.Data) != string(want.Data) || len(want.Errors) > 0 || len(got.Errors) > 0:
			t.Errorf("%s:\ngot  %s\nwant %s %v", doc, got.Data, want.Data, want.Errors)
		}
	})
}

func drawName(t *rapid.T) string {
	return rapid.SampledFrom([]string{"app/plain", "empty", "odd", "large", "gone", "never", "", "bad name"}).Draw(t, "name")
}

// drawLookup draws a query for some configs, each by a literal or by the variable n.
func drawLookup(t *rapid.T, e *executor) string {
	fields := leaves(e, "Config")
	fields = append(fields, "revision{position reason}")
	var doc strings.Builder
	doc.WriteString("query($n:ConfigName!){")
	for i := range rapid.IntRange(1, 3).Draw(t, "configs") {
		argument := "$n"
		if i > 0 && rapid.Bool().Draw(t, "literal") {
			argument = fmt.Sprintf("%q", drawName(t))
		}
		fmt.Fprintf(&doc, "c%d:config(name:%s){", i, argument)
		for k, field := range rapid.SliceOfN(rapid.SampledFrom(fields), 1, 5).Draw(t, "fields") {
			fmt.Fprintf(&doc, "l%d:%s ", k, field)
		}
		doc.WriteString("}")
	}
	return doc.String() + "}"
}

// TestLookupsAreFound has queries that consist of look-ups, and operations that gqlgen must
// execute.
func TestLookupsAreFound(t *testing.T) {
	e := odditiesExecutor(t)
	for doc, want := range map[string]bool{
		`{config(name:"a"){name value version}}`:                                         true,
		`{config(name:"""a"""){id createdAt updatedAt __typename}}`:                      true,
		`{a:config(name:"a"){x:name y:name} b:config(name:"b"){name}}`:                   true,
		`{config(name:"a"){name name}}`:                                                  true,
		`{config(name:"a"){name} config(name:"a"){value}}`:                               false,
		`{config(name:"a"){revision{version}}}`:                                          true,
		`{config(name:"a"){revision{oldValue}}}`:                                         false,
		`{config(name:"a"){history{nodes{version}}}}`:                                    false,
		`{config(name:"a"){... on Config{name}}}`:                                        true,
		`{config(name:"a"){...F}} fragment F on Config{name}`:                            true,
		`{config(name:"a"){name @skip(if:true) value}}`:                                  false,
		`{config(name:"a") @include(if:false){name} bounds{head}}`:                       false,
		`{config(name:"a",consistency:LINEARIZABLE){name}}`:                              false,
		`{config(name:"a",atLeast:"0-00000000"){name}}`:                                  false,
		`{config(name:"a"){name} __typename}`:                                            false,
		`{configs{nodes{name}}}`:                                                         false,
		`subscription{config(name:"a"){name}}`:                                           false,
		`mutation{setConfig(input:{name:"a",value:"b"}){__typename}}`:                    false,
		`query($n:ConfigName!,$b:Boolean!){config(name:$n){name value @include(if:$b)}}`: false,
	} {
		variables := map[string]any{"n": "a", "b": true}
		if got := encode.LookupsOf(prepared(t, e, doc, variables).Operation) != nil; got != want {
			t.Errorf("%s: got %v, want %v", doc, got, want)
		}
	}
}

// TestLookupStops has a look-up whose client disconnects before it begins.
func TestLookupStops(t *testing.T) {
	e := odditiesExecutor(t)
	op := prepared(t, e, `{config(name:"app/plain"){name}}`, nil)
	ctx, cancel := context.WithCancel(t.Context())
	next, ctx := e.DispatchOperation(ctx, op)
	cancel()
	if got := next(ctx); got != nil {
		t.Errorf("got %s", got.Data)
	}
}

// TestLargeLookupsLetOthersRun has ten large values in one answer, each of which yields once.
func TestLargeLookupsLetOthersRun(t *testing.T) {
	store := configstoretest.New(t, configstore.Options{})
	store.MustSet(t, "large", strings.Repeat("v", yieldBytes))
	e := newExecutor(&resolver{store: store.Store}, IntrospectionForTokens, presenter{func(context.Context) string { return "" }, nil, slog.New(slog.DiscardHandler)})
	var doc strings.Builder
	for i := range 10 {
		fmt.Fprintf(&doc, `c%d:config(name:"large"){value} `, i)
	}
	op := prepared(t, e, "{"+doc.String()+"}", nil)
	lookups := encode.LookupsOf(op.Operation)
	eventstoretest.MustYield(t, 3, func() {
		if response := e.resolver.lookUp(t.Context(), op, lookups); response == nil || len(response.Data) < 10*yieldBytes {
			t.Errorf("got %v", response)
		}
	})
}
