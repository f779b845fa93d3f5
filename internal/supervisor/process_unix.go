//go:build unix

package supervisor

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"os/signal"
	"sync"
	"syscall"
)

// process is the program as the operating system has it. It is not safe for concurrent use, so that
// no signal goes to a process that is reaped already.
type process struct {
	args     []string
	files    []uintptr // standard input, output and error
	null     *os.File  // stands for those that are missing
	orphans  *sync.Mutex
	terminal *terminal // nil: there is none

	pid     int  // of the program, and of its group; 0 before the first one
	running bool // the program is not reaped
	code    int  // once it is

	forwarded, died chan os.Signal
}

var _ program = (*process)(nil)

func newProcess(o Options) (program, error) {
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	p := &process{args: o.Args, null: null, orphans: o.Children, terminal: openTerminal()}
	if p.orphans == nil {
		p.orphans = new(sync.Mutex)
	}
	for _, file := range []*os.File{o.Stdin, o.Stdout, o.Stderr} {
		if file == nil {
			file = null
		}
		p.files = append(p.files, file.Fd())
	}
	adoptOrphans()
	hideMemory()
	p.died = make(chan os.Signal, 1) // one that waits stands for all
	signal.Notify(p.died, syscall.SIGCHLD)
	p.forwarded = make(chan os.Signal, 64)
	signal.Notify(p.forwarded, forwardable()...)
	return p, nil
}

func (p *process) close() {
	signal.Stop(p.died)
	signal.Stop(p.forwarded)
	p.terminal.close()
	_ = p.null.Close()
}

func (p *process) signals() <-chan os.Signal  { return p.forwarded }
func (p *process) children() <-chan os.Signal { return p.died }

func (p *process) check(variables []string) error {
	path, err := look(p.args[0])
	if err == nil {
		err = checkSize(path, p.args, variables)
	}
	return startError(p.args[0], err)
}

func (p *process) start(variables []string) error {
	if err := p.check(variables); err != nil {
		return err
	}
	path, err := look(p.args[0])
	if err != nil {
		return startError(p.args[0], err)
	}
	attributes := &syscall.SysProcAttr{Setpgid: true}
	endWithParent(attributes)
	p.terminal.offer(attributes)
	pid, err := syscall.ForkExec(path, p.args, &syscall.ProcAttr{Env: variables, Files: p.files, Sys: attributes})
	if err != nil {
		p.terminal.takeBack()
		return startError(p.args[0], err)
	}
	p.pid, p.running = pid, true
	return nil
}

// look returns the file of a program. As for shells, one in the working directory counts when PATH
// has that.
func look(name string) (string, error) {
	path, err := exec.LookPath(name)
	if errors.Is(err, exec.ErrDot) {
		err = nil
	}
	return path, err
}

// startError returns the error of a program that cannot be started, nil for nil.
func startError(name string, err error) error {
	if err == nil {
		return nil
	}
	code := 126
	var known *exec.Error
	if errors.As(err, &known) {
		err = known.Err // without the words of the package
	}
	switch {
	case errors.Is(err, exec.ErrNotFound), errors.Is(err, fs.ErrNotExist):
		code = 127
		err = errors.New("there is no such program")
	case errors.Is(err, syscall.ENOEXEC):
		err = errors.New("its file is no program of this system; a script begins with a line such as #!/bin/sh")
	case errors.Is(err, syscall.E2BIG):
		err = errors.New("its arguments and its environment are larger than the system lets them be")
	}
	return &StartError{code, fmt.Errorf("starting %q: %w", name, err)}
}

func (p *process) signal(sig syscall.Signal) {
	if !p.running {
		return
	}
	if p.terminal.sends(sig) {
		p.signalGroup(sig)
		return
	}
	_ = syscall.Kill(p.pid, sig)
	if sig == syscall.SIGTERM {
		_ = syscall.Kill(p.pid, syscall.SIGCONT) // one that is suspended would not end
	}
}

func (p *process) signalGroup(sig syscall.Signal) {
	_ = syscall.Kill(-p.pid, sig)
	if sig == syscall.SIGTERM {
		_ = syscall.Kill(-p.pid, syscall.SIGCONT)
	}
}

func (p *process) groupRuns() bool { return syscall.Kill(-p.pid, 0) != syscall.ESRCH }

func (p *process) reap() (code int, ended bool) {
	which := -1
	if p.orphans.TryLock() {
		defer p.orphans.Unlock()
	} else {
		which = p.pid
	}
	for {
		var status syscall.WaitStatus
		pid, err := syscall.Wait4(which, &status, syscall.WNOHANG|syscall.WUNTRACED, nil)
		switch {
		case errors.Is(err, syscall.EINTR):
			continue
		case err != nil || pid <= 0:
			return p.code, !p.running
		case pid != p.pid:
		case status.Stopped():
			p.terminal.suspend(p.pid, status.StopSignal())
		case status.Signaled():
			p.ends(128 + int(status.Signal()))
		default:
			p.ends(status.ExitStatus())
		}
	}
}

func (p *process) ends(code int) {
	p.running, p.code = false, code
	p.terminal.takeBack()
}
