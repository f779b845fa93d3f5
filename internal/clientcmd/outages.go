package clientcmd

import (
	"sync"
	"time"
)

// outages decides which errors of a server are logged. One that comes again is not, but for the
// first time after the configs were current in between: then it is another outage.
type outages struct {
	mu     sync.Mutex // guards the rest
	client follower   // nil until there is one
	text   string     // the last line
	at     time.Time  // of it
}

// follower is a client that keeps configs up to date.
type follower interface {
	Stale() (stale bool, since time.Time)
}

// follow says which client has the errors. Until then no configs were current.
func (o *outages) follow(c follower) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.client = c
}

// isNew reports whether a line is to be logged.
func (o *outages) isNew(text string) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if text == o.text && !o.ended() {
		return false
	}
	o.text, o.at = text, time.Now()
	return true
}

// ended reports whether the configs were current since the last line.
func (o *outages) ended() bool {
	if o.client == nil {
		return false
	}
	_, since := o.client.Stale()
	return since.After(o.at)
}
