package graph

import (
	"context"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"

	"configapi/graph/model"
	"configapi/graph/transport"
	"configapi/internal/configstore"
	"configapi/internal/eventstore"
)

// pin is what all fields of a query read with, so that they see one and the same position. It is as fresh as the freshest of
// the root fields asks for: what one of them waits for, all wait for.
type pin struct {
	reader *configstore.Reader
	err    error // why there is no reader
	stale  error // why the reader is not linearizable although a field asks for that
}

type pinKey struct{}

// pin gives a query its reader. Mutations and subscriptions have none: what they answer is newer than their beginning.
func (r *resolver) pin(ctx context.Context, next graphql.OperationHandler) graphql.ResponseHandler {
	op := graphql.GetOperationContext(ctx)
	if op.Operation == nil {
		return next(ctx)
	}
	switch op.Operation.Operation {
	case ast.Query:
		ctx = &pinned{ctx, r.newPin(ctx, op)}
	case ast.Mutation:
		if err := r.reserve(ctx, op); err != nil {
			return graphql.OneShot(&graphql.Response{}) // the transport says why: the answer was given up
		}
	}
	return next(ctx)
}

// pinned is the context of a query.
type pinned struct {
	context.Context
	pin pin
}

// Value returns the pin for its own key.
func (p *pinned) Value(key any) any {
	if key == (pinKey{}) {
		return &p.pin
	}
	return p.Context.Value(key)
}

// reserve takes room for the largest answer that a mutation can have, before anything is written.
func (r *resolver) reserve(ctx context.Context, op *graphql.OperationContext) error {
	answer := transport.AnswerOf(ctx)
	if answer == nil {
		return nil
	}
	reader, err := r.store.Reader(r.caller(ctx))
	if err != nil {
		return nil // its fields find that out, too
	}
	return answer.BeginSure(largestAnswer(op, reader, r.store.MaxValueBytes()))
}

// newPin waits for what the root fields ask for. A field whose wish cannot be met finds that out by itself, from the reader;
// the others are answered all the same.
func (r *resolver) newPin(ctx context.Context, op *graphql.OperationContext) (p pin) {
	if asksFreshness(op.Operation.SelectionSet) {
		linearizable, atLeast := freshness(op)
		if linearizable {
			_, p.stale = r.store.FreshReader(ctx, r.caller(ctx), configstore.Freshness{Linearizable: true})
		}
		if atLeast != nil {
			_, _ = r.store.FreshReader(ctx, r.caller(ctx), configstore.Freshness{AtLeast: atLeast})
		}
	}
	p.reader, p.err = r.store.Reader(r.caller(ctx)) // which is no older than those
	return p
}

// reader is the one that the query is pinned to, else one of the newest state.
func (r *resolver) reader(ctx context.Context) (*configstore.Reader, error) {
	if p, ok := ctx.Value(pinKey{}).(*pin); ok {
		return p.reader, p.err
	}
	return r.store.Reader(r.caller(ctx))
}

// freshReader is the reader for a field that asks for freshness. The error is why it is not fresh enough.
func (r queryResolver) freshReader(ctx context.Context, c *model.Consistency, atLeast *eventstore.Bookmark) (*configstore.Reader, error) {
	reader, err := r.reader(ctx)
	if err != nil {
		return nil, err
	}
	if p, ok := ctx.Value(pinKey{}).(*pin); ok && c != nil && *c == model.ConsistencyLinearizable && p.stale != nil {
		return nil, p.stale
	}
	if atLeast != nil {
		err = reader.Includes(ctx, *atLeast)
	}
	return reader, err
}

const (
	consistencyArgument = "consistency"
	atLeastArgument     = "atLeast"
)

// asksFreshness tells whether a root field has an argument about freshness. It spares most queries the collecting of their
// fields.
func asksFreshness(selections ast.SelectionSet) bool {
	for _, selection := range selections {
		asks := false
		switch selection := selection.(type) {
		case *ast.Field:
			asks = selection.Arguments.ForName(consistencyArgument) != nil || selection.Arguments.ForName(atLeastArgument) != nil
		case *ast.InlineFragment:
			asks = asksFreshness(selection.SelectionSet)
		case *ast.FragmentSpread:
			asks = asksFreshness(selection.Definition.SelectionSet)
		}
		if asks {
			return true
		}
	}
	return false
}

// freshness is what the root fields ask for together. Arguments that are malformed are left for the fields to refuse.
func freshness(op *graphql.OperationContext) (linearizable bool, atLeast *eventstore.Bookmark) {
	for _, field := range graphql.CollectFields(op, op.Operation.SelectionSet, []string{"Query"}) {
		if argument(op, field, consistencyArgument) == string(model.ConsistencyLinearizable) {
			linearizable = true
		}
		at, err := eventstore.ParseBookmark(argument(op, field, atLeastArgument))
		if err == nil && (atLeast == nil || at.Position > atLeast.Position) {
			atLeast = &at
		}
	}
	return linearizable, atLeast
}

// argument is the text that a field has for an argument, "" when it has none.
func argument(op *graphql.OperationContext, field graphql.CollectedField, name string) string {
	given := field.Arguments.ForName(name)
	if given == nil {
		return ""
	}
	value, _ := given.Value.Value(op.Variables)
	text, _ := value.(string)
	return text
}
