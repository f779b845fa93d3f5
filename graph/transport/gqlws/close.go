package gqlws

import (
	"errors"
	"fmt"

	"github.com/gorilla/websocket"
)

// Close codes of the graphql-transport-ws protocol. Those below 4000 are the websocket's own, and
// have constants in gorilla's package.
const (
	CloseBadRequest         = 4400
	CloseUnauthorized       = 4401
	CloseForbidden          = 4403
	CloseSubprotocol        = 4406
	CloseInitTimeout        = 4408
	CloseDuplicateOperation = 4409
	CloseTooManyInits       = 4429
)

// CloseRestart is the websocket's own close code that asks a client to reconnect.
const CloseRestart = websocket.CloseServiceRestart

// CloseTryAgainLater is the websocket's own close code for a server that cannot decide now.
const CloseTryAgainLater = websocket.CloseTryAgainLater

// CloseError closes the socket with a code and a reason, which the client's program sees. Reasons
// are cut to 123 bytes.
type CloseError struct {
	Code   int
	Reason string
}

func (e *CloseError) Error() string {
	return fmt.Sprintf("closing the websocket with %d: %s", e.Code, e.Reason)
}

func badRequest(format string, args ...any) *CloseError {
	return &CloseError{CloseBadRequest, fmt.Sprintf(format, args...)}
}

func inUse(id string) *CloseError {
	return &CloseError{CloseDuplicateOperation, fmt.Sprintf("Subscriber for %s already exists", id)}
}

// asCloseError hides why [Options.Init] refuses, unless Init returned a [CloseError].
func asCloseError(err error) *CloseError {
	if refused, ok := errors.AsType[*CloseError](err); ok {
		return refused
	}
	return &CloseError{CloseForbidden, "Forbidden"}
}
