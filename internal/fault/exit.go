package fault

import "errors"

// Exit codes of the program, which are the same for all commands. Scripts rely on them.
const (
	ExitDone        = 0 // done, or there was nothing to do; of a comparison: the same
	ExitDiffers     = 1 // a comparison, a check or a question has the other answer
	ExitUsage       = 2 // the command is written wrongly, or lacks what it needs to begin
	ExitNotFound    = 3 // what the command names is not there
	ExitConflict    = 4 // something has changed meanwhile, or is not as the command expects
	ExitDenied      = 5 // the caller may not do that, or is not known
	ExitUnreachable = 6 // no server or store answers, and nothing was changed
	ExitUnknown     = 7 // the change may have been made or not
	ExitInvalid     = 8 // a name, a value or another input breaks a rule
	ExitFailed      = 9 // anything else, such as a disk that is full

	// As a shell gives them for a process that a signal has ended: 128 and its number.
	ExitInterrupted = 130 // ^C; no outcome is unknown
	ExitClosed      = 141 // nobody reads the output any more
	ExitTerminated  = 143 // likewise SIGTERM
)

// ExitCode returns the exit code of a command that ends with an error, ExitDone for nil.
func ExitCode(err error) int {
	var unavailable *UnavailableError
	switch {
	case err == nil:
		return ExitDone
	case errors.As(err, &unavailable) && unavailable.OutcomeUnknown:
		return ExitUnknown
	}
	return KindOf(err).ExitCode()
}

// ExitCodeOf returns the exit code of a command that ends with an error that has a code, as a
// server gives it, and whether the code is known.
func ExitCodeOf(code string) (exit int, known bool) {
	for _, row := range table {
		if row.code == code {
			return row.exit, true
		}
	}
	return 0, false
}
