package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"time"
)

// patience is how long a process may take to get ready or to stop.
const patience = 60 * time.Second

// process is a program that runs beside this one and does not outlive it.
type process struct {
	name    string
	command *exec.Cmd
	log     *os.File
	exited  chan struct{} // closed when it has ended; exit is set then
	exit    error
}

// startProcess starts a program with its output going to a log file. It gets a process group of its own, so that
// Ctrl-C reaches this program alone, which then stops everything in order.
func startProcess(name string, command *exec.Cmd, logPath string) (*process, error) {
	log, err := os.OpenFile(logPath, os.O_CREATE|os.O_RDWR|os.O_APPEND, 0o644)
	if err != nil {
		return nil, err
	}
	command.Stdout, command.Stderr = log, log
	if command.SysProcAttr == nil {
		command.SysProcAttr = &syscall.SysProcAttr{}
	}
	command.SysProcAttr.Setpgid = true
	dieWithParent(command.SysProcAttr)

	p := &process{name: name, command: command, log: log, exited: make(chan struct{})}
	started := make(chan error)
	go func() {
		// "Parent" is the thread that started the process: it must live as long as the process does.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := command.Start()
		started <- err
		if err == nil {
			p.exit = command.Wait()
		}
		close(p.exited)
	}()
	if err := <-started; err != nil {
		return nil, errors.Join(fmt.Errorf("starting %s: %w", name, err), log.Close())
	}
	return p, nil
}

func (p *process) pid() int { return p.command.Process.Pid }

// awaitReady calls ready until it says true. The end of the process or of ctx ends the waiting.
func (p *process) awaitReady(ctx context.Context, interval time.Duration, ready func(context.Context) bool) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	poll := time.NewTicker(interval)
	defer poll.Stop()
	for !ready(ctx) {
		select {
		case <-p.exited:
			return fmt.Errorf("%s has ended (%v) before it was ready: %s", p.name, p.exit, p.lastWords())
		case <-ctx.Done():
			return fmt.Errorf("waiting for %s to get ready: %w: %s", p.name, ctx.Err(), p.lastWords())
		case <-poll.C:
		}
	}
	return nil
}

// stop asks the process to end, makes it end when it does not, and waits until it has.
func (p *process) stop(ask syscall.Signal) {
	_ = p.command.Process.Signal(ask) // it may have ended
	select {
	case <-p.exited:
	case <-time.After(patience):
		_ = syscall.Kill(-p.pid(), syscall.SIGKILL)
		<-p.exited
	}
	_ = p.log.Close()
}

// lastWords is the end of what the process has written.
func (p *process) lastWords() string {
	const most = 2000
	info, err := p.log.Stat()
	if err != nil {
		return err.Error()
	}
	text := make([]byte, min(info.Size(), most))
	if _, err := p.log.ReadAt(text, info.Size()-int64(len(text))); err != nil {
		return err.Error()
	}
	return strings.TrimSpace(string(text))
}

// forgetLog empties the log, so that a server that logs each request does not fill the disk. The process appends,
// so it goes on at the new end.
func (p *process) forgetLog() error { return p.log.Truncate(0) }
