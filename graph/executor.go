package graph

import (
	"context"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/errcode"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"configapi/graph/coerce"
)

// executor checks whole operations before the first field of them is resolved, and executes them.
// It takes the place of gqlgen's own executor, which validates a document before the limits of it
// can be checked, coerces variables a second time, and allocates for extensions that are not there:
// see BenchmarkConfig.
type executor struct {
	schema    graphql.ExecutableSchema
	resolver  *resolver
	documents *documents
	values    map[ast.Operation]*coerce.Schema
	maxCost   int

	present graphql.ErrorPresenterFunc
	recover graphql.RecoverFunc
}

var _ graphql.GraphExecutor = (*executor)(nil)

func newExecutor(root *resolver, limits Limits, cached graphql.Cache[*ast.QueryDocument], show presenter) *executor {
	schema := executable(root)
	return &executor{
		schema:    schema,
		resolver:  root,
		documents: &documents{schema: schema.Schema(), limits: limits, cache: cached},
		values:    values(schema.Schema()),
		maxCost:   limits.Cost,
		present:   show.present,
		recover:   show.recovered,
	}
}

// CreateOperationContext checks the document, the variables, the literals and the cost of a
// request. The context that it returns with errors has what the log and the errors need.
func (e *executor) CreateOperationContext(ctx context.Context, params *graphql.RawParams) (*graphql.OperationContext, gqlerror.List) {
	op := &graphql.OperationContext{
		RawQuery:               params.Query,
		OperationName:          params.OperationName,
		Extensions:             params.Extensions,
		Headers:                params.Headers,
		RecoverFunc:            e.recover,
		ResolverMiddleware:     countField,
		RootResolverMiddleware: sizeBuffer,
	}
	var errs gqlerror.List
	if op.Doc, errs = e.documents.parse(ctx, params.Query); len(errs) > 0 {
		return op, errs
	}
	op.Operation = op.Doc.Operations.ForName(params.OperationName)
	if op.Operation == nil {
		return op, gqlerror.List{invalidDocument("operation " + params.OperationName + " not found")}
	}
	if op.Variables, errs = e.values[op.Operation.Operation].Operation(op.Operation, params.Variables); len(errs) > 0 {
		for _, err := range errs {
			if err.Err == nil {
				errcode.Set(err, errcode.ValidationFailed)
			}
		}
		return op, errs
	}
	if err := checkCost(op, e.maxCost); err != nil {
		return op, gqlerror.List{err}
	}
	return op, nil
}

// DispatchOperation begins an operation, and returns what executes it: a query or a mutation at the
// first call, a message of a subscription at each, until it returns nil.
func (e *executor) DispatchOperation(ctx context.Context, op *graphql.OperationContext) (graphql.ResponseHandler, context.Context) {
	if lookUps := lookUpsOf(op.Operation); lookUps != nil {
		return e.lookUp(op, lookUps), ctx
	}
	ctx = graphql.WithOperationContext(ctx, op)
	if op.Operation.Operation == ast.Subscription {
		return e.subscribe(ctx, op), ctx
	}
	return e.execute(ctx, op)
}

// lookUp returns what executes a look-up.
func (e *executor) lookUp(op *graphql.OperationContext, lookUps []lookUp) graphql.ResponseHandler {
	return func(ctx context.Context) *graphql.Response {
		if ctx.Err() != nil {
			return nil
		}
		if response := e.resolver.lookUp(ctx, op, lookUps); response != nil {
			return response
		}
		next, ctx := e.execute(graphql.WithOperationContext(ctx, op), op)
		return next(ctx)
	}
}

// execute begins a query or a mutation.
func (e *executor) execute(ctx context.Context, op *graphql.OperationContext) (graphql.ResponseHandler, context.Context) {
	pinned := e.resolver.withPin(ctx)
	if op.Operation.Operation == ast.Query {
		pinned.pin.read(ctx, op)
	} else if err := e.resolver.reserve(ctx, op); err != nil {
		return graphql.OneShot(&graphql.Response{}), ctx // the transport says why: the answer was given up
	}
	next := e.schema.Exec(pinned)
	return func(ctx context.Context) *graphql.Response {
		if ctx.Err() != nil {
			return nil
		}
		return respond(e.withResponse(ctx), next)
	}, pinned
}

// subscribe begins a subscription.
func (e *executor) subscribe(ctx context.Context, op *graphql.OperationContext) graphql.ResponseHandler {
	begin := e.withResponse(ctx)
	next := e.schema.Exec(begin)
	if errs := graphql.GetErrors(begin); errs != nil {
		return graphql.OneShot(&graphql.Response{Errors: errs})
	}
	return func(ctx context.Context) *graphql.Response {
		if ctx.Err() != nil {
			return nil
		}
		return respond(e.resolver.pinMessage(e.withResponse(ctx), op), next)
	}
}

// DispatchError returns the response of an operation that is not executed.
func (e *executor) DispatchError(ctx context.Context, errs gqlerror.List) *graphql.Response {
	ctx = e.withResponse(ctx)
	for _, err := range errs {
		graphql.AddError(ctx, err)
	}
	return &graphql.Response{Errors: graphql.GetErrors(ctx)}
}

// PresentRecoveredError shows a panic outside of resolvers. The transports look for this method.
func (e *executor) PresentRecoveredError(ctx context.Context, value any) error {
	return e.present(ctx, e.recover(ctx, value))
}

// withResponse returns a context that collects the errors of one response.
func (e *executor) withResponse(ctx context.Context) context.Context {
	return graphql.WithResponseContext(ctx, e.present, e.recover)
}

// respond returns one response of an operation with the errors that its context has collected.
func respond(ctx context.Context, next graphql.ResponseHandler) *graphql.Response {
	response := next(ctx)
	if response != nil {
		response.Errors = append(response.Errors, graphql.GetErrors(ctx)...)
	}
	return response
}
