package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"
)

// server is a process under attack.
type server struct {
	command *exec.Cmd
	address string
	done    chan struct{} // closed when it has ended
	logged  atomic.Int64  // bytes on its standard error
	peak    atomic.Int64  // the most memory that was seen, in MiB
}

// giveUpAt is the memory, in MiB, at which a server is killed, so that an attack that works leaves the machine alone.
const giveUpAt = 6 << 10

// startServer starts a server on a free port and returns when it is ready.
func startServer(ctx context.Context, binary, dir, store string) (*server, error) {
	if store == "" {
		store = "sqlite:" + filepath.Join(dir, "configapi.db")
	}
	s := &server{done: make(chan struct{})}
	s.command = exec.Command(binary, "serve", "--listen", "127.0.0.1:0", "--store", store, "--log", "text")
	s.command.Dir = dir
	output, err := s.command.StderrPipe()
	if err != nil {
		return nil, err
	}
	if err := s.command.Start(); err != nil {
		return nil, fmt.Errorf("starting the server: %w", err)
	}
	address := make(chan string, 1)
	go s.read(output, address)
	select {
	case s.address = <-address:
	case <-s.done:
		return nil, errors.New("the server ended at once")
	case <-ctx.Done():
		s.kill()
		return nil, ctx.Err()
	}
	go s.guard()
	if err := s.awaitReady(ctx); err != nil {
		s.kill()
		return nil, err
	}
	return s, nil
}

// read counts what the server logs, and finds its address there.
func (s *server) read(output io.Reader, address chan<- string) {
	defer close(s.done)
	lines := bufio.NewReader(output)
	for {
		line, err := lines.ReadString('\n')
		s.logged.Add(int64(len(line)))
		if _, rest, found := strings.Cut(line, "msg=serving address="); found {
			first, _, _ := strings.Cut(rest, " ")
			address <- first
		}
		if err != nil {
			break
		}
	}
	_ = s.command.Wait()
}

// guard kills a server whose memory has got out of hand.
func (s *server) guard() {
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-s.done:
			return
		case <-tick.C:
		}
		if now, err := s.usage(); err == nil {
			s.peak.Store(max(s.peak.Load(), now.memory))
			if now.memory > giveUpAt {
				s.kill()
			}
		}
	}
}

func (s *server) awaitReady(ctx context.Context) error {
	deadline := time.Now().Add(30 * time.Second)
	for time.Now().Before(deadline) && ctx.Err() == nil {
		answer, err := http.Get(s.url("/readyz"))
		if err == nil {
			answer.Body.Close()
			if answer.StatusCode == http.StatusOK {
				return nil
			}
		}
		select {
		case <-s.done:
			return errors.New("the server ended before it was ready")
		case <-time.After(10 * time.Millisecond):
		}
	}
	return errors.New("the server did not get ready")
}

func (s *server) url(path string) string { return "http://" + s.address + path }

// highest is the most memory that the server was seen with, in MiB.
func (s *server) highest() int64 { return s.peak.Load() }

// ended reports whether the process is gone.
func (s *server) ended() bool {
	select {
	case <-s.done:
		return true
	default:
		return false
	}
}

// kill ends the process, and waits until it is gone.
func (s *server) kill() {
	_ = s.command.Process.Kill()
	<-s.done
}
