package gqlmsg

import (
	"net/http"
	"strings"
	"unicode/utf8"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/99designs/gqlgen/graphql"
)

const (
	// MaxRequestErrors is how many errors a refused document gives.
	MaxRequestErrors = 10

	maxErrorMessage  = 512 // bytes
	maxErrorPathName = 128 // bytes
)

// Fault answers a request in the place of GraphQL. Over HTTP its status is Status; all protocols
// have its code and message.
type Fault struct {
	Status  int
	Code    string
	Message string
	Allow   string // the header of that name, for 405
	// HangUp closes the connection after the answer: the rest of the body will not be read.
	HangUp bool
}

// List returns the fault as GraphQL errors.
func (f *Fault) List() gqlerror.List { return gqlerror.List{NewError(f.Code, f.Message)} }

// InvalidInput returns the fault of a request that is none.
func InvalidInput(message string) *Fault {
	return &Fault{Status: http.StatusBadRequest, Code: CodeInvalidInput, Message: message}
}

// PersistedNotSupported is the message that has clients send their whole documents from then on:
// Apollo's and urql's look for it, or for its code, in an answer of status 200.
const PersistedNotSupported = "PersistedQueryNotSupported"

// PersistedFault returns the fault of a request that names its document by a hash alone.
func PersistedFault() *Fault {
	return &Fault{Status: http.StatusOK, Code: CodePersistedQueryNotSupported, Message: PersistedNotSupported}
}

// NewError returns an error of a code.
func NewError(code, message string) *gqlerror.Error {
	return &gqlerror.Error{Message: message, Extensions: map[string]any{"code": code}}
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
		clean.Message = shorten(err.Message, maxErrorMessage)
		if isParserLimit(err) {
			clean.Extensions = map[string]any{"code": CodeLimitExceeded}
		}
		presentable = append(presentable, &clean)
	}
	return presentable
}

// operationNotFound replaces gqlgen's message, which does not say what to do.
func operationNotFound(opCtx *graphql.OperationContext) *gqlerror.Error {
	if opCtx.OperationName == "" {
		return NewError(CodeValidationFailed, `the document has several operations: say which one in "operationName"`)
	}
	return NewError(CodeValidationFailed, `the document has no operation of the name in "operationName"`)
}

// isParserLimit recognises the two limits of the parser by their text: gqlparser exports no errors
// for them, and gqlgen gives them the code of a syntax error.
func isParserLimit(err *gqlerror.Error) bool {
	return err.Extensions["code"] == CodeParseFailed &&
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

func shorten(text string, limit int) string {
	if len(text) <= limit {
		return text
	}
	return Cut(text, limit) + "…"
}

// Cut returns the beginning of a text, of at most limit bytes, cut between two characters.
func Cut(text string, limit int) string {
	if len(text) <= limit {
		return text
	}
	for limit > 0 && !utf8.RuneStart(text[limit]) {
		limit--
	}
	return text[:limit]
}
