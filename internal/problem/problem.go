// Package problem writes the errors that edges answer with over HTTP: problem details, RFC 9457.
//
// Besides the members of the RFC there is always code, so that a program can decide by the code
// whichever edge it came from. Status and code are those of the error's kind: see package fault.
// The type is always about:blank; docs/errors.md says what each code means.
package problem

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"

	"configapi/internal/fault"
)

// ContentType is the media type of a problem.
const ContentType = "application/problem+json"

// retryAfter is in how many seconds a client may try again after a 503.
const retryAfter = "1"

// Values of WWW-Authenticate, RFC 6750. Challenge asks a client for a token, and Rejected for
// another one than it has sent.
const (
	Challenge = `Bearer realm="configapi"`
	Rejected  = Challenge + `, error="invalid_token"`

	challengeHeader = "WWW-Authenticate"
)

// Problem is one error as a client sees it.
type Problem struct {
	// Kind decides the code, and the status unless Status is set. The title is the status's own
	// phrase, as RFC 9457 wants it for about:blank.
	Kind fault.Kind
	// Status is the status of the answer. 0: that of Kind.
	Status int
	// Detail says what is wrong, for people. It must be safe to show: no text of an internal error.
	Detail string
	// RequestID leads to the log. "": left out.
	RequestID string
	// Action is what the client would have to be granted. "": left out.
	Action string
	// CurrentVersion is the version that the config has; 0 when its name has none. nil: left out.
	CurrentVersion *int
	// OutcomeUnknown reports whether a write may have been made all the same. false: left out.
	OutcomeUnknown bool
}

// Write answers with the problem. A 503 gets a Retry-After, and a 401 the challenge [Rejected]
// unless it has another. The caller sets other headers before.
func (p Problem) Write(w http.ResponseWriter) {
	body := p.JSON()
	h := w.Header()
	h.Set("Content-Type", ContentType)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Length", strconv.Itoa(len(body)))
	switch p.status() {
	case http.StatusServiceUnavailable:
		h.Set("Retry-After", retryAfter)
	case http.StatusUnauthorized:
		if h.Get(challengeHeader) == "" {
			h.Set(challengeHeader, Rejected)
		}
	}
	w.WriteHeader(p.status())
	_, _ = w.Write(body) // fails when the client has disconnected
}

// Response returns a whole HTTP/1.1 response with the problem, which ends its connection. It is for
// a connection that no HTTP server serves.
func (p Problem) Response() string {
	status, body, more := p.status(), p.JSON(), ""
	if status == http.StatusServiceUnavailable {
		more = "Retry-After: " + retryAfter + "\r\n"
	}
	return fmt.Sprintf("HTTP/1.1 %d %s\r\nContent-Type: %s\r\nContent-Length: %d\r\n%sConnection: close\r\n\r\n%s",
		status, http.StatusText(status), ContentType, len(body), more, body)
}

// JSON returns the problem as it is written, for an answer that has begun already.
func (p Problem) JSON() []byte {
	status := p.status()
	body, _ := json.Marshal(struct { // texts and numbers always have a JSON
		Type           string `json:"type"`
		Title          string `json:"title"`
		Status         int    `json:"status"`
		Detail         string `json:"detail"`
		Code           string `json:"code"`
		Action         string `json:"action,omitempty"`
		CurrentVersion *int   `json:"current_version,omitempty"`
		OutcomeUnknown bool   `json:"outcome_unknown,omitempty"`
		RequestID      string `json:"request_id,omitempty"`
	}{"about:blank", http.StatusText(status), status, p.Detail, p.Kind.Code(), p.Action, p.CurrentVersion, p.OutcomeUnknown, p.RequestID})
	return body
}

func (p Problem) status() int { return cmp.Or(p.Status, p.Kind.Status()) }
