package postgrestest

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
)

// server is a running postgres, or a pooler before one.
type server struct {
	process *os.Process
	ended   chan struct{}
	log     []string // its newest lines; read it only after ended is closed
}

// startServer starts a server and returns when its log says that it accepts connections. The error
// ends with that log.
func startServer(ctx context.Context, cmd *exec.Cmd, accepts string) (*server, error) {
	reader, writer, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	cmd.Stderr = writer
	started, collected := make(chan error, 1), make(chan struct{})
	go func() {
		defer close(collected)
		runOnThread(cmd, started)
	}()
	err = <-started
	writer.Close()
	if err != nil {
		reader.Close()
		return nil, err
	}
	s := &server{process: cmd.Process, ended: make(chan struct{})}
	ready := make(chan struct{})
	go s.follow(reader, accepts, ready, collected)
	select {
	case <-ready:
		return s, nil
	case <-s.ended:
		return nil, errors.New("the server ended:\n" + strings.Join(s.log, "\n"))
	case <-ctx.Done():
		err := s.stop(syscall.SIGKILL)
		return nil, errors.Join(ctx.Err(), err, errors.New(strings.Join(s.log, "\n")))
	}
}

// follow reads the log of the server, which ends when all its processes have ended. It then waits
// until the first process is collected: until then its process id exists, and another server on the
// same data would take it for running.
func (s *server) follow(log io.ReadCloser, accepts string, ready chan<- struct{}, collected <-chan struct{}) {
	defer close(s.ended)
	defer func() { <-collected }()
	defer log.Close()
	lines := bufio.NewReader(log)
	for said := false; ; {
		line, err := lines.ReadString('\n')
		if err != nil {
			return
		}
		if len(s.log) == logLines {
			s.log = s.log[1:]
		}
		s.log = append(s.log, strings.TrimSuffix(line, "\n"))
		if !said && strings.Contains(line, accepts) {
			said = true
			close(ready)
		}
	}
}

func (s *server) stop(signal syscall.Signal) error {
	if err := s.process.Signal(signal); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("stopping a server: %w", err)
	}
	<-s.ended
	return nil
}

// runOnThread starts a command, sends the error of that, and waits for the command to end.
//
// Linux sends the signal of processOf when the thread dies that has started the process, so the
// thread stays locked until the process has ended.
func runOnThread(cmd *exec.Cmd, started chan<- error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	err := cmd.Start()
	started <- err
	if err == nil {
		cmd.Wait() // the log says how it ended
	}
}
