package graph

import (
	"context"
	"errors"
	"log/slog"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"configapi/internal/configstore"
)

// codes gives each kind of error its extensions.code.
var codes = map[configstore.Kind]string{
	configstore.Internal:           "INTERNAL",
	configstore.InvalidInput:       "INVALID_INPUT",
	configstore.TooLarge:           "INVALID_INPUT",
	configstore.NotFound:           "NOT_FOUND",
	configstore.Deleted:            "DELETED",
	configstore.NotDeleted:         "VERSION_CONFLICT",
	configstore.VersionConflict:    "VERSION_CONFLICT",
	configstore.PositionUnknown:    "POSITION_UNKNOWN",
	configstore.PositionNotReached: "POSITION_NOT_REACHED",
	configstore.Unavailable:        "UNAVAILABLE",
}

// errPanicked stands for a panic that is in the log already.
var errPanicked = errors.New("a resolver panicked")

// presenter shows errors to clients.
type presenter struct {
	requestID func(context.Context) string
	log       *slog.Logger
}

// present turns an error into what clients may see: a stable code, and a text without anything internal.
func (p presenter) present(ctx context.Context, err error) *gqlerror.Error {
	var shown *gqlerror.Error
	if errors.As(err, &shown) && shown.Err == nil {
		return shown // about the document, made by gqlgen
	}
	kind := configstore.KindOf(err)
	answer := &gqlerror.Error{
		Message:    message(err, shown),
		Path:       graphql.GetPath(ctx),
		Extensions: map[string]any{"code": codes[kind]},
	}
	if kind != configstore.Internal {
		return answer
	}
	answer.Message = "internal error"
	if id := p.requestID(ctx); id != "" {
		answer.Extensions["requestId"] = id
	}
	if !errors.Is(err, errPanicked) && !errors.Is(err, context.Canceled) {
		p.log.ErrorContext(ctx, "internal error in a resolver", "error", err, "request_id", p.requestID(ctx))
	}
	return answer
}

// message is the text of an error without the path that gqlgen puts before it.
func message(err error, wrapped *gqlerror.Error) string {
	if wrapped != nil {
		return wrapped.Message
	}
	return err.Error()
}
