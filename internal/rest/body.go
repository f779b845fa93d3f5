package rest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"os"
	"strings"
	"sync"
	"unicode/utf8"

	"configapi/internal/budget"
	"configapi/internal/config"
	"configapi/internal/problem"
	"configapi/internal/strictjson"
)

const (
	// worstEscape is how many bytes of JSON one byte of a value can take, as \u001f does.
	worstEscape = 6
	// bodyFrame is room for what stands around a value.
	bodyFrame = 1 << 10
	// trustedLength is up to which declared length memory is taken before the bytes are there.
	trustedLength = 64 << 10
	// keptBuffer is the largest buffer that is kept for other bodies.
	keptBuffer = 256 << 10
)

const valueRule = `must be a JSON object such as {"value":"30s"}: `

// bodies holds buffers that bodies are read into.
var bodies = sync.Pool{New: func() any { return new(bytes.Buffer) }}

// transportError is an error about how a body comes, which only HTTP knows.
type transportError struct {
	status int
	detail string
}

func (e *transportError) Error() string { return e.detail }

// readValue reads the value in a body; given is false when there is no body, or an empty one that
// is to be JSON. The error is a [*config.InvalidError] or a [*transportError].
func (h *Handler) readValue(w http.ResponseWriter, r *http.Request, op operation) (value config.Value, given bool, err error) {
	raw := op == set && isRaw(r.Header)
	if r.ContentLength == 0 && !raw {
		return config.Value{}, false, nil
	}
	badType := checkContentType(r.Header, op, raw)
	if badType != nil && r.ContentLength > 0 {
		return config.Value{}, false, badType
	}
	buf := bodies.Get().(*bytes.Buffer)
	defer release(buf)
	if err := readBody(buf, w, r, bodyLimit(h.store.MaxValueBytes(), raw)); err != nil {
		return config.Value{}, false, err
	}
	if buf.Len() == 0 && !raw {
		return config.Value{}, false, nil
	}
	if badType != nil {
		return config.Value{}, false, badType
	}
	text := ""
	if raw {
		text = buf.String()
	} else if text, err = parseBody(buf.Bytes()); err != nil {
		return config.Value{}, false, err
	}
	value, err = config.ParseValue(text, h.store.MaxValueBytes())
	return value, true, err
}

// parseBody returns the value in a body, which shares no memory with it.
func parseBody(data []byte) (string, error) {
	if text, plain := plainValue(data); plain {
		return string(text), nil
	}
	var body struct {
		Value *string `json:"value"`
	}
	if err := strictjson.Decode(data, &body, strictjson.Options{}); err != nil {
		return "", errNoValue(err.Error())
	}
	if body.Value == nil {
		return "", errNoValue(`member "value" is missing or null`)
	}
	return *body.Value, nil
}

// plainValue returns the value in a body that is written as nearly all are: nothing but that one member, and a text that is
// escaped nowhere. It saves a write a tenth of its time. Whatever is written in another way, or wrong, is left to strictjson.
func plainValue(data []byte) (value []byte, plain bool) {
	value, ok := bytes.CutPrefix(data, []byte(`{"value":`))
	if !ok {
		return nil, false
	}
	value = bytes.TrimPrefix(value, []byte(` `))
	if value, ok = bytes.CutSuffix(value, []byte(`"}`)); !ok || len(value) == 0 || value[0] != '"' {
		return nil, false
	}
	value = value[1:]
	for _, b := range value {
		if b < ' ' || b == '"' || b == '\\' {
			return nil, false
		}
	}
	return value, utf8.Valid(value)
}

func errNoValue(what string) error {
	return &config.InvalidError{Field: "body", Rule: valueRule + what}
}

// limit is how long a body may be.
type limit struct {
	bytes int64
	value int // the longest value, in bytes; 0: the limit is that of any request
}

func (l limit) exceeded() error {
	rule := fmt.Sprintf("is larger than any value allowed: a value may have %d bytes", l.value)
	if l.value == 0 {
		rule = fmt.Sprintf("is larger than %d bytes; send a value that needs more of them in JSON as %s", l.bytes, rawType)
	}
	return &config.InvalidError{Field: "body", Rule: rule, TooLarge: true}
}

// bodyLimit returns the limit of a body: the longest value, raw or in the worst JSON, but never
// more than any request may have.
func bodyLimit(maxValue int, raw bool) limit {
	bytes := int64(maxValue)
	if !raw {
		bytes = worstEscape*bytes + bodyFrame
	}
	if bytes > budget.MaxBodyBytes {
		return limit{bytes: budget.MaxBodyBytes}
	}
	return limit{bytes, maxValue}
}

// readBody reads a body. One that is longer than the limit is not read to its end.
func readBody(into *bytes.Buffer, w http.ResponseWriter, r *http.Request, limit limit) error {
	declared := r.ContentLength
	if declared > limit.bytes {
		return limit.exceeded()
	}
	if 0 <= declared && declared <= trustedLength {
		into.Grow(int(declared))
		n, err := io.ReadFull(r.Body, into.AvailableBuffer()[:declared])
		into.Write(into.AvailableBuffer()[:n])
		return readError(err, limit)
	}
	_, err := into.ReadFrom(http.MaxBytesReader(innermost(w), r.Body, limit.bytes))
	return readError(err, limit)
}

func readError(err error, limit limit) error {
	if err == nil {
		return nil
	}
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return limit.exceeded()
	case errors.Is(err, os.ErrDeadlineExceeded):
		return &transportError{http.StatusRequestTimeout, "the body did not come in time"}
	}
	return &transportError{http.StatusBadRequest, "the body broke off, or its chunks are malformed"}
}

// innermost returns the server's own writer below those that wrap it. [http.MaxBytesReader] tells that one to close the
// connection, and cannot reach it through a wrapper.
func innermost(w http.ResponseWriter) http.ResponseWriter {
	for {
		wrapper, ok := w.(interface{ Unwrap() http.ResponseWriter })
		if !ok {
			return w
		}
		w = wrapper.Unwrap()
	}
}

// rawType is the content type of a body that is the value itself.
const rawType = "application/octet-stream"

// isRaw reports whether a body says to be the value itself.
func isRaw(h http.Header) bool {
	types := h[contentType]
	if len(types) != 1 || types[0] == jsonText[0] { // the fast path
		return false
	}
	media, _, err := mime.ParseMediaType(types[0])
	return err == nil && media == rawType
}

// checkContentType refuses a body that says to be something else than JSON in UTF-8, or than a raw
// value where that may be. One that says nothing is taken for JSON: its bytes will show.
func checkContentType(h http.Header, op operation, raw bool) error {
	if coding := h["Content-Encoding"]; len(coding) > 0 && !strings.EqualFold(coding[0], "identity") {
		return &transportError{http.StatusUnsupportedMediaType, "the body must not be encoded"}
	}
	types := h[contentType]
	if len(types) == 0 || len(types) == 1 && types[0] == jsonText[0] {
		return nil
	}
	media, params, err := mime.ParseMediaType(types[0])
	charset, given := params["charset"]
	if err == nil && len(types) == 1 && (media == jsonText[0] || raw) && (!given || strings.EqualFold(charset, "utf-8")) {
		return nil
	}
	detail := `the body must be JSON in UTF-8, such as {"value":"30s"}, sent as ` + jsonText[0]
	if op == set {
		detail += "; or the value itself, in UTF-8, sent as " + rawType
	}
	return &transportError{http.StatusUnsupportedMediaType, detail}
}

// failBody answers with an error of reading a body.
func (h *Handler) failBody(w http.ResponseWriter, r *http.Request, err error) {
	var transport *transportError
	if !errors.As(err, &transport) {
		h.fail(w, r, err)
		return
	}
	w.Header().Set("Connection", "close") // where the next request begins may not be known
	h.problem(w, problem.Problem{Status: transport.status, Code: problem.InvalidInput, Detail: transport.detail})
}

func release(buf *bytes.Buffer) {
	if buf.Cap() > keptBuffer {
		return
	}
	buf.Reset()
	bodies.Put(buf)
}
