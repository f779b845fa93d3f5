package rest

import (
	"io"
	"net/http"
	"strconv"
)

// The fixed texts. Clients compare them byte by byte.
const (
	okText     = "OK"
	notFound   = "Not Found"
	gone       = "Gone"
	badInstant = "Invalid timestamp format. Use ISO8601 (e.g., 2024-01-15T10:30:00Z)"
)

// Values of headers. The keys are canonical, so headers are set by writing to the map. All answers
// share the values, which must not be changed.
var (
	plainText = []string{"text/plain; charset=utf-8"}
	jsonText  = []string{"application/json"}
	noSniff   = []string{"nosniff"}

	revalidate = []string{"no-cache"}
	notStored  = []string{"no-store"} // an answer may have a secret
	varies     = []string{"Accept, Config-At-Least"}
)

const (
	contentType    = "Content-Type"
	contentLength  = "Content-Length"
	contentOptions = "X-Content-Type-Options"
	cacheControl   = "Cache-Control"
	vary           = "Vary"
	link           = "Link"
	etag           = "Etag"
	configVersion  = "Config-Version"
	configPosition = "Config-Position"
)

// maxImplicitLength is the longest body, in bytes, whose length net/http finds out itself, which
// costs less than a header.
const maxImplicitLength = 2048

// answerText answers with a plain text, byte for byte.
func answerText(w http.ResponseWriter, status int, text string) {
	h := w.Header()
	h[contentType] = plainText
	h[contentOptions] = noSniff
	if len(text) > maxImplicitLength {
		h[contentLength] = []string{strconv.Itoa(len(text))}
	}
	w.WriteHeader(status)
	_, _ = io.WriteString(w, text) // fails when the client has disconnected
}

// setReadHeaders sets the headers of every answer to a read: caches must ask before they use it
// again, and must keep the forms of it apart. It is called before anything else sets Vary.
func setReadHeaders(h http.Header) {
	h[cacheControl] = revalidate
	h[vary] = varies
}
