package processtest

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
)

// Patience is how long a process may take to get ready. It is enough for one that recovers from a
// crash on a busy machine.
const Patience = 60 * time.Second

// Process is a program that runs beside this one. Its methods are safe for concurrent use.
type Process struct {
	name    string
	cmd     *exec.Cmd
	logPath string
	begins  atomic.Int64  // where its output begins in the log
	done    chan struct{} // closed when it has ended
	err     error         // how it ended; read it only when done is closed
}

// Start starts a command whose output is appended to the file at logPath. The process gets a
// process group of its own, so that ^C in a terminal reaches this program alone, which then stops
// everything in order. When this program dies, the process gets the signal orphaned.
func Start(cmd *exec.Cmd, logPath string, orphaned syscall.Signal) (*Process, error) {
	log, err := os.OpenFile(logPath, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	info, err := log.Stat()
	if err != nil {
		return nil, err
	}
	// The write end is open in the process and in all that it starts, so the read end has its end
	// when all of them have ended.
	family, inherited, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer inherited.Close()
	cmd.Stdout, cmd.Stderr, cmd.ExtraFiles = log, log, append(cmd.ExtraFiles, inherited)
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	lead(cmd.SysProcAttr)
	signalOrphan(cmd.SysProcAttr, orphaned)

	p := &Process{name: filepath.Base(cmd.Path), cmd: cmd, logPath: logPath, done: make(chan struct{})}
	p.begins.Store(info.Size())
	started := make(chan error)
	go p.run(started, family)
	if err := <-started; err != nil {
		return nil, fmt.Errorf("starting %s: %w", p.name, err)
	}
	return p, nil
}

// run starts the process, and waits until all of it has ended.
func (p *Process) run(started chan<- error, family *os.File) {
	defer close(p.done)
	defer family.Close()
	// Linux takes the end of the thread that started a process for the death of its parent, so the
	// thread stays here until the process has ended.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	err := p.cmd.Start()
	started <- err
	if err == nil {
		p.err = p.cmd.Wait()
		_, _ = io.Copy(io.Discard, family)
	}
}

// PID is the id of the process.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Done is closed when the process has ended, and all the processes that it started.
func (p *Process) Done() <-chan struct{} { return p.done }

// Ended reports whether Done is closed.
func (p *Process) Ended() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

// Stop sends a signal, waits until the process has ended, and returns how: nil for exit code 0,
// else an [*exec.ExitError]. When the process has not ended after patience, it is killed, and the
// error says so. Stop may be called again.
func (p *Process) Stop(ask syscall.Signal, patience time.Duration) error {
	_ = p.cmd.Process.Signal(ask) // it may have ended
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-p.done:
		return p.err
	case <-timer.C:
		_ = killGroup(p.PID())
		<-p.done
		return fmt.Errorf("%s has not ended within %v of the signal %q", p.name, patience, ask)
	}
}

// Kill ends the process at once, and waits until it has ended.
func (p *Process) Kill() { _ = p.Stop(syscall.SIGKILL, Patience) }

// Await calls ready until it returns true. It returns an error that ends with the last words of the
// process when the process ends first, when ctx does, and after Patience unless ctx has a deadline.
func (p *Process) Await(ctx context.Context, ready func(context.Context) bool) error {
	if _, bounded := ctx.Deadline(); !bounded {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, Patience)
		defer cancel()
	}
	begin := time.Now()
	poll := time.NewTimer(0)
	defer poll.Stop()
	for !ready(ctx) {
		poll.Reset(max(2*time.Millisecond, time.Since(begin)/100)) // a long start is measured, not the asking
		select {
		case <-p.done:
			return fmt.Errorf("%s has ended (%v) before it was ready: %s", p.name, p.cmd.ProcessState, p.LastWords())
		case <-ctx.Done():
			return fmt.Errorf("waiting for %s to get ready: %w: %s", p.name, ctx.Err(), p.LastWords())
		case <-poll.C:
		}
	}
	return nil
}

// AwaitLog waits until a line of the log contains a text, and returns what follows in that line. A
// text that begins with a line feed is looked for where lines begin. The errors are those of Await.
func (p *Process) AwaitLog(ctx context.Context, text string) (rest string, err error) {
	err = p.Await(ctx, func(context.Context) (whole bool) {
		_, after, _ := strings.Cut("\n"+p.Log(), text)
		rest, _, whole = strings.Cut(after, "\n")
		return whole
	})
	return rest, err
}

// Log is what the process has written since it was started, or since ForgetLog.
func (p *Process) Log() string {
	text, err := os.ReadFile(p.logPath)
	if err != nil {
		return err.Error()
	}
	return string(text[min(p.begins.Load(), int64(len(text))):])
}

// LogBytes is the length of Log.
func (p *Process) LogBytes() int64 {
	info, err := os.Stat(p.logPath)
	if err != nil {
		return 0
	}
	return info.Size() - p.begins.Load()
}

// LastWords is the end of Log.
func (p *Process) LastWords() string {
	const most = 4000
	log := strings.TrimSpace(p.Log())
	return log[max(0, len(log)-most):]
}

// ForgetLog empties the log, so that a server that logs each request does not fill the disk. The
// process appends, so it goes on at the new end.
func (p *Process) ForgetLog() error {
	p.begins.Store(0)
	return os.Truncate(p.logPath, 0)
}
