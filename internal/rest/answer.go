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

// Headers are set by writing to the map: their keys are canonical, and these values are shared by all answers, so nobody may
// write into them.
var (
	plainText = []string{"text/plain; charset=utf-8"}
	jsonText  = []string{"application/json"}
	noSniff   = []string{"nosniff"}

	revalidate = []string{"no-cache"}
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

// maxImplicitLength is how long a body may be for the server to find out its length itself, which costs less than a header.
const maxImplicitLength = 2048

// answerText answers with a text as it stands.
func answerText(w http.ResponseWriter, status int, text string) {
	h := w.Header()
	h[contentType] = plainText
	h[contentOptions] = noSniff
	if len(text) > maxImplicitLength {
		h[contentLength] = []string{strconv.Itoa(len(text))}
	}
	w.WriteHeader(status)
	_, _ = io.WriteString(w, text) // who is gone needs no answer
}

// setReadHeaders sets what every answer to a read has: caches ask before they use it again, and
// keep what different clients get apart. It comes before all others that set Vary.
func setReadHeaders(h http.Header) {
	h[cacheControl] = revalidate
	h[vary] = varies
}
