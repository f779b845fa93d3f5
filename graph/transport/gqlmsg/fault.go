package gqlmsg

import (
	"net/http"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/99designs/gqlgen/graphql"

	"configapi/internal/excerpt"
	"configapi/internal/fault"
)

const (
	// MaxRequestErrors is how many errors a refused document gives.
	MaxRequestErrors = 10

	maxErrorMessage  = 512 // bytes
	maxErrorPathName = 128 // bytes
)

// Fault answers a request in the place of GraphQL.
type Fault struct {
	// Kind decides the code, which all protocols have.
	Kind fault.Kind
	// Status is the status over HTTP. 0: that of the kind.
	Status  int
	Message string
	Allow   string // the header of that name, for 405
	// HangUp closes the connection after the answer: the rest of the body will not be read.
	HangUp bool
}

// HTTPStatus returns the status of the fault over HTTP.
func (f *Fault) HTTPStatus() int {
	if f.Status != 0 {
		return f.Status
	}
	return f.Kind.Status()
}

// List returns the fault as GraphQL errors.
func (f *Fault) List() gqlerror.List { return gqlerror.List{NewError(f.Kind, f.Message)} }

// InvalidInput returns the fault of a request that is none.
func InvalidInput(message string) *Fault {
	return &Fault{Kind: fault.InvalidInput, Message: message}
}

// PersistedNotSupported is the message that has clients send their whole documents from then on:
// Apollo's and urql's look for it, or for its code, in an answer of status 200.
const PersistedNotSupported = "PersistedQueryNotSupported"

// PersistedFault returns the fault of a request that names its document by a hash alone.
func PersistedFault() *Fault {
	return &Fault{Kind: fault.PersistedQuery, Message: PersistedNotSupported}
}

// NewError returns an error of a kind.
func NewError(kind fault.Kind, message string) *gqlerror.Error {
	return &gqlerror.Error{Message: message, Extensions: map[string]any{"code": kind.Code()}}
}

// StatusOf returns the HTTP status of a request that failed with these errors before or instead of
// its execution, for clients that know application/graphql-response+json.
func StatusOf(errs gqlerror.List) int {
	for _, err := range errs {
		code, _ := err.Extensions["code"].(string)
		if status, own := fault.ResponseStatus(code); own {
			return status
		}
	}
	return http.StatusBadRequest
}

// RequestErrors makes the errors of the parser and the validator fit for the client: they get the
// right codes, are not too many, and none is so long that it repeats the document. The errors that
// are given are not changed.
func RequestErrors(opCtx *graphql.OperationContext, errs gqlerror.List) gqlerror.List {
	if opCtx != nil && opCtx.Doc != nil && opCtx.Operation == nil {
		return gqlerror.List{operationNotFound(opCtx)}
	}
	presentable := make(gqlerror.List, 0, min(len(errs), MaxRequestErrors))
	for _, err := range errs[:min(len(errs), MaxRequestErrors)] {
		clean := *err
		clean.Path = shortPath(err.Path)
		clean.Message = excerpt.Of(err.Message, maxErrorMessage)
		if isParserLimit(err) {
			clean.Extensions = map[string]any{"code": fault.LimitExceeded.Code()}
		}
		presentable = append(presentable, &clean)
	}
	return presentable
}

// operationNotFound replaces gqlgen's message, which does not say what to do.
func operationNotFound(opCtx *graphql.OperationContext) *gqlerror.Error {
	if opCtx.OperationName == "" {
		return NewError(fault.ValidationFailed, `the document has several operations: say which one in "operationName"`)
	}
	return NewError(fault.ValidationFailed, `the document has no operation of the name in "operationName"`)
}

// isParserLimit recognises the two limits of the parser by their text: gqlparser exports no errors
// for them, and gqlgen gives them the code of a syntax error.
func isParserLimit(err *gqlerror.Error) bool {
	return err.Extensions["code"] == fault.ParseFailed.Code() &&
		(strings.HasPrefix(err.Message, "exceeded token limit of ") ||
			strings.HasPrefix(err.Message, "exceeded maximum nesting depth of "))
}

func shortPath(path ast.Path) ast.Path {
	for i, element := range path {
		if name, ok := element.(ast.PathName); ok && len(name) > maxErrorPathName {
			return path[:i:i]
		}
	}
	return path
}
