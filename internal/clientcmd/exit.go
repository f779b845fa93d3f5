package clientcmd

import (
	"errors"
	"fmt"

	"configapi/internal/fault"
	"configapi/internal/restclient"
)

// ExitError is an error that ends the program with a code of its own: one of those of package
// fault.
type ExitError struct {
	Code int
	Err  error
}

func (e *ExitError) Error() string { return e.Err.Error() }
func (e *ExitError) Unwrap() error { return e.Err }

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
	var failed *restclient.Error
	if errors.As(err, &failed) {
		return codeOf(failed)
	}
	return fault.ExitCode(err)
}

// codeOf returns the exit code of a request that failed.
func codeOf(err *restclient.Error) int {
	if err.Outcome == restclient.Unknown {
		return fault.ExitUnknown
	}
	if code, known := fault.ExitCodeOf(err.Code); known && err.Outcome == restclient.Refused {
		return code
	}
	return fault.ExitUnreachable
}
