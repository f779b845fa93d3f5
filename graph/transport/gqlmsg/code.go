package gqlmsg

import (
	"net/http"

	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/99designs/gqlgen/graphql/errcode"
)

// The values of extensions.code that the transports themselves give. Resolvers and the error
// presenter have more.
const (
	CodeInvalidInput     = "INVALID_INPUT"
	CodeForbidden        = "FORBIDDEN"
	CodeUnavailable      = "UNAVAILABLE"
	CodeInternal         = "INTERNAL"
	CodeLimitExceeded    = "LIMIT_EXCEEDED"
	CodeParseFailed      = errcode.ParseFailed
	CodeValidationFailed = errcode.ValidationFailed

	CodePersistedQueryNotSupported = "PERSISTED_QUERY_NOT_SUPPORTED"
)

// StatusOf returns the HTTP status of a request that failed with these errors before or instead of
// its execution, for clients that know application/graphql-response+json.
func StatusOf(errs gqlerror.List) int {
	for _, err := range errs {
		switch err.Extensions["code"] {
		case "UNAUTHENTICATED":
			return http.StatusUnauthorized
		case CodeForbidden:
			return http.StatusForbidden
		case "RATE_LIMITED":
			return http.StatusTooManyRequests
		case CodeUnavailable:
			return http.StatusServiceUnavailable
		case CodeInternal:
			return http.StatusInternalServerError
		}
	}
	return http.StatusBadRequest
}
