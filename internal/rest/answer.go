package rest

import (
	"io"
	"net/http"
	"strconv"

	"configapi/internal/config"
	"configapi/internal/eventstore"
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
)

const (
	contentType    = "Content-Type"
	contentLength  = "Content-Length"
	contentOptions = "X-Content-Type-Options"
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

// describe sets the headers that say which version of a config an answer is about, and at which position it is valid. The
// three texts share one piece of memory and their values another: this is on the way of every read and every write.
func describe(h http.Header, version config.Version, position eventstore.Bookmark) {
	var space [64]byte
	text := append(space[:0], '"')
	text = strconv.AppendInt(text, int64(version), 10)
	text = append(text, '"')
	quoted := len(text)
	text = append(text, position.String()...)

	all := string(text)
	values := &[...]string{all[:quoted], all[1 : quoted-1], all[quoted:]}
	h[etag] = values[0:1:1]
	h[configVersion] = values[1:2:2]
	h[configPosition] = values[2:3:3]
}

// locate sets the header that says at which position an answer is valid.
func locate(h http.Header, position eventstore.Bookmark) {
	h[configPosition] = []string{position.String()}
}
