package graph

import (
	"context"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"configapi/graph/document"
	"configapi/graph/encode"
	"configapi/internal/fault"
)

// executor checks a whole operation before its first field is resolved, and executes it. It takes
// the place of gqlgen's own executor, which leaves many errors of variables to the fields that use
// them, and validates a document before its limits can be checked: see ADR 0017.
type executor struct {
	schema        graphql.ExecutableSchema
	resolver      *resolver
	documents     *document.Checker
	introspection Introspection
	present       graphql.ErrorPresenterFunc
	recover       graphql.RecoverFunc
}

var _ graphql.GraphExecutor = (*executor)(nil)

func newExecutor(root *resolver, introspection Introspection, errors presenter) *executor {
	schema := executable(root)
	return &executor{
		schema:        schema,
		resolver:      root,
		documents:     document.New(schema.Schema(), document.Options{Prepare: prepare}),
		introspection: introspection,
		present:       errors.present,
		recover:       errors.recovered,
	}
}

// prepare compiles an operation that this package executes without gqlgen.
func prepare(operation *ast.OperationDefinition) any {
	if operation.Operation == ast.Mutation {
		return encode.SetMutationOf(operation)
	}
	return encode.LookupsOf(operation)
}

// CreateOperationContext checks a request: see [document.Checker.Check], and whether the caller may
// introspect. The context that it returns with errors has what the log and the errors need.
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
	if errs := e.documents.Check(op, params.Variables); len(errs) > 0 {
		return op, errs
	}
	if refused := e.introspection.refuse(ctx, e.resolver.store, op.Operation); refused != nil {
		return op, gqlerror.List{refused}
	}
	return op, nil
}

// DispatchOperation begins an operation, and returns the function that executes it. That of a query
// or a mutation is called once. That of a subscription returns one message at each call, and nil
// when there are no more.
func (e *executor) DispatchOperation(ctx context.Context, op *graphql.OperationContext) (graphql.ResponseHandler, context.Context) {
	if refused := e.refuseCaller(ctx); refused != nil {
		return graphql.OneShot(refused), ctx
	}
	var set *encode.SetMutation
	switch prepared := e.documents.Prepared(op.Operation).(type) {
	case encode.Lookups:
		if prepared != nil {
			return e.lookUp(op, prepared), ctx
		}
	case *encode.SetMutation:
		set = prepared
	}
	ctx = graphql.WithOperationContext(ctx, op)
	if op.Operation.Operation == ast.Subscription {
		return e.subscribe(ctx, op), ctx
	}
	return e.execute(ctx, op, set)
}

// refuseCaller returns the response to an operation whose token has ended since its request was let
// in, nil when it has not. Nothing is executed then, so that the status can say so.
func (e *executor) refuseCaller(ctx context.Context) *graphql.Response {
	caller := e.resolver.caller(ctx)
	if caller.Secret == "" {
		return nil
	}
	if _, err := e.resolver.store.Viewer(caller); err != nil && fault.KindOf(err) == fault.Unauthenticated {
		return e.DispatchError(ctx, gqlerror.List{gqlerror.Wrap(err)})
	}
	return nil
}

// execute begins a query or a mutation. set is what prepare has compiled of a mutation; nil: gqlgen
// executes the whole operation.
func (e *executor) execute(ctx context.Context, op *graphql.OperationContext, set *encode.SetMutation) (graphql.ResponseHandler, context.Context) {
	opCtx := e.resolver.withOperation(ctx)
	if op.Operation.Operation == ast.Query {
		opCtx.operation.openReader(ctx, op)
	} else if err := e.resolver.reserveAnswer(ctx, op); err != nil {
		// The answer was given up: the transport says why.
		return graphql.OneShot(&graphql.Response{}), ctx
	}
	return func(ctx context.Context) *graphql.Response {
		if ctx.Err() != nil {
			return nil
		}
		if set != nil {
			if response := e.resolver.set(opCtx, op, set); response != nil {
				return response
			}
		}
		return respond(e.withResponse(ctx), e.schema.Exec(opCtx))
	}, opCtx
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
		return respond(e.resolver.withMessage(e.withResponse(ctx), op), next)
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

// PresentRecoveredError returns the error that clients see for a panic outside of resolvers. The
// transports look for this method.
func (e *executor) PresentRecoveredError(ctx context.Context, value any) error {
	return e.present(ctx, e.recover(ctx, value))
}

// withResponse returns a context that collects the errors of one response.
func (e *executor) withResponse(ctx context.Context) context.Context {
	return graphql.WithResponseContext(ctx, e.present, e.recover)
}

// respond makes one response of an operation, with the errors that its context has collected.
func respond(ctx context.Context, next graphql.ResponseHandler) *graphql.Response {
	response := next(ctx)
	if response != nil {
		response.Errors = append(response.Errors, graphql.GetErrors(ctx)...)
	}
	return response
}
