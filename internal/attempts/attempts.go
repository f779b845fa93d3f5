// Package attempts makes guessing of tokens slow, and cheap for the server. Refused tokens are
// counted by the address that they come from, never by the token, so that nobody can lock a token
// out. Valid tokens are neither counted nor delayed.
package attempts

import (
	"cmp"
	"context"
	"fmt"
	"sync"
	"time"

	"configapi/internal/eventstream"
)

// maxAddresses is how many addresses are remembered. Further ones are counted together.
const maxAddresses = 10_000

// Options of [Attempts]. Zero fields have the defaults named.
type Options struct {
	// Delay is how long the answer to a refused token is held back. 0: 1 s.
	Delay time.Duration
	// Burst is how many refused tokens an address may send at once. 0: 20.
	Burst int
	// Interval is the time after which an address may send one more. 0: 3 s.
	Interval time.Duration
}

// Message says to a client that it has sent too many.
const Message = "too many tokens from your address were refused; send a valid one, or try again later"

// Attempts counts refused tokens. Use [New]; a nil Attempts counts nothing and delays nothing. It
// is safe for concurrent use.
type Attempts struct {
	opts Options

	mu    sync.Mutex                       // guards the following
	until map[eventstream.Client]time.Time // when all tokens of an address are forgotten
	rest  time.Time                        // the same for the addresses that are not remembered
	swept time.Time
}

// New returns a count that has seen nothing. It panics when an option is negative.
func New(opts Options) *Attempts {
	if opts.Delay < 0 || opts.Burst < 0 || opts.Interval < 0 {
		panic(fmt.Sprintf("attempts: an option is negative: %+v", opts))
	}
	opts.Delay = cmp.Or(opts.Delay, time.Second)
	opts.Burst = cmp.Or(opts.Burst, 20)
	opts.Interval = cmp.Or(opts.Interval, 3*time.Second)
	return &Attempts{opts: opts, until: make(map[eventstream.Client]time.Time)}
}

// Refused counts a token of a client that was refused. It returns 0 after a delay, or when ctx has
// ended. A client that has sent too many gets no delay, but the time after which it may send the
// next one.
func (a *Attempts) Refused(ctx context.Context, client eventstream.Client) (retryAfter time.Duration) {
	if a == nil {
		return 0
	}
	if retryAfter := a.count(client, time.Now()); retryAfter > 0 {
		return retryAfter
	}
	timer := time.NewTimer(a.opts.Delay)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
	return 0
}

// count counts an attempt, or returns the time after which the client may make one again. One
// attempt of a client is forgotten per interval.
func (a *Attempts) count(client eventstream.Client, now time.Time) (retryAfter time.Duration) {
	burst, interval := time.Duration(a.opts.Burst), a.opts.Interval
	a.mu.Lock()
	defer a.mu.Unlock()
	until, known := a.until[client]
	if !known && len(a.until) >= maxAddresses {
		a.sweep(now)
	}
	shared := !known && len(a.until) >= maxAddresses
	if shared {
		until = a.rest
	}
	if until.Before(now) {
		until = now
	}
	if retryAfter := until.Add(interval).Sub(now) - burst*interval; retryAfter > 0 {
		return retryAfter
	}
	if until = until.Add(interval); shared {
		a.rest = until
	} else {
		a.until[client] = until
	}
	return 0
}

// sweep drops the addresses whose attempts are forgotten, once per interval at most.
func (a *Attempts) sweep(now time.Time) {
	if now.Sub(a.swept) < a.opts.Interval {
		return
	}
	a.swept = now
	for client, until := range a.until {
		if until.Before(now) {
			delete(a.until, client)
		}
	}
}
