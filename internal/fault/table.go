package fault

import (
	"net/http"
)

// Kind is what an error means to the caller, and so what the caller can do about it. What a kind is
// on each edge stands in one table: the methods of Kind read it, and docs/errors.md is made from
// it.
type Kind int

// The kinds that [KindOf] finds. An error of no other kind is Internal: its text goes to the log,
// not to the client.
const (
	Internal            Kind = iota
	InvalidInput             // an input breaks a rule
	TooLarge                 // an input is larger than the limit
	NotFound                 // the name never had a config
	Deleted                  // the config is deleted
	NotDeleted               // the config to restore is not deleted
	VersionConflict          // the config has another version or newest revision than expected
	PositionUnknown          // the history never handed out the position
	PositionNotReached       // the position was not applied in time
	IdempotencyMismatch      // the idempotency key was used for another command
	Stale                    // the config has changed since the caller looked at it
	RevertBlocked            // the config has changed since the change set that is to be undone
	Erased                   // a value that is needed was erased
	Denied                   // the caller may not do that, whatever there is
	Unauthenticated          // the caller does not prove who it is, where it must
	Unavailable              // nothing can be read or written now, or the caller's time is over
)

// The kinds of refusals that edges decide on their own, before the config store is asked.
const (
	LimitExceeded    Kind = iota + Unavailable + 1 // one answer may not hold or cost that much
	TooManyStreams                                 // the address has as many streams as it may have
	MethodNotAllowed                               // the path does not have the method
	NotAcceptable                                  // the client accepts no form that the answer has
	BodyTimeout                                    // the body did not come in time
	UnsupportedMedia                               // the body has a wrong content type or a coding
	Forbidden                                      // the page may not send requests here
	WrongHost                                      // the server does not answer for the host
	RateLimited                                    // the address has sent too many refused tokens
	OpenServer                                     // the server is open to everyone, and others may reach it
	SchemaHidden                                   // the server does not show its schema to the caller
	ParseFailed                                    // the document is not GraphQL
	ValidationFailed                               // the document does not fit the schema
	PersistedQuery                                 // the client asks for a document by its hash
)

// Codes that several kinds share. Clients rely on all codes, so a code never changes.
const (
	invalidInput  = "INVALID_INPUT"
	limitExceeded = "LIMIT_EXCEEDED"
	forbidden     = "FORBIDDEN"
)

// row is what a kind is on each edge.
type row struct {
	code   string // in problem details and in GraphQL
	status int    // of an HTTP answer that is this error
	// response is the status of a GraphQL answer without data as application/graphql-response+json.
	// 0: 400.
	response int
	exit     int // of a command that ends with the error
	meaning  string
	advice   string
}

// table is the one place that says what a kind is to clients.
var table = [...]row{
	Internal: {code: "INTERNAL", status: http.StatusInternalServerError, response: http.StatusInternalServerError, exit: ExitFailed,
		meaning: "A fault of the server. The log has the details under the request id of the answer.",
		advice:  "Report the request id. A write may have been made: read the config before sending it again."},
	InvalidInput: {code: invalidInput, status: http.StatusBadRequest, exit: ExitInvalid,
		meaning: "A name, a value, a header, a parameter or another input breaks a rule. The text names the input and the rule.",
		advice:  "Correct the input."},
	TooLarge: {code: invalidInput, status: http.StatusRequestEntityTooLarge, exit: ExitInvalid,
		meaning: "The body or the value is larger than the limit, which the text names.",
		advice:  "Send less, or have the limit raised with `--max-value`."},
	NotFound: {code: "NOT_FOUND", status: http.StatusNotFound, exit: ExitNotFound,
		meaning: "The name never had a config, or the path leads to nothing.",
		advice:  "Check the name; `/` in a name is `%2F` in a path."},
	Deleted: {code: "DELETED", status: http.StatusGone, exit: ExitNotFound,
		meaning: "The config is deleted, and a deleted config takes no value and no second deletion.",
		advice:  "Restore it, or set it with `Config-Restore: true`."},
	NotDeleted: {code: "NOT_DELETED", status: http.StatusConflict, exit: ExitConflict,
		meaning: "The config to restore is not deleted.",
		advice:  "Set the value instead."},
	VersionConflict: {code: "VERSION_CONFLICT", status: http.StatusPreconditionFailed, exit: ExitConflict,
		meaning: "The config has another version or newest revision than the request expects. The answer has the present one.",
		advice:  "Read the config, decide again, and send the request with what was read."},
	PositionUnknown: {code: "POSITION_UNKNOWN", status: http.StatusBadRequest, exit: ExitInvalid,
		meaning: "This history does not have the position, and cannot come to have it.",
		advice:  "Forget the position and begin again without it."},
	PositionNotReached: {code: "POSITION_NOT_REACHED", status: http.StatusGatewayTimeout, exit: ExitUnreachable,
		meaning: "The history has the position, but this node did not apply it within the time that the request allows.",
		advice:  "Try again, or allow a longer wait."},
	IdempotencyMismatch: {code: "IDEMPOTENCY_MISMATCH", status: http.StatusUnprocessableEntity, exit: ExitConflict,
		meaning: "The idempotency key came with another request before. Nothing was written.",
		advice:  "Take a new key for each request that is not a repetition."},
	Stale: {code: "STALE", status: http.StatusConflict, exit: ExitConflict,
		meaning: "The config has changed after the position `asSeenAt`.",
		advice:  "Look at the configs again, decide again, and send the request with the position that you looked at."},
	RevertBlocked: {code: "REVERT_CONFLICT", status: http.StatusConflict, exit: ExitConflict,
		meaning: "The config has changed since the change set that is to be undone.",
		advice:  "Undo the set with `SKIP` to leave such configs as they are, or with `OVERWRITE` to undo it all the same."},
	Erased: {code: "ERASED", status: http.StatusConflict, exit: ExitConflict,
		meaning: "A value that is needed was erased for good.",
		advice:  "Give the value, or leave the config out."},
	Denied: {code: forbidden, status: http.StatusForbidden, response: http.StatusForbidden, exit: ExitDenied,
		meaning: "The caller may not do that, whatever there is. The answer says which action it takes, and on what. " +
			"Or what the caller may read has changed: a stream ends, or does not go on from a position of before.",
		advice: "Use a token that grants the action there, or leave out the parts that the answer names. " +
			"Of a stream: read the configs anew, and drop what is no longer there."},
	Unauthenticated: {code: "UNAUTHENTICATED", status: http.StatusUnauthorized, response: http.StatusUnauthorized, exit: ExitDenied,
		meaning: "There is no token where one is needed, or one that is mistyped or not valid.",
		advice:  "Send a valid token. What is said of a retry says nothing about the first try."},
	Unavailable: {code: "UNAVAILABLE", status: http.StatusServiceUnavailable, response: http.StatusServiceUnavailable, exit: ExitUnreachable,
		meaning: "The store is unreachable, the server is starting, stopping or busy, or the time of the request is over.",
		advice: "Try again after `Retry-After`. When the answer says that the outcome is unknown, read the config first, " +
			"or repeat the request with the same idempotency key."},

	LimitExceeded: {code: limitExceeded, status: http.StatusRequestEntityTooLarge, exit: ExitInvalid,
		meaning: "The request asks for more than one answer may hold or cost. The text names the limit.",
		advice:  "Ask for less at a time: a smaller page, fewer fields, fewer operations."},
	TooManyStreams: {code: limitExceeded, status: http.StatusTooManyRequests, exit: ExitInvalid,
		meaning: "The address of the client has as many streams as it may have.",
		advice:  "End a stream first."},
	MethodNotAllowed: {code: invalidInput, status: http.StatusMethodNotAllowed, exit: ExitInvalid,
		meaning: "The path does not have the method.",
		advice:  "Use a method that the header `Allow` names."},
	NotAcceptable: {code: invalidInput, status: http.StatusNotAcceptable, exit: ExitInvalid,
		meaning: "`Accept` takes none of the forms that the answer can have.",
		advice:  "Accept a form that the text names."},
	BodyTimeout: {code: invalidInput, status: http.StatusRequestTimeout, exit: ExitInvalid,
		meaning: "The body of the request did not come in time.",
		advice:  "Send the request again."},
	UnsupportedMedia: {code: invalidInput, status: http.StatusUnsupportedMediaType, exit: ExitInvalid,
		meaning: "The body has a content type that the path does not take, or a content coding.",
		advice:  "Send a content type that the text names, in UTF-8 and without a content coding."},
	RateLimited: {code: "RATE_LIMITED", status: http.StatusTooManyRequests, response: http.StatusTooManyRequests, exit: ExitDenied,
		meaning: "Too many tokens that were refused came from one address, or too many from all addresses together. A valid token never gets this.",
		advice:  "Send a valid token, or try again after `Retry-After`. What is said of a retry says nothing about the first try."},
	OpenServer: {code: forbidden, status: http.StatusForbidden, response: http.StatusForbidden, exit: ExitDenied,
		meaning: "No token was ever issued, so that the server serves its own machine alone, and the request may come from elsewhere: a proxy has sent it on, for example.",
		advice:  "Make a first token, or start the server with `--allow-anonymous`."},
	SchemaHidden: {code: forbidden, status: http.StatusForbidden, response: http.StatusForbidden, exit: ExitDenied,
		meaning: "The operation introspects, and the server does not show its schema to the caller: see `--introspection`.",
		advice:  "Send a token, or take the schema from `schema.graphql`."},
	Forbidden: {code: forbidden, status: http.StatusForbidden, response: http.StatusForbidden, exit: ExitDenied,
		meaning: "The request comes from a page of another origin.",
		advice:  "Have the origin allowed with `--allow-origin`."},
	WrongHost: {code: forbidden, status: http.StatusMisdirectedRequest, exit: ExitDenied,
		meaning: "The server does not answer for the host that the request names.",
		advice:  "Have the host allowed with `--allow-host`."},
	ParseFailed: {code: "GRAPHQL_PARSE_FAILED", status: http.StatusBadRequest, exit: ExitInvalid,
		meaning: "The document is not GraphQL.",
		advice:  "Correct the document at the place that `locations` names."},
	ValidationFailed: {code: "GRAPHQL_VALIDATION_FAILED", status: http.StatusBadRequest, exit: ExitInvalid,
		meaning: "The document does not fit the schema, or the variables do not fit the document.",
		advice:  "Correct the document or the variables."},
	PersistedQuery: {code: "PERSISTED_QUERY_NOT_SUPPORTED", status: http.StatusOK, exit: ExitInvalid,
		meaning: "The request names a document by its hash, and the server keeps no documents.",
		advice:  "Send the whole document."},
}

// Code returns the code of the kind: in problem details, in extensions.code and in UserError.code.
func (k Kind) Code() string { return table[k].code }

// Status returns the status of an HTTP answer that is an error of this kind.
func (k Kind) Status() int { return table[k].status }

// ExitCode returns the exit code of a command that ends with an error of this kind. Kinds with the
// same code have the same exit code.
func (k Kind) ExitCode() int { return table[k].exit }

// ResponseStatus returns the status of a GraphQL answer without data, as
// application/graphql-response+json, whose first error with a status of its own has this code. own
// reports whether the code has one; otherwise the status is 400.
func ResponseStatus(code string) (status int, own bool) {
	for _, row := range table {
		if row.code == code && row.response != 0 {
			return row.response, true
		}
	}
	return http.StatusBadRequest, false
}
