package supervisor

import (
	"fmt"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// adoptOrphans has the children of processes that end become those of this one, as those of a whole
// container become those of process 1.
func adoptOrphans() {
	_ = unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) // Linux 3.4
}

// hideMemory keeps other processes of the user, such as the program, from reading in /proc what
// this one has in memory: the token may be in its environment.
func hideMemory() { _ = unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0) }

// endWithParent has a process get SIGTERM when this one is killed.
func endWithParent(attributes *syscall.SysProcAttr) { attributes.Pdeathsig = syscall.SIGTERM }

// isReal reports whether a signal is one that programs use. The C library keeps 32 and 33.
func isReal(number syscall.Signal) bool { return number != 32 && number != 33 }

// The limits of execve(2), which are fixed since Linux 4.13.
const (
	maxString  = 128 << 10 // bytes of one argument or variable, with the NUL at its end
	minStrings = 128 << 10 // bytes of all of them that are always possible
	maxStrings = 6 << 20   // three quarters of the usual stack
	// spare is for what the kernel adds: the line of an interpreter, and the file's name again.
	spare = 4 << 10
)

// checkSize returns why the system would not start a program.
func checkSize(path string, args, variables []string) error {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_STACK, &limit); err != nil {
		return err
	}
	most := int(max(minStrings, min(limit.Cur/4, maxStrings)))
	total := len(path) + 1
	for _, variable := range variables {
		if len(variable) >= maxString {
			name, _, _ := strings.Cut(variable, "=")
			return fmt.Errorf("%s would be too large: with its name it has %d bytes, and Linux allows %d; write it to a file with `configapi render`, or leave it out", name, len(variable), maxString-1)
		}
		total += len(variable) + 1
	}
	for _, arg := range args {
		total += len(arg) + 1
	}
	const pointer = 8
	if total += pointer * (len(args) + len(variables)); total > most-spare {
		return fmt.Errorf("the environment would be too large: with the arguments it has %d bytes, and Linux allows %d; choose fewer configs with --prefix, or raise `ulimit -s`", total, most-spare)
	}
	return nil
}
