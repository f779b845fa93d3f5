package gqlmsg

import (
	"net/http"
	"strconv"

	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/99designs/gqlgen/graphql"
)

// Media is one of the forms of an answer over HTTP.
type Media int

const (
	// MediaNone: the client takes none of the forms.
	MediaNone Media = iota
	// MediaEventStream is text/event-stream.
	MediaEventStream
	// MediaJSON is for clients that know nothing but application/json. To them any status but 200
	// may look like a broken server.
	MediaJSON
	// MediaResponse is application/graphql-response+json, whose statuses say what happened. Its
	// bytes are those of MediaJSON.
	MediaResponse
)

// StatusOf returns the status of a request that failed before or instead of its execution. When its
// caller is no longer known, because the token was revoked meanwhile, it is 401 in both forms.
func (m Media) StatusOf(errs gqlerror.List) int {
	if status := StatusOf(errs); m == MediaResponse || status == http.StatusUnauthorized {
		return status
	}
	return http.StatusOK
}

// The headers of each answer, shared by all answers: setting them one by one takes 3 more
// allocations, a twentieth of the time of BenchmarkConfig of package graph. They must not be
// changed.
var (
	contentTypeJSON     = []string{"application/json; charset=utf-8"}
	contentTypeResponse = []string{"application/graphql-response+json; charset=utf-8"}
	noSniff             = []string{"nosniff"}
	noStore             = []string{"no-store"}
)

// bufferedByServer is up to how many bytes net/http finds out the Content-Length by itself.
const bufferedByServer = 2048

// WriteHeader writes the status and the headers of an answer in JSON of so many bytes.
func WriteHeader(w http.ResponseWriter, media Media, status, length int) {
	header := w.Header()
	header["Content-Type"] = contentTypeJSON
	if media == MediaResponse {
		header["Content-Type"] = contentTypeResponse
	}
	header["X-Content-Type-Options"] = noSniff
	header["Cache-Control"] = noStore
	if length > bufferedByServer {
		header.Set("Content-Length", strconv.Itoa(length))
	}
	w.WriteHeader(status)
}

// Write writes a whole answer. Its error would mean that the client has gone.
func Write(w http.ResponseWriter, media Media, status int, body []byte) {
	WriteHeader(w, media, status, len(body))
	_, _ = w.Write(body)
}

// WriteErrors writes an answer without data.
func WriteErrors(w http.ResponseWriter, media Media, status int, errs gqlerror.List) {
	Write(w, media, status, Append(nil, &graphql.Response{Errors: errs}))
}

// WriteFault writes a fault, with the headers that its status needs.
func WriteFault(w http.ResponseWriter, media Media, f *Fault) {
	if f.Allow != "" {
		w.Header().Set("Allow", f.Allow)
	}
	if f.HangUp {
		w.Header().Set("Connection", "close")
	}
	status := f.HTTPStatus()
	if status == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", "1")
	}
	WriteErrors(w, media, status, f.List())
}

// Recover answers a request whose execution panicked outside of a resolver. It must be deferred.
func Recover(w http.ResponseWriter, r *http.Request, media Media, exec graphql.GraphExecutor) {
	if value := recover(); value != nil {
		WriteErrors(w, media, http.StatusInternalServerError, PresentPanic(r.Context(), exec, value))
	}
}
