//go:build unix

package supervisor_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"configapi/internal/supervisor"
)

// asSupervisor makes the test binary run its arguments under a supervisor, with the environment in
// a file that is read again after SIGVTALRM, which is not forwarded.
const asSupervisor = "CONFIGAPI_TEST_SUPERVISOR"

func TestMain(m *testing.M) {
	if file := os.Getenv(asSupervisor); file != "" {
		os.Exit(supervise(file))
	}
	os.Exit(m.Run())
}

func supervise(file string) int {
	again := make(chan os.Signal, 1)
	signal.Notify(again, syscall.SIGVTALRM)
	source := &fileSource{file: file, changed: make(chan struct{}, 1)}
	go func() {
		for range again {
			source.changed <- struct{}{}
		}
	}()
	log := os.Stderr
	if os.Getenv("LOG") == "stdout" {
		log = os.Stdout
	}
	grace, _ := time.ParseDuration(os.Getenv("GRACE"))
	code, err := supervisor.Run(context.Background(), supervisor.Options{
		Args: os.Args[1:], Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr, Source: source,
		Grace: grace, Quiet: time.Millisecond,
		Log: func(format string, args ...any) { fmt.Fprintf(log, "log: "+format+"\n", args...) },
	})
	var start *supervisor.StartError
	if errors.As(err, &start) {
		fmt.Fprintln(os.Stderr, err)
		return start.Code
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return code
}

// fileSource has the lines of a file.
type fileSource struct {
	file    string
	changed chan struct{}
}

func (s *fileSource) Changed() <-chan struct{} { return s.changed }

func (s *fileSource) Next() (supervisor.Environment, error) {
	text, err := os.ReadFile(s.file)
	return supervisor.Environment{Variables: strings.Split(strings.TrimSpace(string(text)), "\n"), Position: "1-a"}, err
}

// supervised is a supervisor in a process of its own, whose program writes lines.
type supervised struct {
	*exec.Cmd
	t     *testing.T
	file  string // of the environment
	lines *bufio.Scanner
	stdin io.WriteCloser
	log   strings.Builder // read it after wait
}

// mustSupervise runs a script of the shell. env are variables of the supervisor; the script gets
// PATH and A=0.
func mustSupervise(t *testing.T, env []string, args ...string) *supervised {
	t.Helper()
	s := &supervised{t: t, file: filepath.Join(t.TempDir(), "env"), Cmd: exec.Command(os.Args[0], args...)}
	s.mustSet("A=0")
	s.Env = append(os.Environ(), append(env, asSupervisor+"="+s.file)...)
	s.Stderr = &s.log
	out, err := s.StdoutPipe()
	if err == nil {
		s.stdin, err = s.StdinPipe()
	}
	if err == nil {
		err = s.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Process.Kill() })
	s.lines = bufio.NewScanner(out)
	return s
}

func (s *supervised) mustSet(variables string) {
	s.t.Helper()
	if err := os.WriteFile(s.file, []byte("PATH="+os.Getenv("PATH")+"\n"+variables), 0o600); err != nil {
		s.t.Fatal(err)
	}
}

// change has the program get other variables.
func (s *supervised) change(variables string) {
	s.t.Helper()
	s.mustSet(variables)
	s.signal(syscall.SIGVTALRM)
}

func (s *supervised) signal(sig os.Signal) {
	s.t.Helper()
	if err := s.Process.Signal(sig); err != nil {
		s.t.Fatal(err)
	}
}

// line returns the next line of the program.
func (s *supervised) line() string {
	s.t.Helper()
	if !s.lines.Scan() {
		_ = s.Wait()
		s.t.Fatalf("the program has ended: %v, %s", s.lines.Err(), &s.log)
	}
	return s.lines.Text()
}

func (s *supervised) want(line string) {
	s.t.Helper()
	if got := s.line(); got != line {
		s.t.Fatalf("got %q, want %q", got, line)
	}
}

// ends waits for the end of the supervisor.
func (s *supervised) ends(code int) {
	s.t.Helper()
	for s.lines.Scan() {
	}
	if _ = s.Wait(); s.ProcessState.ExitCode() != code {
		s.t.Errorf("got %d, want %d: %s", s.ProcessState.ExitCode(), code, &s.log)
	}
}

func TestExitCodes(t *testing.T) {
	folder := t.TempDir()
	for name, text := range map[string]string{"script": "#!/bin/sh\nexit 9\n", "text": "hello", "lost": "#!/no/such/interpreter\n"} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(folder, "data"), []byte("#!/bin/sh\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		args []string
		code int
		says string
	}{
		{[]string{"true"}, 0, ""},
		{[]string{"sh", "-c", "exit 3"}, 3, ""},
		{[]string{"sh", "-c", "kill -KILL $$"}, 137, ""},
		{[]string{"sh", "-c", "kill -TERM $$"}, 143, ""},
		{[]string{filepath.Join(folder, "script")}, 9, ""},
		{[]string{"no-such-program"}, 127, `starting "no-such-program": there is no such program`},
		{[]string{"/no/such/program"}, 127, "there is no such program"},
		{[]string{filepath.Join(folder, "lost")}, 127, "there is no such program"},
		{[]string{filepath.Join(folder, "data")}, 126, "permission denied"},
		{[]string{folder}, 126, "starting"},
		{[]string{filepath.Join(folder, "text")}, 126, "is no program of this system"},
	} {
		s := mustSupervise(t, nil, test.args...)
		s.ends(test.code)
		if says := s.log.String(); !strings.Contains(says, test.says) || test.says == "" && says != "" {
			t.Errorf("%q: got %q, want %q", test.args, says, test.says)
		}
	}
}

func TestRestartWithAnotherEnvironment(t *testing.T) {
	s := mustSupervise(t, nil, "sh", "-c", `echo "$$ $A $B"; read -r line; exit 4`)
	before, _, _ := strings.Cut(s.line(), " ")
	s.change("A=1\nB=2")
	after, rest, _ := strings.Cut(s.line(), " ")
	if rest != "1 2" || after == before {
		t.Errorf("got %q and %q", before, after+" "+rest)
	}
	if err := s.stdin.Close(); err != nil {
		t.Fatal(err)
	}
	s.ends(4)
	if got := s.log.String(); got != "log: A changed, B added at position 1-a; the program is started again\n" {
		t.Errorf("got %q", got)
	}
}

// TestSignals: each signal reaches the program, and only it: the shell's child goes on.
func TestSignals(t *testing.T) {
	s := mustSupervise(t, nil, "sh", "-c", `
for s in HUP INT QUIT USR1 WINCH; do trap "echo $s" $s; done
sh -c 'trap "" USR1; echo ready; sleep 1000' & child=$!
trap "kill -KILL $child; exit 5" TERM
while :; do wait; done`)
	s.want("ready")
	for _, sig := range []syscall.Signal{syscall.SIGHUP, syscall.SIGINT, syscall.SIGQUIT, syscall.SIGUSR1, syscall.SIGWINCH} {
		s.signal(sig)
		if got := s.line(); "SIG"+got != unix.SignalName(sig) {
			t.Errorf("got %q for %v", got, sig)
		}
	}
	s.signal(syscall.SIGTERM)
	s.ends(5)
}

// TestProgramThatIgnoresTheEnd is killed with its group.
func TestProgramThatIgnoresTheEnd(t *testing.T) {
	s := mustSupervise(t, []string{"GRACE=50ms"}, "sh", "-c", `trap "" TERM; sleep 1000 & echo "$! $A"; while :; do wait; done`)
	child, _, _ := strings.Cut(s.line(), " ")
	s.change("A=1")
	if got := s.line(); !strings.HasSuffix(got, " 1") {
		t.Errorf("got %q", got)
	}
	mustNotRun(t, child)
	s.signal(syscall.SIGTERM)
	s.ends(137)
}

// TestGroupEndsBeforeTheNextProgramStarts: a shell does not hand SIGTERM on to its children.
func TestGroupEndsBeforeTheNextProgramStarts(t *testing.T) {
	s := mustSupervise(t, nil, "sh", "-c", `sh -c 'trap "sleep 0.1; echo last; exit" TERM; echo first; while :; do sleep 0.01; done' & wait`)
	s.want("first")
	s.change("A=1")
	s.want("last")
	s.want("first")
	s.signal(syscall.SIGTERM)
	s.want("last")
	s.ends(143)
}

// TestSuspendedProgramIsStopped: one that is suspended gets no other signal.
func TestSuspendedProgramIsStopped(t *testing.T) {
	s := mustSupervise(t, nil, "sh", "-c", `echo "$A"; kill -STOP $$; echo on; exit 1`)
	s.want("0")
	s.change("A=1")
	s.want("1")
	s.signal(syscall.SIGTERM)
	s.ends(143)
}

// TestProgramWhoseFileIsGone runs on, and is started again once its file is there.
func TestProgramWhoseFileIsGone(t *testing.T) {
	file := filepath.Join(t.TempDir(), "program")
	write := func() {
		if err := os.WriteFile(file, []byte("#!/bin/sh\necho $A; cat\n"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	write()
	s := mustSupervise(t, []string{"LOG=stdout"}, file)
	s.want("0")
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	s.change("A=1")
	s.want("log: A changed at position 1-a, but the program runs on as it was: starting \"" + file + "\": there is no such program")
	if _, err := s.stdin.Write([]byte("still here\n")); err != nil {
		t.Fatal(err)
	}
	s.want("still here")
	write()
	s.change("A=2")
	s.want("log: A changed at position 1-a; the program is started again")
	s.want("2")
	if err := s.stdin.Close(); err != nil {
		t.Fatal(err)
	}
	s.ends(0)
}

func TestParseSignal(t *testing.T) {
	for name, want := range map[string]syscall.Signal{"HUP": syscall.SIGHUP, "SIGUSR1": syscall.SIGUSR1, "usr2": syscall.SIGUSR2, "15": syscall.SIGTERM} {
		if got, ok := supervisor.ParseSignal(name); got != want || !ok {
			t.Errorf("%s: got %v, %v", name, got, ok)
		}
	}
	for _, name := range []string{"", "SIG", "HUPP", "0", "-1", "65"} {
		if got, ok := supervisor.ParseSignal(name); ok {
			t.Errorf("%q: got %v", name, got)
		}
	}
}

// mustNotRun fails the test when a process runs. One that is killed may need a moment.
func mustNotRun(t *testing.T, pid string) {
	t.Helper()
	number, err := strconv.Atoi(pid)
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(number, 0); !errors.Is(err, syscall.ESRCH) {
		t.Errorf("process %s still runs: %v", pid, err)
	}
}
