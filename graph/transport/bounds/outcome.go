package bounds

import (
	"errors"
	"sync/atomic"
)

// errStopped ends the fields that follow the one at which an answer has failed.
var errStopped = errors.New("the answer was given up")

// outcome says whether an answer was given up, and why.
type outcome struct {
	sure   bool                  // it must not be given up; set before the first field runs
	reason atomic.Pointer[error] // the first one; nil: it was not given up
}

// proceed returns an error when the answer was given up.
func (o *outcome) proceed() error {
	if o.sure || !o.failed() {
		return nil
	}
	return errStopped
}

func (o *outcome) failed() bool { return o.reason.Load() != nil }

// fail gives the answer up, unless it must not be: then only the field fails. It returns err.
func (o *outcome) fail(err error) error {
	if !o.sure {
		o.reason.CompareAndSwap(nil, &err)
	}
	return err
}

// end has fields that still run get errors from now on.
func (o *outcome) end() { o.reason.CompareAndSwap(nil, &errStopped) }
