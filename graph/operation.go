package graph

import (
	"context"
	"sync"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"

	"configapi/graph/model"
	"configapi/internal/configstore"
	"configapi/internal/eventstore"
)

// operation is what the fields of one query, one mutation or one message of a subscription share.
//
// A query has one reader, so that all of its fields read at one position. The position is as fresh
// as the freshest of its root fields asks for: what one of them waits for, all wait for. Mutations
// and subscriptions have no reader: what they answer is newer than their beginning.
type operation struct {
	resolver        *resolver
	reader          *configstore.Reader // nil: each field reads the newest state
	readerErr       error               // why a query has no reader
	linearizableErr error               // why the reader is not as linearizable as a field asks
	logged          logged
	snapshots       configstore.SnapshotCache
	set             *setOutcome // of its only field, which was carried out already; nil: it was not

	mu        sync.Mutex // guards what is below
	waitUntil time.Time  // end of all waits for positions; zero: none of them has begun
}

// operationContext is a context with an operation. It is one allocation for both.
type operationContext struct {
	context.Context
	operation operation
}

type operationKey struct{}

// Value returns the operation for its own key.
func (c *operationContext) Value(key any) any {
	if key == (operationKey{}) {
		return &c.operation
	}
	return c.Context.Value(key)
}

func (r *resolver) withOperation(ctx context.Context) *operationContext {
	return &operationContext{ctx, operation{resolver: r}}
}

// withMessage returns the context of one message of a subscription. gqlgen calls the fields of a
// message with a context that does not know the root field, so it is added here: the paths of
// errors begin with it.
func (r *resolver) withMessage(ctx context.Context, op *graphql.OperationContext) context.Context {
	ctx = r.withOperation(ctx)
	for _, root := range graphql.CollectFields(op, op.Operation.SelectionSet, []string{"Subscription"}) {
		ctx = graphql.WithFieldContext(ctx, &graphql.FieldContext{Object: "Subscription", Field: root})
	}
	return ctx
}

// operationOf returns the operation of a context.
func (r *resolver) operationOf(ctx context.Context) *operation {
	if o, ok := ctx.Value(operationKey{}).(*operation); ok {
		return o
	}
	return &operation{resolver: r}
}

// openReader gives a query its reader, after waiting for what its root fields ask for. A field
// whose wait has failed finds that out from the reader, and fails alone: the other fields are
// answered.
func (o *operation) openReader(ctx context.Context, op *graphql.OperationContext) {
	r := o.resolver
	if asksFreshness(op.Operation.SelectionSet) {
		linearizable, atLeast := freshness(op)
		if linearizable {
			_, o.linearizableErr = r.store.FreshReader(ctx, r.caller(ctx), configstore.Freshness{Linearizable: true})
		}
		if atLeast != nil {
			_, _ = o.waitFor(ctx, *atLeast)
		}
	}
	o.reader, o.readerErr = r.store.Reader(r.caller(ctx)) // no older than the readers above
}

// waitFor returns a reader that includes a position. All waits of the operation together take
// configstore.Options.PositionWait at most.
func (o *operation) waitFor(ctx context.Context, at eventstore.Position) (*configstore.Reader, error) {
	o.mu.Lock()
	if o.waitUntil.IsZero() {
		o.waitUntil = time.Now().Add(o.resolver.store.PositionWait())
	}
	left := max(time.Until(o.waitUntil), time.Nanosecond) // 0 would be the whole time again
	o.mu.Unlock()
	return o.resolver.store.FreshReader(ctx, o.resolver.caller(ctx), configstore.Freshness{AtLeast: &at, Wait: left})
}

// reader returns the reader of a query, or one of the newest state for other operations.
func (r *resolver) reader(ctx context.Context) (*configstore.Reader, error) {
	if o := r.operationOf(ctx); o.reader != nil || o.readerErr != nil {
		return o.reader, o.readerErr
	}
	return r.store.Reader(r.caller(ctx))
}

// readerAt returns a reader that includes a position: the one of the operation, unless the position
// has to be waited for.
func (r *resolver) readerAt(ctx context.Context, at eventstore.Position) (*configstore.Reader, error) {
	reader, err := r.reader(ctx)
	if err != nil || at.Seq <= reader.Head().Seq {
		return reader, err
	}
	return r.operationOf(ctx).waitFor(ctx, at)
}

// freshReader returns the reader for a field that asks for freshness. The error says why the reader
// is not as fresh as that.
func (r queryResolver) freshReader(ctx context.Context, c *model.Consistency, atLeast *eventstore.Position) (*configstore.Reader, error) {
	reader, err := r.reader(ctx)
	if err != nil {
		return nil, err
	}
	if c != nil && *c == model.ConsistencyLinearizable {
		if err := r.operationOf(ctx).linearizableErr; err != nil {
			return nil, err
		}
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

// asksFreshness reports whether a root field has an argument about freshness. Most queries have
// none, and their root fields need not be collected.
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

// freshness returns what the root fields of a query ask for together. It ignores malformed
// arguments: their fields refuse them.
func freshness(op *graphql.OperationContext) (linearizable bool, atLeast *eventstore.Position) {
	for _, field := range graphql.CollectFields(op, op.Operation.SelectionSet, []string{"Query"}) {
		if argument(op, field.Arguments, consistencyArgument) == string(model.ConsistencyLinearizable) {
			linearizable = true
		}
		at, err := eventstore.ParsePosition(argument(op, field.Arguments, atLeastArgument))
		if err == nil && (atLeast == nil || at.Seq > atLeast.Seq) {
			atLeast = &at
		}
	}
	return linearizable, atLeast
}

// argument returns the text of an argument, "" when it is not given or no text.
func argument(op *graphql.OperationContext, arguments ast.ArgumentList, name string) string {
	given := arguments.ForName(name)
	if given == nil {
		return ""
	}
	value, _ := given.Value.Value(op.Variables)
	text, _ := value.(string)
	return text
}
