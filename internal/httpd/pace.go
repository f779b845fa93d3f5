package httpd

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"configapi/internal/budget"
	"configapi/internal/eventstream"
)

// pace knows until when an answer has to be taken as a whole, besides the WriteTimeout for each
// piece: see [budget.TimeToSend]. The first 64 KiB are free, and so is the time in which the
// handler has nothing to send. The zero value is ready to use.
type pace struct {
	endless bool      // events come when they come
	length  int64     // of the body; 0: not known
	since   time.Time // when the present stretch began; zero: not yet
	before  int64     // bytes that were out when it began
	last    time.Time // when bytes went out last
}

// begin reads in the headers of the answer what kind of answer it is.
func (p *pace) begin(h http.Header) {
	if types := h["Content-Type"]; len(types) == 1 && strings.HasPrefix(types[0], eventstream.ContentType) {
		p.endless = true
	}
	if lengths := h["Content-Length"]; len(lengths) == 1 {
		p.length, _ = strconv.ParseInt(lengths[0], 10, 64)
	}
}

// deadline returns until when the next bytes have to be taken, given how many went out before; the
// zero time if there is no such limit. An answer of known length is one stretch. Another one is cut
// into stretches of as many bytes as have to be taken in 60 s, so that no stretch makes up for a
// slow one.
func (p *pace) deadline(now time.Time, out int64) time.Time {
	if p.endless || out < progressBytes {
		return time.Time{}
	}
	const stretch = budget.SendPace * int64(budget.SendTime/time.Second)
	if p.since.IsZero() || p.length == 0 && out-p.before >= stretch {
		p.since, p.before, p.last = now, out, now
	}
	p.since = p.since.Add(now.Sub(p.last)) // the handler's time, not the client's
	p.last = now
	return p.since.Add(budget.TimeToSend(p.length))
}
