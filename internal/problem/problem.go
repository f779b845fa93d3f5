// Package problem writes the errors that edges answer with over HTTP: problem details, RFC 9457.
//
// Besides the members of the RFC there is always code, one of the codes that GraphQL has in extensions.code, so that a
// program may decide by the code whichever edge it came from. The type is always about:blank: what is to be known stands in
// code and detail.
//
// It knows no errors of the service: each edge has a table of its own from kinds of errors to problems.
package problem

import (
	"encoding/json"
	"net/http"
	"strconv"
)

// The codes. Clients rely on them.
const (
	InvalidInput        = "INVALID_INPUT"
	NotFound            = "NOT_FOUND"
	Deleted             = "DELETED"
	NotDeleted          = "NOT_DELETED"
	VersionConflict     = "VERSION_CONFLICT"
	IdempotencyMismatch = "IDEMPOTENCY_MISMATCH"
	PositionUnknown     = "POSITION_UNKNOWN"
	PositionNotReached  = "POSITION_NOT_REACHED"
	Forbidden           = "FORBIDDEN"
	LimitExceeded       = "LIMIT_EXCEEDED"
	Unavailable         = "UNAVAILABLE"
	Internal            = "INTERNAL"
)

// ContentType is the media type of a problem.
const ContentType = "application/problem+json"

// retryAfter is in how many seconds a client may try again after a 503.
const retryAfter = "1"

// Problem is one error as a client sees it.
type Problem struct {
	// Status is the HTTP status. The title is the status's own phrase, as RFC 9457 wants it for about:blank.
	Status int
	// Code is one of the codes.
	Code string
	// Detail says what is wrong, for people. It must be safe to show: no text of an internal error.
	Detail string
	// RequestID leads to the log. "": left out.
	RequestID string
	// CurrentVersion is the version that the config has; 0 when its name has none. nil: left out.
	CurrentVersion *int
	// OutcomeUnknown tells that a write may have been made all the same. false: left out.
	OutcomeUnknown bool
}

// Write answers with the problem. A 503 gets a Retry-After. Other headers are the caller's, who sets them before.
func (p Problem) Write(w http.ResponseWriter) {
	body := p.JSON()
	h := w.Header()
	h.Set("Content-Type", ContentType)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Length", strconv.Itoa(len(body)))
	if p.Status == http.StatusServiceUnavailable {
		h.Set("Retry-After", retryAfter)
	}
	w.WriteHeader(p.Status)
	_, _ = w.Write(body) // a client that is gone needs no answer
}

// JSON is the problem as it is written, for an answer that has begun already.
func (p Problem) JSON() []byte {
	body, _ := json.Marshal(struct { // texts and numbers always have a JSON
		Type           string `json:"type"`
		Title          string `json:"title"`
		Status         int    `json:"status"`
		Detail         string `json:"detail"`
		Code           string `json:"code"`
		CurrentVersion *int   `json:"current_version,omitempty"`
		OutcomeUnknown bool   `json:"outcome_unknown,omitempty"`
		RequestID      string `json:"request_id,omitempty"`
	}{"about:blank", http.StatusText(p.Status), p.Status, p.Detail, p.Code, p.CurrentVersion, p.OutcomeUnknown, p.RequestID})
	return body
}
