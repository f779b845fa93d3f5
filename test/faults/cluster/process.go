package cluster

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"time"
)

// process is a program that runs beside this one and does not outlive it.
type process struct {
	command *exec.Cmd
	log     *os.File
	exited  chan struct{} // closed when it has ended
	exit    error         // how; to be read when exited is closed
}

// startProcess starts a program whose output is appended to a file. It gets a process group of its own, so that ^C in a
// terminal reaches this program alone, which then stops everything in order.
func startProcess(command *exec.Cmd, logPath string) (*process, error) {
	log, err := os.OpenFile(logPath, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return nil, err
	}
	command.Stdout, command.Stderr = log, log
	command.SysProcAttr = attributes()
	p := &process{command: command, log: log, exited: make(chan struct{})}
	started := make(chan error)
	go func() {
		// On Linux the death of the thread that started a process counts as the death of its parent.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := command.Start()
		started <- err
		if err == nil {
			p.exit = command.Wait()
			close(p.exited)
		}
	}()
	if err := <-started; err != nil {
		return nil, errors.Join(fmt.Errorf("starting %s: %w", command.Path, err), log.Close())
	}
	return p, nil
}

// end sends a signal and waits until the process has ended; after patience it is killed, which is an error. Otherwise the
// error is how the process ended.
func (p *process) end(signal syscall.Signal, patience time.Duration) error {
	defer p.log.Close()
	_ = p.command.Process.Signal(signal) // it may have ended
	select {
	case <-p.exited:
		return p.exit
	case <-time.After(patience):
		_ = p.command.Process.Kill()
		<-p.exited
		return fmt.Errorf("it has not ended within %v of %v", patience, signal)
	}
}

// ended tells whether the process has ended.
func (p *process) ended() bool {
	select {
	case <-p.exited:
		return true
	default:
		return false
	}
}
