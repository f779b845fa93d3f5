package fanout

import (
	"context"
	"testing"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/99designs/gqlgen/graphql"

	"configapi/graph/transport/bounds"
)

// ofRights is an executor whose subscriptions have a source of these rights. The source gives
// nothing until begin is closed.
type ofRights struct {
	rights string
	begin  chan struct{}
}

func (r ofRights) DispatchOperation(ctx context.Context, _ *graphql.OperationContext) (graphql.ResponseHandler, context.Context) {
	items := Stream(ctx, &countingSource{ofRights: r})
	return func(context.Context) *graphql.Response {
		<-items
		return &graphql.Response{Data: []byte("{}")}
	}, ctx
}

func (ofRights) CreateOperationContext(context.Context, *graphql.RawParams) (*graphql.OperationContext, gqlerror.List) {
	panic("unexpected")
}

func (ofRights) DispatchError(context.Context, gqlerror.List) *graphql.Response { panic("unexpected") }

// countingSource gives two items, numbered from 1, and then waits.
type countingSource struct {
	ofRights
	at int64
}

func (s *countingSource) Rights() string { return s.ofRights.rights }

func (s *countingSource) Next(ctx context.Context, _ int64) (string, Step, error) {
	<-s.begin
	if s.at++; s.at > 2 {
		<-ctx.Done()
		return "", Step{}, ctx.Err()
	}
	return "", Step{First: s.at, Offset: number(s.at), CaughtUp: true}, nil
}

// offered receives what a group offers to its subscriber. alone is closed when the subscriber is
// served on its own again.
type offered struct {
	nowhere
	messages chan *Message
	alone    chan struct{}
}

func (o *offered) Offer(m *Message) bool {
	o.messages <- m
	return true
}

func (o *offered) Serve(func(context.Context)) { close(o.alone) }

// TestGroupOfOtherRightsEnds has the source of a group have other rights than the group: its
// messages reach nobody, and each subscriber is served on its own again.
func TestGroupOfOtherRightsEnds(t *testing.T) {
	for _, rights := range []string{"same", "other"} {
		groups := NewGroups(Options{Budgets: bounds.NewBudgets(bounds.Options{}), MaxBacklogBytes: 1})
		exec := ofRights{rights, make(chan struct{})}
		to := &offered{messages: make(chan *Message, 2), alone: make(chan struct{})}
		operation := &graphql.OperationContext{Doc: &ast.QueryDocument{}, Operation: &ast.OperationDefinition{}}
		s := groups.NewSubscriber(exec, operation, nil, to, nowhere{})
		s.offset = number(0) // the group begins there
		if joined, over, errs := s.join(t.Context(), &Producer{rights: "same"}); !joined || over || errs != nil {
			t.Fatalf("joined: %t, over: %t, %v", joined, over, errs)
		}
		close(exec.begin)
		switch rights {
		case "same":
			for order := range int64(2) {
				if m := <-to.messages; m.Offset.Order() != order+1 {
					t.Errorf("got message %d, want %d", m.Offset.Order(), order+1)
				}
			}
			s.Leave()
		case "other":
			<-to.alone
		}
		if err := groups.Wait(t.Context()); err != nil || len(to.messages) > 0 {
			t.Errorf("%s rights: %d messages more, %v", rights, len(to.messages), err)
		}
	}
}
