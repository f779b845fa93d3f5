package supervisor_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// console is a terminal that a script of bash runs on.
type console struct {
	t    *testing.T
	keys *os.File // what is written to it is typed
	cmd  *exec.Cmd
	file string // of the environment

	mu    sync.Mutex // guards shown
	shown bytes.Buffer
	more  chan struct{} // gets one when more is shown; closed at the end
}

// mustOpen runs a script in a session of its own, whose terminal is a new one. In the script, $S is
// the supervisor.
func mustOpen(t *testing.T, script string) *console {
	t.Helper()
	keys, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = keys.Close() })
	raw, err := keys.SyscallConn() // Fd would make reading uninterruptible
	if err != nil {
		t.Fatal(err)
	}
	var number int
	controlErr := raw.Control(func(fd uintptr) {
		if number, err = unix.IoctlGetInt(int(fd), unix.TIOCGPTN); err == nil {
			err = unix.IoctlSetPointerInt(int(fd), unix.TIOCSPTLCK, 0)
		}
	})
	err = errors.Join(err, controlErr)
	if err != nil {
		t.Fatal(err)
	}
	screen, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	c := &console{t: t, keys: keys, file: filepath.Join(t.TempDir(), "env"), more: make(chan struct{}, 1)}
	c.mustSet("A=0")
	c.cmd = exec.Command("bash", "--norc", "-c", script)
	c.cmd.Env = append(os.Environ(), asSupervisor+"="+c.file, "S="+os.Args[0], "LOG=stdout")
	c.cmd.Stdin, c.cmd.Stdout, c.cmd.Stderr = screen, screen, screen
	c.cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	err = c.cmd.Start()
	_ = screen.Close()
	if err != nil {
		t.Fatal(err)
	}
	read := make(chan struct{})
	go func() {
		defer close(read)
		c.read()
	}()
	t.Cleanup(func() {
		_ = syscall.Kill(-c.cmd.Process.Pid, syscall.SIGKILL)
		_ = c.cmd.Wait()
		_ = keys.Close() // hangs up
		<-read
	})
	return c
}

func (c *console) mustSet(variables string) {
	c.t.Helper()
	if err := os.WriteFile(c.file, []byte("PATH="+os.Getenv("PATH")+"\n"+variables), 0o600); err != nil {
		c.t.Fatal(err)
	}
}

func (c *console) read() {
	defer close(c.more)
	part := make([]byte, 1000)
	for {
		n, err := c.keys.Read(part)
		c.mu.Lock()
		c.shown.Write(part[:n])
		c.mu.Unlock()
		select {
		case c.more <- struct{}{}:
		default:
		}
		if err != nil {
			return // EIO when the last process has closed the terminal
		}
	}
}

// wait waits until a text is shown, and forgets what was shown until then. It returns that.
func (c *console) wait(text string) string {
	c.t.Helper()
	timeout := time.After(20 * time.Second)
	for {
		c.mu.Lock()
		before, after, found := strings.Cut(c.shown.String(), text)
		if found {
			c.shown.Reset()
			c.shown.WriteString(after)
		}
		shown := c.shown.String()
		c.mu.Unlock()
		if found {
			return before
		}
		select {
		case _, open := <-c.more:
			if !open {
				c.t.Fatalf("all has ended, and %q was not shown: %q", text, shown)
			}
		case <-timeout:
			c.t.Fatalf("%q is not shown: %q", text, shown)
		}
	}
}

// waitForJob waits until the terminal is no longer that of the script.
func (c *console) waitForJob() {
	c.t.Helper()
	raw, err := c.keys.SyscallConn()
	for group := c.cmd.Process.Pid; err == nil && group == c.cmd.Process.Pid; runtime.Gosched() {
		if controlErr := raw.Control(func(fd uintptr) { group, err = unix.IoctlGetInt(int(fd), unix.TIOCGPGRP) }); controlErr != nil {
			err = controlErr
		}
	}
	if err != nil {
		c.t.Fatal(err)
	}
}

func (c *console) press(keys string) {
	c.t.Helper()
	if _, err := c.keys.WriteString(keys); err != nil {
		c.t.Fatal(err)
	}
}

const (
	controlC = "\x03"
	controlD = "\x04"
	controlZ = "\x1a"
)

func TestTerminalIsThatOfTheProgram(t *testing.T) {
	c := mustOpen(t, `$S sh -c 'read -r line; echo "<$line>"; cat'; echo "code $?"`)
	c.press("hello\n")
	c.wait("<hello>")
	c.press(controlD)
	c.wait("code 0")
}

// TestKeysReachTheGroup: ^C is for the program and for what it runs, as without a supervisor.
func TestKeysReachTheGroup(t *testing.T) {
	c := mustOpen(t, `$S sh -c 'trap "echo outer; exit 3" INT
		sh -c "trap \"echo inner; exit\" INT; echo ready; while :; do sleep 0.01; done"; true'; echo "code $?"`)
	c.wait("ready")
	c.press(controlC)
	if shown := c.wait("code 3"); !strings.Contains(shown, "inner") || !strings.Contains(shown, "outer") {
		t.Errorf("got %q", shown)
	}
}

func TestProgramThatDiesOfAKey(t *testing.T) {
	c := mustOpen(t, `$S sh -c 'echo ready; exec sleep 1000'; echo "code $?"; read -r line; echo "<$line>"`)
	c.wait("ready")
	c.press(controlC)
	c.wait("code 130")
	c.press("back\n") // the shell has its terminal again
	c.wait("<back>")
}

// TestJobControl suspends a program, continues it in the background and in the foreground.
func TestJobControl(t *testing.T) {
	c := mustOpen(t, `set -m
		$S sh -c 'echo ready; read -r line; echo "<$line>"; exec sleep 1000' # a shell that forks cannot be suspended
		echo "suspended $?"; read -r line; echo "<$line>"
		fg; echo "again $?"
		bg; read -r line; echo "<$line>"
		fg; echo "code $?"`)
	c.wait("ready")
	c.press(controlZ)
	c.wait("suspended 148")
	c.press("shell\n")
	c.wait("<shell>")
	c.press("program\n")
	c.wait("<program>")
	c.press(controlZ)
	c.wait("again 148")
	c.press("shell again\n")
	c.wait("<shell again>")
	c.waitForJob()
	c.press(controlC) // it goes to the supervisor: its program has not had the terminal since bg
	c.wait("code 130")
}

// TestBackgroundProgramReads: a program that is started in the background is suspended when it
// reads, as without a supervisor.
func TestBackgroundProgramReads(t *testing.T) {
	c := mustOpen(t, `set -m
		$S sh -c 'read -r line; echo "<$line>"' &
		while ! jobs | grep -q Stopped; do sleep 0.01; done
		echo stopped; fg; echo "code $?"`)
	c.wait("stopped")
	c.press("hello\n")
	c.wait("<hello>")
	c.wait("code 0")
}

// TestTerminalAfterARestart is that of the next program, with the modes that it had.
func TestTerminalAfterARestart(t *testing.T) {
	c := mustOpen(t, `$S sh -c 'stty -a | grep -q " echo " && echo "echoes $A"; stty -echo; echo "$PPID=parent"; read -r line; echo "<$A $line>"'; echo "code $?"`)
	c.wait("echoes 0")
	shown := c.wait("=parent")
	var parent int
	if _, err := fmt.Sscan(strings.TrimSpace(shown), &parent); err != nil {
		t.Fatalf("%v in %q", err, shown)
	}
	c.mustSet("A=1")
	if err := syscall.Kill(parent, syscall.SIGVTALRM); err != nil {
		t.Fatal(err)
	}
	c.wait("echoes 1")
	c.press("hello\n")
	c.wait("<1 hello>")
	c.wait("code 0")
}

// TestPipeline: what reads the output of the program may use the terminal itself.
func TestPipeline(t *testing.T) {
	c := mustOpen(t, `$S sh -c 'trap "exit 5" INT; echo line; while :; do sleep 0.01; done' | { read -r a; read -r b </dev/tty; echo "<$a $b>"; trap "" INT; cat; }; echo "codes ${PIPESTATUS[*]}"`)
	c.press("key\n")
	c.wait("<line key>")
	c.press(controlC)
	c.wait("codes")
}
