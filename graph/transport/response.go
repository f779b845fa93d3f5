package transport

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/99designs/gqlgen/graphql"
)

// Assigned to headers as they are, like the content types. Never changed.
var (
	noSniff = []string{"nosniff"}
	noStore = []string{"no-store"}
)

// bufferedByServer is how long an answer may be for net/http to find out its Content-Length by itself, which costs it nothing.
const bufferedByServer = 2048

// appendResponse appends the response as the JSON object that GraphQL prescribes. It takes the data as it is: gqlgen has just written
// it, so that checking, compacting and HTML-escaping it again, as encoding/json would, is waste.
//
// Errors come first, so that people and programs that read from the front see them. A response with errors and without data has no
// "data" member: that is how a client tells that nothing was executed.
func appendResponse(to []byte, response *graphql.Response) []byte {
	to = appendBeforeData(to, response)
	to = append(to, response.Data...)
	return appendAfterData(to, response)
}

// appendBeforeData appends the response up to its data, which follows as it is.
func appendBeforeData(to []byte, response *graphql.Response) []byte {
	to = append(to, '{')
	if len(response.Errors) > 0 {
		to = append(to, `"errors":`...)
		to = appendErrors(to, response.Errors)
	}
	if len(response.Errors) == 0 || response.Data != nil {
		if len(response.Errors) > 0 {
			to = append(to, ',')
		}
		to = append(to, `"data":`...)
		if response.Data == nil {
			to = append(to, "null"...)
		}
	}
	return to
}

func appendAfterData(to []byte, response *graphql.Response) []byte {
	if len(response.Extensions) > 0 {
		to = append(to, `,"extensions":`...)
		to = appendJSON(to, response.Extensions)
	}
	return append(to, '}')
}

func appendErrors(to []byte, errs gqlerror.List) []byte {
	return appendJSON(to, errs)
}

// appendJSON is for the rare parts of an answer. A value that cannot be encoded is a mistake in our own code.
func appendJSON(to []byte, value any) []byte {
	var buffer bytes.Buffer
	encoder := json.NewEncoder(&buffer)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		panic(fmt.Errorf("encoding a part of a GraphQL response: %w", err))
	}
	return append(to, bytes.TrimSuffix(buffer.Bytes(), []byte("\n"))...)
}

func writeHeader(w http.ResponseWriter, media mediaType, status, length int) {
	header := w.Header()
	header["Content-Type"] = media.contentType()
	header["X-Content-Type-Options"] = noSniff
	header["Cache-Control"] = noStore
	if length > bufferedByServer {
		header.Set("Content-Length", strconv.Itoa(length))
	}
	w.WriteHeader(status)
}

// largeAnswer is how long the data of an answer is, in bytes, when it is written without a copy.
const largeAnswer = 64 << 10

// writeLarge writes an answer in pieces. It holds the answer's room meanwhile, and stops when
// others need the room and this client is the slowest.
func (a *Answer) writeLarge(w http.ResponseWriter, media mediaType, status int, response *graphql.Response) {
	before, after := appendBeforeData(nil, response), appendAfterData(nil, response)
	length := len(before) + len(response.Data) + len(after)
	a.hold(length)
	a.reservation.Sending(func() {
		// What blocks in a write fails then. An error means that the connection is gone.
		_ = http.NewResponseController(w).SetWriteDeadline(time.Now())
	})
	writeHeader(w, media, status, length)
	for _, part := range [][]byte{before, response.Data, after} {
		for piece := range slices.Chunk(part, pieceBytes) {
			if a.reservation.IsCut() {
				return // the server closes a connection whose answer is not whole
			}
			if _, err := w.Write(piece); err != nil {
				return
			}
			a.reservation.Sent(int64(len(piece)))
		}
	}
}

func writeResponse(w http.ResponseWriter, media mediaType, status int, body []byte) {
	writeHeader(w, media, status, len(body))
	// An error means that the client has gone: nobody is left to tell.
	_, _ = w.Write(body)
}

func writeErrors(w http.ResponseWriter, media mediaType, status int, errs gqlerror.List) {
	writeResponse(w, media, status, appendResponse(nil, &graphql.Response{Errors: errs}))
}

func writeFault(w http.ResponseWriter, media mediaType, f *fault) {
	if f.allow != "" {
		w.Header().Set("Allow", f.allow)
	}
	if f.hangUp {
		w.Header().Set("Connection", "close")
	}
	if f.status == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", "1")
	}
	writeErrors(w, media, f.status, f.list())
}
