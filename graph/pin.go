package graph

import (
	"context"
	"sync"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"

	"configapi/graph/model"
	"configapi/graph/transport"
	"configapi/internal/configstore"
	"configapi/internal/eventstore"
)

// pin is what the fields of one operation share. A query reads at one position throughout, which is
// as fresh as the freshest of its root fields asks for: what one of them waits for, all wait for.
// Mutations and subscriptions have no such reader: what they answer is newer than their beginning.
type pin struct {
	resolver *resolver
	reader   *configstore.Reader // nil: each field reads the newest state
	err      error               // why there is no reader although there should be one
	stale    error               // why the reader is not linearizable although a field asks for that
	reported reported
	moments  configstore.SnapshotCache

	mu        sync.Mutex // guards what is below
	waitUntil time.Time  // when the operation has waited for positions long enough; zero: it has not waited yet
}

type pinKey struct{}

// pinMessage gives a message of a subscription what its fields share. gqlgen calls them with a
// context that does not know the root field, so it is added here: the paths of errors begin with
// it.
func (r *resolver) pinMessage(ctx context.Context, op *graphql.OperationContext) context.Context {
	ctx = r.withPin(ctx)
	for _, root := range graphql.CollectFields(op, op.Operation.SelectionSet, []string{"Subscription"}) {
		ctx = graphql.WithFieldContext(ctx, &graphql.FieldContext{Object: "Subscription", Field: root})
	}
	return ctx
}

// pinned is a context with a pin.
type pinned struct {
	context.Context
	pin pin
}

func (r *resolver) withPin(ctx context.Context) *pinned {
	return &pinned{ctx, pin{resolver: r}}
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

// read gives a query its reader, and waits for what the root fields ask for. A field whose wish
// cannot be met finds that out by itself, from the reader; the others are answered all the same.
func (p *pin) read(ctx context.Context, op *graphql.OperationContext) {
	r := p.resolver
	if asksFreshness(op.Operation.SelectionSet) {
		linearizable, atLeast := freshness(op)
		if linearizable {
			_, p.stale = r.store.FreshReader(ctx, r.caller(ctx), configstore.Freshness{Linearizable: true})
		}
		if atLeast != nil {
			_, _ = p.await(ctx, *atLeast)
		}
	}
	p.reader, p.err = r.store.Reader(r.caller(ctx)) // which is no older than those
}

// await returns a reader that has a position. All waits of the operation together take
// Options.PositionWait at most.
func (p *pin) await(ctx context.Context, at eventstore.Position) (*configstore.Reader, error) {
	p.mu.Lock()
	if p.waitUntil.IsZero() {
		p.waitUntil = time.Now().Add(p.resolver.store.PositionWait())
	}
	left := max(time.Until(p.waitUntil), time.Nanosecond) // 0 would be the whole time again
	p.mu.Unlock()
	return p.resolver.store.FreshReader(ctx, p.resolver.caller(ctx), configstore.Freshness{AtLeast: &at, Wait: left})
}

// pinOf returns what the operation of a context shares.
func (r *resolver) pinOf(ctx context.Context) *pin {
	if p, ok := ctx.Value(pinKey{}).(*pin); ok {
		return p
	}
	return &pin{resolver: r}
}

// reader is the one that the query is pinned to, else one of the newest state.
func (r *resolver) reader(ctx context.Context) (*configstore.Reader, error) {
	if p := r.pinOf(ctx); p.reader != nil || p.err != nil {
		return p.reader, p.err
	}
	return r.store.Reader(r.caller(ctx))
}

// readerWith is a reader that has a position: the one of the operation, unless the position has to
// be waited for.
func (r *resolver) readerWith(ctx context.Context, at eventstore.Position) (*configstore.Reader, error) {
	reader, err := r.reader(ctx)
	if err != nil || at.Seq <= reader.Head().Seq {
		return reader, err
	}
	return r.pinOf(ctx).await(ctx, at)
}

// freshReader is the reader for a field that asks for freshness. The error is why it is not fresh enough.
func (r queryResolver) freshReader(ctx context.Context, c *model.Consistency, atLeast *eventstore.Position) (*configstore.Reader, error) {
	reader, err := r.reader(ctx)
	if err != nil {
		return nil, err
	}
	if c != nil && *c == model.ConsistencyLinearizable {
		if stale := r.pinOf(ctx).stale; stale != nil {
			return nil, stale
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

// asksFreshness reports whether a root field has an argument about freshness. It spares most
// queries the collecting of their fields.
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

// argument is the text that is given for an argument, "" when there is none.
func argument(op *graphql.OperationContext, arguments ast.ArgumentList, name string) string {
	given := arguments.ForName(name)
	if given == nil {
		return ""
	}
	value, _ := given.Value.Value(op.Variables)
	text, _ := value.(string)
	return text
}
