package rest

// Codes of errors that programs decide by. docs/errors.md says what each means.
const (
	CodeInternal            = "INTERNAL"
	CodeInvalidInput        = "INVALID_INPUT"
	CodeNotFound            = "NOT_FOUND"
	CodeDeleted             = "DELETED"
	CodeNotDeleted          = "NOT_DELETED"
	CodeVersionConflict     = "VERSION_CONFLICT"
	CodePositionUnknown     = "POSITION_UNKNOWN"
	CodePositionNotReached  = "POSITION_NOT_REACHED"
	CodeIdempotencyMismatch = "IDEMPOTENCY_MISMATCH"
	CodeStale               = "STALE"
	CodeRevertConflict      = "REVERT_CONFLICT"
	CodeErased              = "ERASED"
	CodeForbidden           = "FORBIDDEN"
	CodeUnauthenticated     = "UNAUTHENTICATED"
	CodeUnavailable         = "UNAVAILABLE"
	CodeLimitExceeded       = "LIMIT_EXCEEDED"
	CodeRateLimited         = "RATE_LIMITED"
)
