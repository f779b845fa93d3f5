package bounds

import "sync"

// longLock is a mutex that is held while its holder waits for memory. A goroutine that waits for it
// is durably blocked in the sense of testing/synctest, unlike one that waits for a [sync.Mutex]: so
// these waits are tested without real time. The zero value is unlocked.
type longLock struct {
	mu   sync.Mutex // guards held
	free sync.Cond  // signalled when held becomes false
	held bool
}

// Lock waits until the lock is free, and takes it.
func (l *longLock) Lock() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.free.L = &l.mu
	for l.held {
		l.free.Wait()
	}
	l.held = true
}

// TryLock takes the lock if it is free, and reports whether it did.
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

// Unlock frees the lock.
func (l *longLock) Unlock() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.held = false
	l.free.Signal()
}
