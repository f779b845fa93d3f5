package rest

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// Causes of errors for which the caller of the package knows best what to do. They are found with
// [errors.Is].
var (
	// ErrUseTLS says that a token is not sent over http:// to another machine. [New] and requests
	// return it; [Options.Insecure] allows it.
	ErrUseTLS = errors.New("use https")
	// ErrNoToken says that the server asks for a token, and that the client has none.
	ErrNoToken = errors.New("the server asks for a token, and none was given")
	// ErrRedirected says that the server redirects to another address. The caller may use that one
	// if it trusts it.
	ErrRedirected = errors.New("the server redirects to another address, where a token is not sent by itself")
)

// Outcome is what a client knows of a request that failed.
type Outcome int

const (
	// NotSent says that no byte of the request left: nothing listens at the address, or its
	// certificate is not trusted.
	NotSent Outcome = iota
	// Refused says that the server has answered that it did nothing.
	Refused
	// Unknown says of a write that it may have been made, or may still be made. A read never ends
	// so.
	Unknown
	// Failed says of a read that it was sent, and that no whole answer of ConfigApi came.
	Failed
)

// Error says why a request failed.
type Error struct {
	// Outcome is what is known of the request.
	Outcome Outcome
	// Code is that of the problem, such as [CodeVersionConflict]: see docs/errors.md. "": the
	// answer is none of ConfigApi, or there is none.
	Code string
	// Status is that of the answer, 0 without one.
	Status int
	// Message is a sentence for people.
	Message string
	// Errors are all failures of a change set that was rejected.
	Errors []Failure
	// RequestID leads to the server's log. "": unknown.
	RequestID string
	// Err is the cause of a request without an answer, or one of [ErrNoToken] and [ErrRedirected].
	// It may be nil.
	Err error

	// RetryAfter is how long the server asks to wait before a request is sent again. 0: it does not
	// ask.
	RetryAfter time.Duration
}

// Failure is one reason why a change set was rejected.
type Failure struct {
	Code    string `json:"code"`
	Message string `json:"message"`
	// Path leads to the part of the body that is wrong: "changes", an index, the kind of the
	// change, and its member. nil: the failure is about no part.
	Path []string `json:"path"`
	// Name is that of the config that the failing change of a set is about. "": unknown.
	Name string `json:"-"`
	// Current is the newest state of the config. nil: it has none, or the caller may not see it.
	Current *Revision `json:"current,omitempty"`
	// Change is what was to be undone, of a revert.
	Change *Revision `json:"change,omitempty"`
	// Action is what the caller would have to be granted. "": the failure is another.
	Action string `json:"action,omitempty"`
}

func (e *Error) Error() string {
	text := e.Message
	if e.Code == CodeInternal && e.RequestID != "" {
		text += "; the server's log has it under the request id " + e.RequestID
	}
	return text
}

func (e *Error) Unwrap() error { return e.Err }

// answered returns the error of an answer with another status than 200, or of one that cannot be
// decoded.
func (q *request) answered(c *Client, answer *http.Response, text []byte) *Error {
	e := &Error{Outcome: Refused, Status: answer.StatusCode, RequestID: answer.Header.Get(requestID)}
	if after, err := time.ParseDuration(answer.Header.Get("Retry-After") + "s"); err == nil {
		e.RetryAfter = after
	}
	var p struct {
		Detail, Code   string
		OutcomeUnknown bool   `json:"outcome_unknown"`
		RequestID      string `json:"request_id"`
		Errors         []Failure
	}
	if !strings.HasPrefix(answer.Header.Get("Content-Type"), problemType) || json.Unmarshal(text, &p) != nil || p.Detail == "" {
		return q.foreign(e, answer, text)
	}
	e.Code, e.Message, e.Errors, e.RequestID = p.Code, p.Detail, p.Errors, cmp.Or(p.RequestID, e.RequestID)
	switch {
	case answer.StatusCode == http.StatusUnauthorized && c.token == "":
		e.Message, e.Err = ErrNoToken.Error(), ErrNoToken
	case q.writes() && (p.OutcomeUnknown || p.Code == CodeInternal):
		e.Outcome = Unknown
	}
	return e
}

// foreign returns the error of an answer that is no problem: a fixed text of ConfigApi, or an
// answer of something else, such as a proxy that did not reach the server.
func (q *request) foreign(e *Error, answer *http.Response, text []byte) *Error {
	if answer.StatusCode == http.StatusNotFound && string(text) == "Not Found" && q.missing != "" {
		e.Code, e.Message = CodeNotFound, q.missing
		return e
	}
	switch to := answer.Header.Get("Location"); {
	case answer.StatusCode/100 == 3 && to != "":
		e.Message, e.Err = ErrRedirected.Error(), ErrRedirected
		return e
	case q.writes() && (answer.StatusCode/100 == 5 || answer.StatusCode/100 == 2):
		e.Outcome = Unknown
		e.Message = fmt.Sprintf("the answer %s is not one of ConfigApi: check the address; if it is right, the change may have been made all the same", answer.Status)
		return e
	case !q.writes():
		e.Outcome = Failed
	}
	e.Message = fmt.Sprintf("the answer %s is not one of ConfigApi: check the address", answer.Status)
	return e
}
