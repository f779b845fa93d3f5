package graph

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync/atomic"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"configapi/graph/transport/bounds"
	"configapi/internal/fault"
)

// errPanicked is the error of a field whose resolver has panicked. The panic is in the log already.
var errPanicked = errors.New("a resolver panicked")

// presenter turns errors into what clients see.
type presenter struct {
	requestID func(context.Context) string
	denied    func(context.Context, error) // of a caller that lacks a right
	log       *slog.Logger
}

// logged says which kinds of lines an operation has in the log: it gets one of each kind, also when
// 500 items fail.
type logged struct{ panicked, internal, unavailable atomic.Bool }

// isFirst reports whether the operation has no line of a kind in the log yet. The caller must log
// one then.
func isFirst(ctx context.Context, kind func(*logged) *atomic.Bool) bool {
	o, ok := ctx.Value(operationKey{}).(*operation)
	return !ok || !kind(&o.logged).Swap(true)
}

// present returns what clients see of an error: a stable code, and a text without anything
// internal. It returns nil when the answer has as many errors as it may have.
func (p presenter) present(ctx context.Context, err error) *gqlerror.Error {
	answered := bounds.AnswerOf(ctx)
	if !answered.MaySay() {
		return nil
	}
	if refusal := answered.Explain(err); refusal != nil {
		refusal.Path = graphql.GetPath(ctx)
		return refusal
	}
	var shown *gqlerror.Error
	if errors.As(err, &shown) && shown.Err == nil {
		return shown
	}
	kind := fault.KindOf(err)
	answer := &gqlerror.Error{
		Message:    message(err, shown),
		Path:       graphql.GetPath(ctx),
		Extensions: map[string]any{"code": kind.Code()},
	}
	if shown != nil {
		answer.Locations = shown.Locations
	}
	switch kind {
	case fault.Internal:
		p.internal(ctx, err, answer)
	case fault.Unavailable:
		p.unavailable(ctx, err, answer)
	case fault.Denied:
		if shown != nil {
			err = shown.Err // without the path
		}
		p.denied(ctx, err)
	}
	return answer
}

// internal completes the answer to an internal error. The text of the error goes to the log alone.
func (p presenter) internal(ctx context.Context, err error, answer *gqlerror.Error) {
	answer.Message = fault.InternalMessage
	id := p.requestID(ctx)
	if id != "" {
		answer.Extensions["requestId"] = id
	}
	if !errors.Is(err, errPanicked) && isFirst(ctx, func(l *logged) *atomic.Bool { return &l.internal }) {
		p.log.ErrorContext(ctx, "a GraphQL field failed", "error", err, "request_id", id)
	}
}

// unavailable completes the answer to an error after which the client may try again. It is logged,
// unless the client has disconnected.
func (p presenter) unavailable(ctx context.Context, err error, answer *gqlerror.Error) {
	var unavailable *fault.UnavailableError
	switch {
	case errors.As(err, &unavailable):
		if unavailable.OutcomeUnknown {
			answer.Extensions["outcomeUnknown"] = true
		}
	case !errors.Is(err, fault.ErrNotReady) && !errors.Is(err, fault.ErrRebuilding):
		answer.Message = fault.Message(err)
	}
	if errors.Is(err, context.Canceled) || !isFirst(ctx, func(l *logged) *atomic.Bool { return &l.unavailable }) {
		return
	}
	var cause error
	if unavailable != nil {
		cause = unavailable.Cause
	}
	p.log.WarnContext(ctx, "a GraphQL field failed", "error", err, "cause", cause, "request_id", p.requestID(ctx))
}

// recovered turns a panic of a resolver into an internal error. It logs the stack of the
// operation's first panic.
func (p presenter) recovered(ctx context.Context, value any) error {
	if !isFirst(ctx, func(l *logged) *atomic.Bool { return &l.panicked }) {
		return errPanicked
	}
	p.log.ErrorContext(ctx, "panic in a resolver", "panic", fmt.Sprint(value), "request_id", p.requestID(ctx), "stack", string(debug.Stack()))
	return errPanicked
}

// message returns the text of an error without the path that gqlgen puts before it.
func message(err error, wrapped *gqlerror.Error) string {
	if wrapped != nil {
		return wrapped.Message
	}
	return err.Error()
}
