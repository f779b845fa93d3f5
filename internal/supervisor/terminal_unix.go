//go:build unix

package supervisor

import (
	"os"
	"os/signal"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
	"golang.org/x/term"
)

// terminal is the controlling terminal of this process. The program and this process are in two
// groups, of which the terminal knows one as that in the foreground: keys such as ^C are for it,
// and only it may read. So the program gets the terminal when this process has it. When ^Z suspends
// the program, this process suspends its own group, too, since that is the one that the shell knows
// and continues.
//
// The methods do nothing for nil.
type terminal struct {
	fd        int
	own       int  // the group of this process
	given     bool // the group of the program has the terminal
	atOnce    bool // the program gets it before it asks
	modes     *term.State
	continued chan os.Signal // gets SIGCONT while this process is suspended
}

// openTerminal returns the terminal, nil if there is none.
func openTerminal() *terminal {
	fd, err := syscall.Open("/dev/tty", syscall.O_RDWR|syscall.O_CLOEXEC, 0)
	if err != nil {
		return nil
	}
	t := &terminal{fd: fd, own: syscall.Getpgrp()}
	// In a pipeline others in the own group may read, so the program gets it only when it asks.
	t.atOnce = term.IsTerminal(0) && term.IsTerminal(1)
	t.modes, _ = term.GetState(fd)
	return t
}

func (t *terminal) close() {
	if t != nil {
		t.takeBack()
		_ = syscall.Close(t.fd)
	}
}

// foreground returns the group that has the terminal.
func (t *terminal) foreground() int {
	group, err := unix.IoctlGetInt(t.fd, unix.TIOCGPGRP)
	if err != nil {
		return -1
	}
	return group
}

// offer has a process get the terminal before it runs, if this process has it.
func (t *terminal) offer(attributes *syscall.SysProcAttr) {
	if t != nil && t.atOnce && t.foreground() == t.own {
		attributes.Foreground, attributes.Ctty = true, t.fd
		t.given = true
	}
}

// give gives the terminal to a group.
func (t *terminal) give(group int) {
	// A process in the background that does this is suspended, unless it ignores that.
	signal.Ignore(syscall.SIGTTOU)
	_ = unix.IoctlSetPointerInt(t.fd, unix.TIOCSPGRP, group)
	signal.Reset(syscall.SIGTTOU)
}

// takeBack takes the terminal back from a program that has ended, with its modes.
func (t *terminal) takeBack() {
	if t == nil || !t.given {
		return
	}
	t.given = false
	t.give(t.own)
	if t.modes != nil {
		_ = term.Restore(t.fd, t.modes)
	}
}

// sends reports whether a signal comes from the terminal, for all of a group.
func (t *terminal) sends(sig syscall.Signal) bool {
	return t != nil && (sig == syscall.SIGINT || sig == syscall.SIGQUIT) && t.foreground() == t.own
}

// continuePause is how long this process waits to be suspended. It is not when no shell could
// continue it.
const continuePause = 50 * time.Millisecond

// suspend is called when the group of the program was suspended by a signal.
func (t *terminal) suspend(group int, by syscall.Signal) {
	if t == nil {
		return // the process that has suspended it continues it
	}
	asks := by == syscall.SIGTTIN || by == syscall.SIGTTOU
	if !asks || t.foreground() != t.own {
		t.given = false
		t.continued = make(chan os.Signal, 1) // without what came late before
		signal.Notify(t.continued, syscall.SIGCONT)
		_ = syscall.Kill(0, syscall.SIGTSTP) // Go would ignore it had it ever been passed to Notify
		select {
		case <-t.continued:
		case <-time.After(continuePause): // this pause ends only when this process runs
		}
		signal.Stop(t.continued)
	}
	switch has := t.foreground(); {
	case has == group:
		t.given = true
	case has == t.own && (t.atOnce || asks):
		t.give(group)
		t.given = true
	}
	_ = syscall.Kill(-group, syscall.SIGCONT)
}
