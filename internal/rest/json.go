package rest

import (
	"net/http"
	"runtime"
	"strconv"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"

	"configapi/internal/config"
	"configapi/internal/eventstore"
	"configapi/internal/strictjson"
)

const (
	// flushAt is how many bytes of an answer are gathered before they are sent.
	flushAt = 32 << 10
	// textPiece is how many bytes of a text are written at a time, so that a long one needs no long
	// buffer.
	textPiece = 16 << 10
)

// jsonStream is a JSON answer that is sent while it is made. Its buffer stays small, whatever the
// length of the answer. When the client has disconnected or was cut off, it panics with
// [http.ErrAbortHandler], which closes the connection, so that a part of the answer is not taken
// for the whole. The HTTP server decides how fast a client must be.
//
// The zero jsonStream sends nothing: all of the JSON stays in buf.
type jsonStream struct {
	w           http.ResponseWriter // nil: nothing is sent
	status      int
	contentType []string
	buf         []byte
	started     bool         // the headers have been sent
	head        bool         // the request is a HEAD, so only the headers are sent
	reservation *reservation // for the pages that it is made of; nil: they are in memory anyway
}

// streams holds unused streams, for their buffers.
var streams = sync.Pool{New: func() any { return &jsonStream{buf: make([]byte, 0, flushAt+flushAt/4)} }}

func newJSON(w http.ResponseWriter, r *http.Request) *jsonStream {
	s := streams.Get().(*jsonStream)
	*s = jsonStream{w: w, status: http.StatusOK, contentType: jsonText, buf: s.buf[:0], head: r.Method == http.MethodHead}
	return s
}

func (s *jsonStream) release() {
	if cap(s.buf) <= keptBuffer {
		s.w, s.reservation = nil, nil
		streams.Put(s)
	}
}

// isEnough reports whether nothing that is added will be sent: the answer is to a HEAD, and its
// headers have been sent.
func (s *jsonStream) isEnough() bool { return s.head && s.started }

// finish sends the rest. An answer of which nothing was sent before gets its length in a header.
func (s *jsonStream) finish() {
	if !s.started {
		s.w.Header()[contentLength] = []string{strconv.Itoa(len(s.buf))}
	}
	s.send()
}

func (s *jsonStream) sendIfFull() {
	if len(s.buf) >= flushAt && s.w != nil {
		s.send()
	}
}

// send sends what is in the buffer.
func (s *jsonStream) send() {
	if !s.started {
		s.started = true
		h := s.w.Header()
		h[contentType] = s.contentType
		h[contentOptions] = noSniff
		s.w.WriteHeader(s.status)
	}
	if !s.head {
		s.write()
	}
	s.buf = s.buf[:0]
}

func (s *jsonStream) write() {
	if s.reservation.isCutOff() {
		panic(http.ErrAbortHandler)
	}
	if _, err := s.w.Write(s.buf); err != nil {
		panic(http.ErrAbortHandler)
	}
	s.reservation.sent(len(s.buf))
	runtime.Gosched() // a thousand long answers at once must not hold up the short ones of others
}

func (s *jsonStream) put(raw string) *jsonStream {
	s.buf = append(s.buf, raw...)
	return s
}

func (s *jsonStream) number(n int64) *jsonStream {
	s.buf = strconv.AppendInt(s.buf, n, 10)
	return s
}

// plain adds a JSON string of a text that needs no escape.
func (s *jsonStream) plain(t string) *jsonStream {
	s.buf = append(s.buf, '"')
	s.buf = append(s.buf, t...)
	s.buf = append(s.buf, '"')
	return s
}

func (s *jsonStream) position(p eventstore.Position) *jsonStream {
	s.buf = append(p.AppendTo(append(s.buf, '"')), '"')
	return s
}

func (s *jsonStream) instant(t time.Time) *jsonStream {
	s.buf = append(config.AppendInstant(append(s.buf, '"'), t), '"')
	return s
}

// instantIf adds an instant, or null for the zero time.
func (s *jsonStream) instantIf(t time.Time) *jsonStream {
	if t.IsZero() {
		return s.put(`null`)
	}
	return s.instant(t)
}

// text adds a JSON string. All texts of the store are valid UTF-8, and nearly all need no escape.
func (s *jsonStream) text(t string) *jsonStream {
	switch {
	case len(t) > textPiece:
		return s.longText(t)
	case strictjson.QuotedLen(t) == int64(len(t)+len(`""`)):
		return s.plain(t)
	}
	s.buf, _ = jsontext.AppendQuote(s.buf, t)
	return s
}

func (s *jsonStream) longText(t string) *jsonStream {
	s.put(`"`)
	for t != "" && !s.isEnough() {
		end := min(textPiece, len(t))
		for end < len(t) && !utf8.RuneStart(t[end]) {
			end--
		}
		start := len(s.buf)
		s.buf, _ = jsontext.AppendQuote(s.buf, t[:end])
		quoted := s.buf[start:]
		copy(quoted, quoted[1:])
		s.buf = s.buf[:len(s.buf)-len(`""`)]
		t = t[end:]
		s.sendIfFull()
	}
	return s.put(`"`)
}

// textIf adds a text, or null if there is none.
func (s *jsonStream) textIf(is bool, t string) *jsonStream {
	if !is {
		return s.put(`null`)
	}
	return s.text(t)
}

func (s *jsonStream) bool(b bool) *jsonStream {
	s.buf = strconv.AppendBool(s.buf, b)
	return s
}

// each adds an array of n elements, which add adds one by one.
func (s *jsonStream) each(n int, add func(i int)) *jsonStream {
	s.put(`[`)
	for i := 0; i < n && !s.isEnough(); i++ {
		if i > 0 {
			s.put(`,`)
		}
		add(i)
		s.sendIfFull()
	}
	return s.put(`]`)
}

func (s *jsonStream) nullable(t *string) *jsonStream {
	if t == nil {
		return s.put(`null`)
	}
	return s.text(*t)
}
