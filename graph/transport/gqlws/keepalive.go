package gqlws

import (
	"sync"
	"sync/atomic"
	"time"
)

// keepalive is the clock of a socket: one timer that ends it when it is not acknowledged in time,
// pings the peer, and drops a peer that is silent. It runs no goroutine until the timer fires.
type keepalive struct {
	pingInterval   time.Duration
	silenceTimeout time.Duration
	onTimeout      func() // the client was not acknowledged in time
	onSilent       func() // the peer has sent nothing for too long
	onPing         func() // a ping is due; it must not wait

	opened  time.Time
	heardAt atomic.Int64 // when the peer sent something last, in ns since opened

	mu           sync.Mutex // guards the following
	timer        *time.Timer
	stopped      bool
	acknowledged bool
	pinged       time.Time
}

// start begins the time until the client must be acknowledged.
func (k *keepalive) start(initTimeout time.Duration) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.opened = time.Now()
	k.timer = time.AfterFunc(initTimeout, k.tick)
}

// heard says that the peer has sent something.
func (k *keepalive) heard() { k.heardAt.Store(int64(time.Since(k.opened))) }

// acknowledge begins the time of pings. It reports false when the socket closes already.
func (k *keepalive) acknowledge() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.stopped {
		return false
	}
	k.acknowledged = true
	k.pinged = time.Now()
	k.timer.Reset(k.untilTick(k.pinged))
	return true
}

func (k *keepalive) stop() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.stopped = true
	k.timer.Stop()
}

// tick is what the timer does.
func (k *keepalive) tick() {
	if do := k.due(time.Now()); do != nil {
		do()
	}
}

// due returns what the socket must do now, and sets the timer for what comes next.
func (k *keepalive) due(now time.Time) func() {
	k.mu.Lock()
	defer k.mu.Unlock()
	switch {
	case k.stopped:
		return nil
	case !k.acknowledged:
		return k.onTimeout
	case k.silence(now) >= k.silenceTimeout:
		return k.onSilent
	case now.Sub(k.pinged) < k.pingInterval:
		k.timer.Reset(k.untilTick(now))
		return nil
	}
	k.pinged = now
	k.timer.Reset(k.untilTick(now))
	return k.onPing
}

// untilTick is the time until the next ping or until the peer was silent for too long, whichever
// comes first. It needs k.mu.
func (k *keepalive) untilTick(now time.Time) time.Duration {
	untilPing := k.pingInterval - now.Sub(k.pinged)
	untilDrop := k.silenceTimeout - k.silence(now)
	return max(min(untilPing, untilDrop), 0)
}

func (k *keepalive) silence(now time.Time) time.Duration {
	return now.Sub(k.opened) - time.Duration(k.heardAt.Load())
}
