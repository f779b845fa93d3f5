package graph

import (
	"context"

	"log/slog"
	"strings"
	"testing"

	"configapi/graph/encode"
	"configapi/internal/configstore"
	"configapi/internal/configstore/configstoretest"
	"configapi/internal/eventstore"
)

// TestSetMutations carries out the same mutations on two stores, by gqlgen alone on one of them.
// Answers and errors must be the same, and each mutation is carried out once.
func TestSetMutations(t *testing.T) {
	const doc = `mutation($i:SetConfigInput!){a:setConfig(input:$i){__typename ...on ConfigChanged{changed config{name value version} revision{operation version reason}}
		...on UserError{code message path} ...on VersionConflictError{current{value}}}}`
	input := func(more map[string]any) map[string]any {
		given := map[string]any{"name": "app/plain", "value": "30s"}
		for field, value := range more {
			given[field] = value
		}
		return map[string]any{"i": given}
	}
	ours, theirs := configstoretest.NewFaulty(), configstoretest.NewFaulty()
	e, other := newSetExecutor(t, ours), newSetExecutor(t, theirs)
	refuse := func(context.Context, eventstore.Head, []eventstore.Record) error { return eventstore.ErrNotWritten }
	for _, row := range []struct {
		name, doc string
		variables map[string]any
		append    func(context.Context, eventstore.Head, []eventstore.Record) error
		appends   int
	}{
		{"a new config", doc, input(nil), nil, 1},
		{"a change", doc, input(map[string]any{"value": "\"\x01\u2028", "expectedVersion": int64(1), "reason": "why", "idempotencyKey": "k"}), nil, 1},
		{"the same key again", doc, input(map[string]any{"value": "\"\x01\u2028", "expectedVersion": int64(1), "reason": "why", "idempotencyKey": "k"}), nil, 0},
		{"no change", doc, input(map[string]any{"value": "\"\x01\u2028", "onlyIfChanged": true}), nil, 0},
		{"another version", doc, input(map[string]any{"expectedVersion": int64(7)}), nil, 0},
		{"a malformed revision", doc, input(map[string]any{"expectedRevision": "x"}), nil, 0},
		{"a bad name", doc, input(map[string]any{"name": "bad name"}), nil, 0},
		{"a long value", doc, input(map[string]any{"value": strings.Repeat("0123456789\n", 1000)}), nil, 1},
		{"literals", `mutation{setConfig(input:{name:"app/plain",value:"1",expectedVersion:3,reason:null}){...on ConfigChanged{changed}}}`, nil, nil, 1},
		{"nothing selected of an error", `mutation{setConfig(input:{name:"app/plain",value:"1",expectedVersion:3}){...on ConfigChanged{changed}}}`, nil, nil, 0},
		{"a store that takes no writes", doc, input(nil), refuse, 1},
	} {
		op := prepared(t, e, row.doc, row.variables)
		if encode.SetMutationOf(op.Operation) == nil {
			t.Fatalf("%s: it is left to gqlgen", row.name)
		}
		before := len(ours.Appends())
		ours.SetHooks(configstoretest.Hooks{Append: row.append})
		theirs.SetHooks(configstoretest.Hooks{Append: row.append})
		next, ctx := e.DispatchOperation(t.Context(), op)
		got, want := next(ctx), byGqlgen(t.Context(), other, prepared(t, other, row.doc, row.variables))
		if string(got.Data) != string(want.Data) || got.Errors.Error() != want.Errors.Error() {
			t.Errorf("%s:\ngot  %.2000s %v\nwant %.2000s %v", row.name, got.Data, got.Errors, want.Data, want.Errors)
		}
		if appends := len(ours.Appends()) - before; appends != row.appends {
			t.Errorf("%s: %d appends, want %d", row.name, appends, row.appends)
		}
	}
}

func newSetExecutor(t *testing.T, events *configstoretest.Faulty) *executor {
	store := configstoretest.On(t, events, configstore.Options{})
	return newExecutor(&resolver{store: store.Store}, IntrospectionForTokens, presenter{func(context.Context) string { return "" }, nil, slog.New(slog.DiscardHandler)})
}

func TestOtherMutationsAreLeftToGqlgen(t *testing.T) {
	e := newSetExecutor(t, configstoretest.NewFaulty())
	for _, doc := range []string{
		`mutation{deleteConfig(input:{name:"a"}){...on ConfigChanged{changed}}}`,
		`mutation{a:setConfig(input:{name:"a",value:"1"}){...on ConfigChanged{changed}} b:setConfig(input:{name:"b",value:"1"}){...on ConfigChanged{changed}}}`,
		`mutation{setConfig(input:{name:"a",value:"1"}){...on ConfigChanged{config{history{nodes{version}}}}}}`,
		`mutation{setConfig(input:{name:"a",value:"1"}){...on ConfigChanged{changed @skip(if:true)}}}`,
		`mutation{setConfig(input:{name:"a",value:"1"}) @include(if:true){...on ConfigChanged{changed}}}`,
		`{config(name:"a"){value}}`,
	} {
		if encode.SetMutationOf(prepared(t, e, doc, nil).Operation) != nil {
			t.Errorf("%s: it is not left to gqlgen", doc)
		}
	}
}
