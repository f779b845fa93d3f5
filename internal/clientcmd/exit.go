package clientcmd

import (
	"errors"
	"fmt"
	"os"

	"configapi/client/rest"
	"configapi/internal/fault"
)

// ExitError is an error that ends the program with a code of its own: one of those of package
// fault.
type ExitError struct {
	Code int
	Err  error // nil: what was to say was said
}

func (e *ExitError) Error() string {
	if e.Err == nil {
		return ""
	}
	return e.Err.Error()
}
func (e *ExitError) Unwrap() error { return e.Err }

// Interrupt is the cause with which the context of a command ends when a signal asks for that.
type Interrupt struct{ Signal os.Signal }

func (i *Interrupt) Error() string { return "interrupted" }

// UsageErrorf returns the error of a command that is written wrongly. The text must say what to
// write instead, and must not repeat what may be a secret.
func UsageErrorf(format string, args ...any) error {
	return &ExitError{fault.ExitUsage, fmt.Errorf(format, args...)}
}

// Differs returns the error of a comparison, a check or a question whose answer is not the one that
// ends with 0.
func Differs(format string, args ...any) error {
	return &ExitError{fault.ExitDiffers, fmt.Errorf(format, args...)}
}

// ExitCode returns the exit code of a command that ends with an error, [fault.ExitDone] for nil.
func ExitCode(err error) int {
	var exit *ExitError
	if errors.As(err, &exit) {
		return exit.Code
	}
	if failed, is := errors.AsType[*rest.Error](err); is {
		return exitCodeOf(failed)
	}
	return fault.ExitCode(err)
}

// exitCodeOf returns the exit code of a request that failed.
func exitCodeOf(failed *rest.Error) int {
	switch failed.Outcome {
	case rest.Unknown:
		return fault.ExitUnknown
	case rest.Refused:
		if code, known := fault.ExitCodeOf(failed.Code); known {
			return code
		}
	}
	return fault.ExitUnreachable // no ConfigApi has answered
}
