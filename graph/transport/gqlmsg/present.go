package gqlmsg

import (
	"context"
	"errors"

	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/99designs/gqlgen/graphql"

	"configapi/internal/fault"
)

// Create returns the operation of a request. The errors are those of its document or its
// variables, as the client may see them; nothing was executed then.
func Create(ctx context.Context, exec graphql.GraphExecutor, params *graphql.RawParams) (*graphql.OperationContext, gqlerror.List) {
	operation, errs := exec.CreateOperationContext(ctx, params)
	if len(errs) > 0 {
		return nil, Present(graphql.WithOperationContext(ctx, operation), exec, RequestErrors(operation, errs))
	}
	return operation, nil
}

// Present takes errors through the handler's error presenter. A presenter that hides all of them is
// ignored: an answer without data must have an error.
func Present(ctx context.Context, exec graphql.GraphExecutor, errs gqlerror.List) gqlerror.List {
	if presented := exec.DispatchError(ctx, errs); presented != nil && len(presented.Errors) > 0 {
		return presented.Errors
	}
	return errs
}

// PresentPanic gives a panic to the handler's recover function, which logs it, and then to its
// error presenter. It is for panics outside of resolvers: gqlgen itself recovers those inside.
func PresentPanic(ctx context.Context, exec graphql.GraphExecutor, value any) (errs gqlerror.List) {
	errs = gqlerror.List{NewError(fault.Internal, "internal error")}
	// A presenter that panics as well must not end the process.
	defer func() { _ = recover() }()
	presenter, ok := exec.(interface {
		PresentRecoveredError(ctx context.Context, value any) error
	})
	if !ok {
		return errs
	}
	presented, ok := errors.AsType[*gqlerror.Error](presenter.PresentRecoveredError(ctx, value))
	if !ok || presented == nil {
		return errs
	}
	if presented.Extensions["code"] == nil {
		return gqlerror.List{NewError(fault.Internal, presented.Message)}
	}
	return gqlerror.List{presented}
}
