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

	"configapi/graph/transport"
	"configapi/internal/fault"
)

// codes gives each kind of error its extensions.code.
var codes = [...]string{
	fault.Internal:            "INTERNAL",
	fault.InvalidInput:        "INVALID_INPUT",
	fault.TooLarge:            "INVALID_INPUT",
	fault.NotFound:            "NOT_FOUND",
	fault.Deleted:             "DELETED",
	fault.NotDeleted:          "VERSION_CONFLICT",
	fault.VersionConflict:     "VERSION_CONFLICT",
	fault.PositionUnknown:     "POSITION_UNKNOWN",
	fault.PositionNotReached:  "POSITION_NOT_REACHED",
	fault.IdempotencyMismatch: "IDEMPOTENCY_MISMATCH",
	fault.Unavailable:         "UNAVAILABLE",
}

// errPanicked stands for a panic that is in the log already.
var errPanicked = errors.New("a resolver panicked")

// presenter shows errors to clients.
type presenter struct {
	requestID func(context.Context) string
	log       *slog.Logger
}

// reported keeps what one answer has put into the log, so that a fault in each of 500 items is one
// line.
type reported struct{ panicked, internal, unavailable atomic.Bool }

// isNews reports whether the log has no such line of this answer yet, and notes that it has now.
func isNews(ctx context.Context, line func(*reported) *atomic.Bool) bool {
	p, ok := ctx.Value(pinKey{}).(*pin)
	return !ok || !line(&p.reported).Swap(true)
}

// present turns an error into what clients may see: a stable code, and a text without anything internal.
// It returns nil when the answer has no place for one more.
func (p presenter) present(ctx context.Context, err error) *gqlerror.Error {
	room := transport.AnswerOf(ctx)
	if !room.MaySay() {
		return nil
	}
	if refusal := room.Explain(err); refusal != nil {
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
		Extensions: map[string]any{"code": codes[kind]},
	}
	if shown != nil {
		answer.Locations = shown.Locations
	}
	switch kind {
	case fault.Internal:
		p.internal(ctx, err, answer)
	case fault.Unavailable:
		p.unavailable(ctx, err, answer)
	}
	return answer
}

// internal hides an error. Its text is for the log.
func (p presenter) internal(ctx context.Context, err error, answer *gqlerror.Error) {
	answer.Message = "something went wrong here; the request id leads to the details in the server's log"
	id := p.requestID(ctx)
	if id != "" {
		answer.Extensions["requestId"] = id
	}
	if !errors.Is(err, errPanicked) && isNews(ctx, func(r *reported) *atomic.Bool { return &r.internal }) {
		p.log.ErrorContext(ctx, "answering a GraphQL field", "error", err, "request_id", id)
	}
}

// unavailable completes the answer to what may be tried again. A client that is gone is no news for the log.
func (p presenter) unavailable(ctx context.Context, err error, answer *gqlerror.Error) {
	var unavailable *fault.UnavailableError
	switch {
	case errors.As(err, &unavailable):
		if unavailable.OutcomeUnknown {
			answer.Extensions["outcomeUnknown"] = true
		}
	case !errors.Is(err, fault.ErrNotReady) && !errors.Is(err, fault.ErrRebuilding):
		answer.Message = "the request ran out of time"
	}
	if errors.Is(err, context.Canceled) || !isNews(ctx, func(r *reported) *atomic.Bool { return &r.unavailable }) {
		return
	}
	var cause error
	if unavailable != nil {
		cause = unavailable.Cause
	}
	p.log.WarnContext(ctx, "answering a GraphQL field", "error", err, "cause", cause, "request_id", p.requestID(ctx))
}

// recovered turns a panic of a resolver into an internal error. The stack of the first one of an
// answer goes to the log.
func (p presenter) recovered(ctx context.Context, value any) error {
	if !isNews(ctx, func(r *reported) *atomic.Bool { return &r.panicked }) {
		return errPanicked
	}
	p.log.ErrorContext(ctx, "panic in a resolver", "panic", fmt.Sprint(value), "request_id", p.requestID(ctx), "stack", string(debug.Stack()))
	return errPanicked
}

// message is the text of an error without the path that gqlgen puts before it.
func message(err error, wrapped *gqlerror.Error) string {
	if wrapped != nil {
		return wrapped.Message
	}
	return err.Error()
}
