package rest

import (
	"io"
	"time"
)

const (
	// slowestPace is how many bytes per second a client must take of an answer that is streamed, on average over paceWindow
	// of waiting for it.
	slowestPace = 64 << 10
	paceWindow  = time.Minute
)

// pace watches how fast a client takes an answer without an end in sight. It counts only the time that writing takes, so the
// client is not blamed for a slow store. A write that makes no progress at all is for the server's own deadline to end.
type pace struct {
	bytes  int
	waited time.Duration // since the window began
}

// write sends bytes, and reports whether the client took them fast enough.
func (p *pace) write(w io.Writer, data []byte) bool {
	began := time.Now()
	_, err := w.Write(data)
	p.bytes += len(data)
	p.waited += time.Since(began)
	if err != nil || p.waited < paceWindow {
		return err == nil
	}
	fast := float64(p.bytes) >= slowestPace*p.waited.Seconds()
	*p = pace{}
	return fast
}
