package transport

import "sync"

// longLock is a mutex that may be held while something is waited for. Unlike those who wait for a
// [sync.Mutex], those who wait for it count as idle in a test with a clock of its own. The zero value is
// unlocked.
type longLock struct {
	mu   sync.Mutex // guards held
	free sync.Cond  // told when held becomes false
	held bool
}

// Lock waits until nobody holds the lock, and takes it.
func (l *longLock) Lock() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.free.L = &l.mu
	for l.held {
		l.free.Wait()
	}
	l.held = true
}

// TryLock takes the lock if nobody holds it, and reports whether it did.
func (l *longLock) TryLock() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.held {
		return false
	}
	l.free.L = &l.mu
	l.held = true
	return true
}

// Unlock gives the lock back.
func (l *longLock) Unlock() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.held = false
	l.free.Signal()
}
