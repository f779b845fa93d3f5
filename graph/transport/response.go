package transport

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"

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
		to = append(to, response.Data...)
	}
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

func writeResponse(w http.ResponseWriter, media mediaType, status int, body []byte) {
	header := w.Header()
	header["Content-Type"] = media.contentType()
	header["X-Content-Type-Options"] = noSniff
	header["Cache-Control"] = noStore
	if len(body) > bufferedByServer {
		header.Set("Content-Length", strconv.Itoa(len(body)))
	}
	w.WriteHeader(status)
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
