package rest

import (
	"net/http"
	"strconv"
	"sync"

	"github.com/go-json-experiment/json/jsontext"

	"configapi/internal/config"
	"configapi/internal/eventstore"
	"configapi/internal/projection"
)

// flushAt is how many bytes of an array are gathered before they go out.
const flushAt = 32 << 10

// array is a JSON array that is sent while it is made. It holds a piece of it in memory, whatever its length.
type array struct {
	w       http.ResponseWriter
	buf     []byte
	started bool // something has gone out
}

// arrays holds arrays that are not in use, for their buffers.
var arrays = sync.Pool{New: func() any { return &array{buf: make([]byte, 0, flushAt+flushAt/4)} }}

func newArray(w http.ResponseWriter) *array {
	a := arrays.Get().(*array)
	*a = array{w: w, buf: append(a.buf[:0], '[')}
	return a
}

func (a *array) release() {
	if cap(a.buf) <= keptBuffer {
		a.w = nil
		arrays.Put(a)
	}
}

// addConfig adds the present state of a config.
func (a *array) addConfig(c *projection.Config) {
	a.separate()
	a.put(`{"name":`).text(c.Name.String()).put(`,"value":`).text(c.Value.String()).put(`}`)
	a.sendIfFull()
}

// addRevision adds a revision in the shape that the old system gave its events.
func (a *array) addRevision(r *eventstore.Revision) {
	a.separate()
	at := config.FormatInstant(r.At)
	a.put(`{"event_type":`).text(string(r.Type)).put(`,"data":{"config_name":`).text(r.Name.String())
	if r.Type == config.ValueDeleted {
		a.put(`,"deleted_value":`).text(r.OldValue.String())
	} else {
		a.put(`,"value":`).text(r.Value.String()).put(`,"old_value":`)
		if r.HasOldValue() {
			a.text(r.OldValue.String())
		} else {
			a.put(`null`)
		}
	}
	a.put(`,"timestamp":`).text(at).put(`},"metadata":{"position":`).text(r.Bookmark().String())
	a.put(`,"actor":`).nullable(r.Actor).put(`,"reason":`).nullable(r.Reason)
	a.put(`},"created_at":`).text(at).put(`,"stream_version":`)
	a.buf = strconv.AppendInt(a.buf, int64(r.Version), 10)
	a.put(`}`)
	a.sendIfFull()
}

// finish sends what is left. The length of an array that is small enough is known before it begins.
func (a *array) finish() {
	a.put(`]`)
	if !a.started {
		a.w.Header()[contentLength] = []string{strconv.Itoa(len(a.buf))}
	}
	a.send()
}

func (a *array) separate() {
	if a.started || len(a.buf) > len(`[`) {
		a.put(`,`)
	}
}

func (a *array) sendIfFull() {
	if len(a.buf) >= flushAt {
		a.send()
	}
}

// send sends what was gathered. When the client is gone, so is the reason to go on.
func (a *array) send() {
	if !a.started {
		a.started = true
		h := a.w.Header()
		h[contentType] = jsonText
		h[contentOptions] = noSniff
	}
	if _, err := a.w.Write(a.buf); err != nil {
		panic(http.ErrAbortHandler)
	}
	a.buf = a.buf[:0]
}

func (a *array) put(raw string) *array {
	a.buf = append(a.buf, raw...)
	return a
}

func (a *array) text(s string) *array {
	a.buf, _ = jsontext.AppendQuote(a.buf, s) // all texts of the store are valid UTF-8
	return a
}

func (a *array) nullable(s *string) *array {
	if s == nil {
		return a.put(`null`)
	}
	return a.text(*s)
}

// failArray ends an array that cannot be finished: with a proper answer as long as nothing has gone out, else by closing the
// connection, so that what went out is not taken for the whole.
func (h *Handler) failArray(a *array, r *http.Request, err error) {
	if a.started {
		h.log.Error("answering a request in part", "error", err)
		panic(http.ErrAbortHandler)
	}
	delete(a.w.Header(), etag)
	delete(a.w.Header(), configVersion)
	h.fail(a.w, r, err)
}
