//go:build unix

package cli

import (
	"os"
	"os/signal"
	"syscall"
)

// dieInterrupted ends the process by SIGINT. Its exit code is 130 in a shell, which then ends the
// loop or the script around the command, too. After an exit with 130 it would not.
func dieInterrupted() {
	signal.Reset(os.Interrupt)
	// Where the signal is ignored, this returns.
	_ = syscall.Kill(os.Getpid(), syscall.SIGINT)
}
