package rest

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"unicode/utf8"

	"configapi/internal/budget"
	"configapi/internal/config"
	"configapi/internal/content"
	"configapi/internal/fault"
	"configapi/internal/problem"
	"configapi/internal/strictjson"
)

const (
	// worstEscape is how many bytes of JSON one byte of a value can take: \u001f is the longest.
	worstEscape = 6
	// bodyFrame is what may stand around a value, in bytes.
	bodyFrame = 1 << 10
	// keptBuffer is the largest buffer that is kept for other bodies.
	keptBuffer = 256 << 10
)

const valueRule = `must be a JSON object such as {"value":"30s"}: `

// bodies holds buffers that bodies are read into.
var bodies = sync.Pool{New: func() any { return new([]byte) }}

// The bodies that are accepted. One without a content type is taken for JSON: its bytes will show.
var (
	jsonBodies = content.Accepted{Types: []string{content.JSON}, Untyped: true, Want: wantJSON}
	setBodies  = content.Accepted{Types: []string{content.JSON, rawType}, Untyped: true, Want: wantJSON + wantRaw}
)

const (
	// rawType is the content type of a body that is the value itself.
	rawType = "application/octet-stream"

	wantJSON = `JSON in UTF-8, such as {"value":"30s"}, sent as ` + content.JSON
	wantRaw  = "; or the value itself, in UTF-8, sent as " + rawType
)

// readValue reads the value in a body; given is false when there is no body, or an empty one
// that should be JSON. The error is a [*config.InvalidError] or a [*content.Error].
func (h *Handler) readValue(w http.ResponseWriter, r *http.Request, op operation) (value config.Value, given bool, err error) {
	accepted, raw := &jsonBodies, false
	if op == set {
		accepted, raw = &setBodies, content.Is(r.Header, rawType)
	}
	if r.ContentLength == 0 && !raw {
		return config.Value{}, false, nil
	}
	badType := accepted.Check(r.Header)
	if badType != nil && r.ContentLength > 0 {
		return config.Value{}, false, badType
	}
	buf := bodies.Get().(*[]byte)
	defer release(buf)
	if err := h.readBody(buf, w, r, raw); err != nil {
		return config.Value{}, false, err
	}
	if len(*buf) == 0 && !raw {
		return config.Value{}, false, nil
	}
	if badType != nil {
		return config.Value{}, false, badType
	}
	text := ""
	if raw {
		text = string(*buf)
	} else if text, err = parseBody(*buf); err != nil {
		return config.Value{}, false, err
	}
	value, err = config.ParseValue(text, h.store.MaxValueBytes())
	return value, true, err
}

// readBody reads a body of at most the longest value, raw or in the worst JSON, but never more than
// any request may have. It returns nil or a [*content.Error].
func (h *Handler) readBody(buf *[]byte, w http.ResponseWriter, r *http.Request, raw bool) error {
	limit := int64(h.store.MaxValueBytes())
	if !raw {
		limit = worstEscape*limit + bodyFrame
	}
	var refused *content.Error
	*buf, refused = content.Read((*buf)[:0], w, r, min(limit, budget.MaxBodyBytes))
	switch {
	case refused == nil:
		return nil
	case refused.Kind != fault.TooLarge, raw:
	case limit > budget.MaxBodyBytes:
		refused.Detail += "; a value that needs more bytes in JSON can be sent as " + rawType
	default:
		refused.Detail += fmt.Sprintf("; a value may have %d bytes", h.store.MaxValueBytes())
	}
	return refused
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

// plainValue returns the value in a body that is written as nearly all are: with that one member,
// and without escapes. It saves a write a tenth of its time: see BenchmarkEdge, put. Any other
// body, valid or not, is left to strictjson.
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

// failBody answers with an error of [Handler.readValue].
func (h *Handler) failBody(w http.ResponseWriter, r *http.Request, err error) {
	refused, is := errors.AsType[*content.Error](err)
	if !is {
		h.fail(w, r, err)
		return
	}
	w.Header().Set("Connection", "close") // where the next request begins may not be known
	h.problem(w, r, problem.Problem{Kind: refused.Kind, Detail: refused.Detail})
}

func release(buf *[]byte) {
	if cap(*buf) <= keptBuffer {
		bodies.Put(buf)
	}
}
