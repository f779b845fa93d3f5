package transport

import (
	"net/http"
	"strings"
	"unicode/utf8"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/99designs/gqlgen/graphql"

	kinds "configapi/internal/fault"
)

// Codes in extensions.code that the transports themselves give. Resolvers and the error presenter
// have more.
var (
	CodeInvalidInput     = kinds.InvalidInput.GraphQLCode()
	CodeUnavailable      = kinds.Unavailable.GraphQLCode()
	CodeInternal         = kinds.Internal.GraphQLCode()
	CodeLimitExceeded    = kinds.LimitExceeded.GraphQLCode()
	CodeParseFailed      = kinds.ParseFailed.GraphQLCode()
	CodeValidationFailed = kinds.ValidationFailed.GraphQLCode()

	CodePersistedQueryNotSupported = kinds.PersistedQuery.GraphQLCode()
)

const (
	maxRequestErrors = 10
	maxErrorMessage  = 512
	maxErrorPathName = 128
)

// fault is the answer to a request that never got to GraphQL.
type fault struct {
	status  int
	code    string
	message string
	allow   string // for 405
	// hangUp closes the connection after the answer: the rest of the body will not be read.
	hangUp bool
}

func (f *fault) list() gqlerror.List {
	return gqlerror.List{newError(f.code, f.message)}
}

func invalidInput(message string) *fault {
	return &fault{status: http.StatusBadRequest, code: CodeInvalidInput, message: message}
}

func newError(code, message string) *gqlerror.Error {
	return &gqlerror.Error{Message: message, Extensions: map[string]any{"code": code}}
}

// statusOf gives the status of an answer whose request failed before or instead of its execution.
func (m mediaType) statusOf(errs gqlerror.List) int {
	if m != mediaResponse {
		return http.StatusOK
	}
	for _, err := range errs {
		code, _ := err.Extensions["code"].(string)
		if status, own := kinds.ResponseStatus(code); own {
			return status
		}
	}
	return http.StatusBadRequest
}

// requestErrors makes what the parser and the validator say about a document fit for the client: with the right codes,
// not too many, and none so long that it repeats the document.
func requestErrors(opCtx *graphql.OperationContext, errs gqlerror.List) gqlerror.List {
	if opCtx != nil && opCtx.Doc != nil && opCtx.Operation == nil {
		return gqlerror.List{operationNotFound(opCtx)}
	}
	presentable := make(gqlerror.List, 0, min(len(errs), maxRequestErrors))
	for _, err := range errs[:min(len(errs), maxRequestErrors)] {
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
		return newError(CodeValidationFailed, `the document has several operations: say which one in "operationName"`)
	}
	return newError(CodeValidationFailed, `the document has no operation of the name in "operationName"`)
}

// isParserLimit recognises the two limits of the parser by their text, since it exports no errors for them, and gqlgen gives
// them the code of a syntax error.
func isParserLimit(err *gqlerror.Error) bool {
	return err.Extensions["code"] == CodeParseFailed &&
		(strings.HasPrefix(err.Message, "exceeded token limit of ") || strings.HasPrefix(err.Message, "exceeded maximum nesting depth of "))
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
	return cut(text, limit) + "…"
}

// cut cuts text to at most limit bytes, between two characters.
func cut(text string, limit int) string {
	if len(text) <= limit {
		return text
	}
	for limit > 0 && !utf8.RuneStart(text[limit]) {
		limit--
	}
	return text[:limit]
}
