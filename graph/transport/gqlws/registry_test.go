package gqlws

import (
	"context"
	"testing"
	"testing/synctest"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"

	"configapi/graph/transport/bounds"
	"configapi/graph/transport/fanout"
	"configapi/graph/transport/transporttest"
	"configapi/internal/eventstream"
)

// TestForgetLeavesTheIDToItsNextOwner: a writer may send the last frame of an operation while the
// client completes it and uses its id again.
func TestForgetLeavesTheIDToItsNextOwner(t *testing.T) {
	r, next := newRegistry(1, nil, eventstream.Client{}), &entry{id: "1"}
	if refused, full := r.claim(next); refused != nil || full != nil {
		t.Fatalf("got %v, %v", refused, full)
	}
	r.forget(&entry{id: "1"})
	if r.byID["1"] != next {
		t.Error("the next owner has lost its id")
	}
	r.forget(next)
	if r.count() != 0 {
		t.Error("the id is not free")
	}
}

func TestStreamLimit(t *testing.T) {
	bubble(t, Options{rules: rules{maxOperations: 1}}, func(t *testing.T, f *fixture) {
		p := f.open(t)
		p.send(ticks)
		p.send(`{"id":"2","type":"subscribe","payload":{"query":"subscription{ticks}"}}`)
		p.want(`{"id":"2","type":"error","payload":[{"message":"one socket can have 1 streams at a time","extensions":{"code":"LIMIT_EXCEEDED"}}]}`)
	})
}

// TestSubscribeAndCompleteInTurns is the attack known as rapid reset in HTTP/2: the id is free at
// once, but its work is not over.
func TestSubscribeAndCompleteInTurns(t *testing.T) {
	bubble(t, Options{rules: rules{maxOperations: 3}}, func(t *testing.T, f *fixture) {
		f.schema.Stubborn = true
		p := f.open(t)
		const query = `{"id":"1","type":"subscribe","payload":{"query":"{wait}"}}`
		var gates []chan struct{}
		for range 6 { // twice the limit
			p.send(query)
			gates = append(gates, <-f.schema.Waits)
			p.send(`{"id":"1","type":"complete"}`)
		}
		p.send(query)
		synctest.Wait()
		if len(f.schema.Waits) != 0 {
			t.Error("a seventh resolver runs, want 6 at most")
		}
		close(gates[0])
		gates[0] = <-f.schema.Waits
		for _, gate := range gates {
			close(gate)
		}
		p.wantLike(`"type":"next"`)
		p.wantLike(`"type":"complete"`)
	})
}

func TestSocketClosesWhileItsReaderWaitsForASlot(t *testing.T) {
	bubble(t, Options{rules: rules{maxOperations: 1}}, func(t *testing.T, f *fixture) {
		f.schema.Stubborn = true
		p := f.open(t)
		var gates []chan struct{}
		for range 2 {
			p.send(`{"id":"1","type":"subscribe","payload":{"query":"{wait}"}}`)
			gates = append(gates, <-f.schema.Waits)
			p.send(`{"id":"1","type":"complete"}`)
		}
		p.send(`{"id":"1","type":"subscribe","payload":{"query":"{wait}"}}`)
		synctest.Wait()
		f.transport.CloseAll(4499, "enough")
		// The stubborn resolvers do not hold up the end of the connection.
		p.wantClose(4499, "enough")
		for _, gate := range gates {
			close(gate)
		}
		synctest.Wait()
		if len(f.schema.Waits) != 0 {
			t.Error("an operation began after the end")
		}
	})
}

// TestRegistryThatIsStopped starts nothing, and a subscriber whose id is free keeps no memory.
func TestRegistryThatIsStopped(t *testing.T) {
	budgets := bounds.NewBudgets(bounds.Options{})
	parsed := &graphql.OperationContext{RawQuery: "subscription{ticks}", Doc: &ast.QueryDocument{}, Operation: &ast.OperationDefinition{}}
	retained, f := budgets.Retain(parsed)
	if f != nil {
		t.Fatal(f.Message)
	}
	groups := fanout.NewGroups(fanout.Options{Budgets: budgets, MaxBacklogBytes: 1})
	r, e := newRegistry(1, nil, eventstream.Client{}), &entry{id: "1"}
	if r.subscribe(e, groups.NewSubscriber(nil, parsed, retained, nil, nil)) {
		t.Error("an id that nobody has claimed has a subscriber")
	}
	transporttest.WantEmpty(t, budgets)
	r.stop()
	if r.start(t.Context(), e, func(context.Context) { t.Error("it was served") }) {
		t.Error("it was started")
	}
	r.end()
}
