package httpd

import (
	"errors"
	"os"
	"sync"
	"time"
)

// deadline is the time at which the reads of a connection fail, or its writes. A request moves it
// eight times, nearly always to a later time, and each move of a connection's own deadline sets a
// timer. So the connection keeps an earlier deadline until that expires in the middle of an
// operation. Then it gets the later one, and the operation goes on: see BenchmarkServer.
type deadline struct {
	set func(time.Time) error // sets the connection's own deadline

	mu      sync.Mutex // guards the fields below
	wanted  time.Time  // zero: none
	own     time.Time  // the connection's own; zero: none
	running int        // operations under way
	direct  bool       // own is always wanted
}

// move changes the deadline, also of an operation that is under way. The error is that of the
// connection, which is closed.
func (d *deadline) move(to time.Time) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.wanted = to
	if d.direct || d.running > 0 && d.isOwnLater() {
		return d.apply()
	}
	return nil
}

// moveDirectly is move, and has all later moves set the connection's own deadline.
func (d *deadline) moveDirectly(to time.Time) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.wanted, d.direct = to, true
	return d.apply()
}

// begin is called before an operation. The operation must not be started after an error, which is
// that of an expired deadline.
func (d *deadline) begin() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.isOwnLater() {
		if !time.Now().Before(d.wanted) {
			return os.ErrDeadlineExceeded
		}
		_ = d.apply() // fails only when the connection is closed, as the operation will
	}
	d.running++
	return nil
}

// end is called with the error of the operation. It reports whether the operation must go on, since
// it has stopped before the deadline.
func (d *deadline) end(err error) (goOn bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if errors.Is(err, os.ErrDeadlineExceeded) && (d.wanted.IsZero() || d.wanted.After(d.own)) {
		return d.apply() == nil
	}
	d.running--
	return false
}

// isOwnLater reports whether the connection's own deadline is later than the wanted one. The caller
// holds the mutex, here and below.
func (d *deadline) isOwnLater() bool {
	return !d.wanted.IsZero() && (d.own.IsZero() || d.wanted.Before(d.own))
}

func (d *deadline) apply() error {
	d.own = d.wanted
	return d.set(d.own)
}
