// Package attempts makes guessing of tokens slow, and cheap for the server. Refused tokens are
// counted by the address that they come from, never by the token, so that nobody can lock a token
// out. Valid tokens are neither counted nor delayed.
package attempts

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"configapi/internal/eventstream"
)

const (
	// maxAddresses is how many addresses are remembered. Further ones are counted together.
	maxAddresses = 10_000
	// maxDelayed is how many answers are held back at a time.
	maxDelayed = 1000
)

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

// Attempts counts refused tokens. It remembers 10,000 addresses and holds 1,000 answers back at
// most. Use [New]; a nil Attempts counts nothing and delays nothing. It is safe for concurrent use.
type Attempts struct {
	opts    Options
	delayed chan struct{} // semaphore of answers that are held back

	mu        sync.Mutex // guards the following
	byAddress map[eventstream.Client]*rate.Limiter
	others    *rate.Limiter // of the addresses that are not remembered
	swept     time.Time
}

// New returns a count that has seen nothing. It panics when an option is negative.
func New(opts Options) *Attempts {
	if opts.Delay < 0 || opts.Burst < 0 || opts.Interval < 0 {
		panic(fmt.Sprintf("attempts: an option is negative: %+v", opts))
	}
	opts.Delay = cmp.Or(opts.Delay, time.Second)
	opts.Burst = cmp.Or(opts.Burst, 20)
	opts.Interval = cmp.Or(opts.Interval, 3*time.Second)
	a := &Attempts{opts: opts, delayed: make(chan struct{}, maxDelayed), byAddress: make(map[eventstream.Client]*rate.Limiter)}
	a.others = a.newLimiter()
	return a
}

func (a *Attempts) newLimiter() *rate.Limiter {
	return rate.NewLimiter(rate.Every(a.opts.Interval), a.opts.Burst)
}

// Refused counts a token of a client that was refused. It returns 0 after a delay, or when ctx has
// ended. A client that has sent too many gets no delay, but the time after which it may send the
// next one; and so does any client while too many answers are held back.
func (a *Attempts) Refused(ctx context.Context, client eventstream.Client) (retryAfter time.Duration) {
	if a == nil {
		return 0
	}
	if retryAfter := a.count(client, time.Now()); retryAfter > 0 {
		return retryAfter
	}
	select {
	case a.delayed <- struct{}{}:
		defer func() { <-a.delayed }()
	default:
		return a.opts.Delay
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
	limiter := a.limiterOf(client, now)
	if limiter.AllowN(now, 1) {
		return 0
	}
	missing := 1 - limiter.TokensAt(now)
	return max(time.Duration(math.Ceil(missing*float64(a.opts.Interval))), time.Nanosecond)
}

// limiterOf returns the limiter of a client, or that of all others when too many are remembered.
func (a *Attempts) limiterOf(client eventstream.Client, now time.Time) *rate.Limiter {
	a.mu.Lock()
	defer a.mu.Unlock()
	if limiter := a.byAddress[client]; limiter != nil {
		return limiter
	}
	if len(a.byAddress) >= maxAddresses {
		a.sweep(now)
	}
	if len(a.byAddress) >= maxAddresses {
		return a.others
	}
	limiter := a.newLimiter()
	a.byAddress[client] = limiter
	return limiter
}

// sweep drops the addresses whose attempts are forgotten, once per interval at most.
func (a *Attempts) sweep(now time.Time) {
	if now.Sub(a.swept) < a.opts.Interval {
		return
	}
	a.swept = now
	for client, limiter := range a.byAddress {
		if limiter.TokensAt(now) >= float64(a.opts.Burst) {
			delete(a.byAddress, client)
		}
	}
}
