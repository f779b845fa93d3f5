package httpd

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"configapi/internal/budget"
	"configapi/internal/eventstream"
)

// minRate is the minimum rate at which a client has to take an answer, besides the WriteTimeout of
// each piece: see [budget.TimeToSend]. The first 64 KiB are free, and the time in which the handler
// writes nothing does not count. The zero value is ready to use.
type minRate struct {
	endless    bool      // an event stream: no minimum
	length     int64     // of the body; 0: unknown
	start      time.Time // of the current window; zero: none yet
	startBytes int64     // bytes written before the window
	last       time.Time // the last write
}

// begin reads the kind and the length of the answer from its headers.
func (m *minRate) begin(h http.Header) {
	if types := h["Content-Type"]; len(types) == 1 && strings.HasPrefix(types[0], eventstream.ContentType) {
		m.endless = true
	}
	if lengths := h["Content-Length"]; len(lengths) == 1 {
		m.length, _ = strconv.ParseInt(lengths[0], 10, 64)
	}
}

// deadline returns when the next bytes must be taken, given how many were written before. The zero
// time means no deadline. An answer of known length is one window. Any other answer is cut into
// windows of as many bytes as must be taken in 60 s, so that a fast window does not make up for a
// slow one.
func (m *minRate) deadline(now time.Time, out int64) time.Time {
	if m.endless || out < progressBytes {
		return time.Time{}
	}
	const window = budget.SendRate * int64(budget.SendTime/time.Second)
	if m.start.IsZero() || m.length == 0 && out-m.startBytes >= window {
		m.start, m.startBytes, m.last = now, out, now
	}
	m.start = m.start.Add(now.Sub(m.last)) // the handler's time does not count
	m.last = now
	return m.start.Add(budget.TimeToSend(m.length))
}
