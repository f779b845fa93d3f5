//go:build unix

package supervisor

import (
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// maxSignal is the last signal that is looked at.
const maxSignal = 64

// kept are signals that are not forwarded, though they could be.
var kept = []syscall.Signal{
	syscall.SIGCHLD, syscall.SIGURG, // of this process alone; Go sends itself SIGURG
	syscall.SIGPIPE,                                                    // from writing itself
	syscall.SIGTSTP, syscall.SIGTTIN, syscall.SIGTTOU, syscall.SIGCONT, // of the terminal, see there
	syscall.SIGPROF, syscall.SIGVTALRM, // timers of this process
	syscall.SIGILL, syscall.SIGTRAP, syscall.SIGABRT, syscall.SIGBUS, syscall.SIGFPE, syscall.SIGSEGV, syscall.SIGSYS, // faults of it
	syscall.SIGKILL, syscall.SIGSTOP, // nobody gets those
}

// forwardable returns the signals that the program gets when this process does: all that others
// send. One that this process was started to ignore, as nohup does, stays ignored by both.
func forwardable() (signals []os.Signal) {
	skip := map[syscall.Signal]bool{}
	for _, sig := range kept {
		skip[sig] = true
	}
	for number := syscall.Signal(1); number <= maxSignal; number++ {
		if !skip[number] && isReal(number) && !signal.Ignored(number) {
			signals = append(signals, number)
		}
	}
	return signals
}

// ParseSignal returns the signal with a name such as HUP or SIGHUP, or with a number.
func ParseSignal(name string) (syscall.Signal, bool) {
	if number, err := strconv.Atoi(name); err == nil {
		return syscall.Signal(number), number > 0 && number <= maxSignal
	}
	name = strings.ToUpper(name)
	if !strings.HasPrefix(name, "SIG") {
		name = "SIG" + name
	}
	sig := unix.SignalNum(name)
	return sig, sig != 0
}
