// Package content reads what HTTP requests say about content: the body that they carry, and the
// forms of an answer that they accept. All edges use it, so that the same mistake gets the same
// answer on each.
//
// [Read] reads a body up to a limit. Memory grows with the bytes that come, not with the length
// that is declared. The budget that bodies share and the deadline of a body are those of the HTTP
// server: see package httpd, whose errors Read translates. [Accepted.Check] refuses content types
// and content codings. [ParseAccept] reads the header Accept.
//
// It does not parse bodies: see package strictjson.
package content

import (
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"os"
	"slices"
	"strings"

	"configapi/internal/fault"
)

// JSON is the media type of JSON.
const JSON = "application/json"

// Error says why a body is refused.
type Error struct {
	// Kind is [fault.UnsupportedMedia], [fault.TooLarge], [fault.BodyTimeout], or
	// [fault.InvalidInput] when the body broke off.
	Kind fault.Kind
	// Detail says what is wrong, for clients.
	Detail string
}

func (e *Error) Error() string { return e.Detail }

// Unread reports whether reading began and the body was not read to its end, so that the connection
// cannot be used for another request.
func (e *Error) Unread() bool { return e.Kind != fault.UnsupportedMedia }

// Accepted says which bodies are accepted.
type Accepted struct {
	// Types are the media types that a body may have, in small letters. All of them are text in
	// UTF-8.
	Types []string
	// Untyped reports whether a body without Content-Type is accepted. A foreign page can have a
	// browser send one without asking the server.
	Untyped bool
	// Want says what to send instead, as the end of a sentence that begins with "the body must be".
	Want string
}

// Check returns the error of a request whose body is not accepted, nil for any other.
func (a *Accepted) Check(h http.Header) *Error {
	for _, coding := range h["Content-Encoding"] {
		if !strings.EqualFold(coding, "identity") {
			return &Error{fault.UnsupportedMedia, "the body must come without a content encoding"}
		}
	}
	types := h["Content-Type"]
	if len(types) == 0 && a.Untyped || len(types) == 1 && a.takes(types[0]) {
		return nil
	}
	return &Error{fault.UnsupportedMedia, "the body must be " + a.Want}
}

func (a *Accepted) takes(contentType string) bool {
	if contentType == JSON && a.Types[0] == JSON { // the fast path
		return true
	}
	media, params, err := mime.ParseMediaType(contentType)
	charset, given := params["charset"]
	return err == nil && slices.Contains(a.Types, media) && (!given || strings.EqualFold(charset, "utf-8"))
}

// Is reports whether a request says that its body is of a media type, whatever its parameters.
func Is(h http.Header, mediaType string) bool {
	types := h["Content-Type"]
	if len(types) != 1 || types[0] == JSON && mediaType != JSON { // the fast path
		return false
	}
	media, _, err := mime.ParseMediaType(types[0])
	return err == nil && media == mediaType
}

const (
	// trustedLength is the declared length up to which memory is taken before the bytes have come.
	trustedLength = 64 << 10
	// smallestRead is the least memory that a body of unknown length is read into, in bytes.
	smallestRead = 1 << 10
)

// Read appends the body of a request to buf and returns the extended buffer. A body of more than
// limit bytes is not read to its end, and the server closes the connection after the answer.
func Read(buf []byte, w http.ResponseWriter, r *http.Request, limit int64) ([]byte, *Error) {
	declared := r.ContentLength
	if declared > limit {
		return buf, TooLarge(limit)
	}
	var err error
	if declared >= 0 {
		buf, err = readDeclared(buf, r.Body, int(declared))
	} else {
		buf, err = readAll(buf, http.MaxBytesReader(innermost(w), r.Body, limit))
	}
	if err != nil {
		return buf, unreadable(err, limit)
	}
	return buf, nil
}

// readDeclared appends so many bytes to buf. It takes memory for trustedLength, or for four times
// what has come.
func readDeclared(buf []byte, body io.Reader, declared int) ([]byte, error) {
	for begin, next := len(buf), min(trustedLength, declared); ; next = min(4*next, declared) {
		buf = slices.Grow(buf, begin+next-len(buf))
		n, err := io.ReadFull(body, buf[len(buf):begin+next])
		buf = buf[:len(buf)+n]
		if err != nil || next == declared {
			return buf, err
		}
	}
}

// readAll appends all bytes to buf, whose memory doubles when it is full.
func readAll(buf []byte, body io.Reader) ([]byte, error) {
	for {
		if len(buf) == cap(buf) {
			buf = slices.Grow(buf, max(smallestRead, len(buf)))
		}
		n, err := body.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		if err == io.EOF {
			return buf, nil
		}
		if err != nil {
			return buf, err
		}
	}
}

// TooLarge returns the error of a body of more than limit bytes.
func TooLarge(limit int64) *Error {
	return &Error{fault.TooLarge, fmt.Sprintf("the body must not be larger than %d bytes", limit)}
}

func unreadable(err error, limit int64) *Error {
	if _, is := errors.AsType[*http.MaxBytesError](err); is {
		return TooLarge(limit)
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return &Error{fault.BodyTimeout, "the body could not be read to its end: it did not come in time"}
	}
	return &Error{fault.InvalidInput, "the body could not be read to its end: it broke off, or its chunks are malformed"}
}

// innermost returns the server's own writer below those that wrap it. [http.MaxBytesReader] asks
// that one to close the connection, and cannot reach it through a wrapper.
func innermost(w http.ResponseWriter) http.ResponseWriter {
	for {
		wrapper, ok := w.(interface{ Unwrap() http.ResponseWriter })
		if !ok {
			return w
		}
		w = wrapper.Unwrap()
	}
}
