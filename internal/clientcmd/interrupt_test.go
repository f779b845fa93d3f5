package clientcmd_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"configapi/internal/cli"
	"configapi/internal/fault"
)

// onText is standard error that calls a function as soon as a text was written to it.
type onText struct {
	strings.Builder
	text string
	call func()
}

func (o *onText) Write(part []byte) (int, error) {
	n, err := o.Builder.Write(part)
	if o.text != "" && strings.Contains(o.String(), o.text) {
		o.text = ""
		o.call()
	}
	return n, err
}

// runInterrupted runs a command on a terminal, which is interrupted as soon as it has said a text.
func (s *server) runInterrupted(t *testing.T, env map[string]string, cause error, text string, args ...string) result {
	t.Helper()
	ctx, cancel := context.WithCancelCause(t.Context())
	defer cancel(nil)
	stdin, end := io.Pipe() // which gives no answer
	defer end.Close()
	stderr := &onText{text: text, call: func() { cancel(cause) }}
	var stdout strings.Builder
	getenv := func(key string) string {
		if key == "CONFIGAPI_URL" {
			return s.URL
		}
		return env[key]
	}
	code := cli.Run(ctx, cli.Env{Args: args, Getenv: getenv, Stdin: stdin, Stdout: &stdout, Stderr: stderr, Terminal: func(any) (int, bool) { return 80, true }})
	return result{code, stdout.String(), stderr.String()}
}

// TestInterruptAtPrompt types ^C where a command asks.
func TestInterruptAtPrompt(t *testing.T) {
	s := newServer(t, nil)
	s.run(t, "set", "a/b", "1").must(t, fault.ExitDone)
	interrupted := errors.New("interrupted")
	for question, args := range map[string][]string{
		"[y/N]":          {"delete", "-r", "a"},
		"type the value": {"set", "a/b", "-"},
	} {
		r := s.runInterrupted(t, nil, interrupted, question, args...)
		r.must(t, fault.ExitInterrupted, "interrupted while waiting for input; nothing was written")
	}
	s.run(t, "get", "a/b").must(t, fault.ExitDone, "1")
}

// TestInterruptBetweenSets interrupts an import after its first change set.
func TestInterruptBetweenSets(t *testing.T) {
	s := newServer(t, nil)
	file := filepath.Join(t.TempDir(), "many.env")
	var text strings.Builder
	for i := range 2500 {
		fmt.Fprintf(&text, "KEY_%d=%d\n", i, i)
	}
	if err := os.WriteFile(file, []byte(text.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	r := s.runInterrupted(t, nil, errors.New("interrupted"), "writing [############..................] 1000 of 2500", "import", file)
	r.must(t, fault.ExitInterrupted, "configapi: interrupted\n1000 changes were made before, up to position 1000-", "run the same command again")
	s.run(t, "import", file).must(t, fault.ExitDone, "1500 changes, 1000 unchanged")
}

// TestInterruptUnderWay interrupts a write that the server has and does not answer.
func TestInterruptUnderWay(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	defer cancel(nil)
	s := newServer(t, func(inner http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodPost {
				_, _ = io.Copy(io.Discard, r.Body) // so that the server sees the client go
				cancel(errors.New("interrupted"))
				<-r.Context().Done()
				return
			}
			inner.ServeHTTP(w, r)
		})
	})
	r := process{env: map[string]string{"CONFIGAPI_URL": s.URL}}.runUntil(ctx, t, "set", "a", "1")
	r.must(t, fault.ExitUnknown, "the outcome is unknown")
}

// endless is a server whose list never ends. It calls started once it has sent some of it.
func endless(t *testing.T, started func()) *httptest.Server {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Config-Position", "1-00000000")
		for i := 0; r.Context().Err() == nil; i++ {
			separator := ","
			if i == 0 {
				separator = "["
			}
			fmt.Fprintf(w, `%s{"name":"a/%09d","value":"1","version":1}`, separator, i)
			if i == 5000 {
				started()
			}
		}
	}))
	t.Cleanup(server.Close)
	return server
}

func command(t *testing.T, url string, args ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], args...)
	cmd.Env = append(os.Environ(), asProgram+"=1", "CONFIGAPI_URL="+url, "HOME="+t.TempDir(), "XDG_CONFIG_HOME=", "GOCOVERDIR="+t.TempDir())
	return cmd
}

// TestInterruptInListing sends a signal to a process while it lists: its shell sees what it would
// see of any other program.
func TestInterruptInListing(t *testing.T) {
	for signal, want := range map[syscall.Signal]func(syscall.WaitStatus) bool{
		syscall.SIGINT: func(got syscall.WaitStatus) bool {
			return got.Signaled() && got.Signal() == syscall.SIGINT || got.ExitStatus() == fault.ExitInterrupted
		},
		syscall.SIGTERM: func(got syscall.WaitStatus) bool { return got.ExitStatus() == fault.ExitTerminated },
	} {
		var started atomic.Bool
		ready := make(chan struct{})
		server := endless(t, func() {
			if !started.Swap(true) {
				close(ready)
			}
		})
		cmd := command(t, server.URL, "list")
		var said strings.Builder
		cmd.Stderr = &said
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		select {
		case <-ready:
		case <-time.After(time.Minute):
			t.Error("the list does not begin")
		}
		if err := cmd.Process.Signal(signal); err != nil {
			t.Fatal(err)
		}
		_ = cmd.Wait()
		if got := cmd.ProcessState.Sys().(syscall.WaitStatus); !want(got) || said.String() != "configapi: interrupted\n" {
			t.Errorf("%v: got %v and %q", signal, cmd.ProcessState, said.String())
		}
	}
}

// TestClosedPipe reads the first line of an endless list, and closes the pipe.
func TestClosedPipe(t *testing.T) {
	for _, form := range []string{"table", "json", "yaml", "name"} {
		cmd := command(t, endless(t, func() {}).URL, "list", "-o", form)
		var said strings.Builder
		cmd.Stderr = &said
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		if line, err := bufio.NewReader(out).ReadString('\n'); err != nil || line == "" {
			t.Errorf("%s: got %q, %v", form, line, err)
		}
		_ = out.Close()
		_ = cmd.Wait()
		got := cmd.ProcessState.Sys().(syscall.WaitStatus)
		if !(got.Signaled() && got.Signal() == syscall.SIGPIPE) && got.ExitStatus() != fault.ExitClosed || said.String() != "" {
			t.Errorf("%s: got %v and %q", form, cmd.ProcessState, said.String())
		}
	}
}

// failing is an output whose writes fail.
type failing struct{ err error }

func (f failing) Write([]byte) (int, error) { return 0, f.err }

// TestOutputFails: a pipe that nobody reads is quiet also where its signal is ignored; a disk that
// is full is not.
func TestOutputFails(t *testing.T) {
	s := newServer(t, nil)
	s.run(t, "set", "a", "1").must(t, fault.ExitDone)
	for cause, want := range map[error]result{
		syscall.EPIPE:  {fault.ExitClosed, "", ""},
		syscall.ENOSPC: {fault.ExitFailed, "", "configapi: writing the output: no space left on device\n"},
	} {
		var stderr strings.Builder
		getenv := func(key string) string { return map[string]string{"CONFIGAPI_URL": s.URL}[key] }
		code := cli.Run(t.Context(), cli.Env{Args: []string{"list"}, Getenv: getenv, Stdin: strings.NewReader(""), Stdout: failing{cause}, Stderr: &stderr})
		if got := (result{code, "", stderr.String()}); got != want {
			t.Errorf("got %+v, want %+v", got, want)
		}
	}
}
