package cluster

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"configapi/internal/processtest"
	"configapi/test/faults/proxy"
)

const (
	// stopTimeout is how long a node may take to stop: what docs/operations.md promises, and some time to spare.
	stopTimeout = 15 * time.Second
	// startPause is how long after a start that has failed the next one is tried.
	startPause = 200 * time.Millisecond
)

// Node is one server process, or rather a place for one: it has lives.
type Node struct {
	Number int
	// Front is the link between clients and the node, Back the one between the node and PostgreSQL.
	Front, Back *proxy.Link
	// Forks tells that the history may become another one: that the node says so is no fault then.
	Forks atomic.Bool

	program     string
	address     string
	dsn         string
	logPath     string
	incarnation atomic.Int64

	mu       sync.Mutex           // guards what is below
	process  *processtest.Process // nil: none was started yet
	ready    bool                 // it was ready once
	stopping bool                 // to end
}

// Life counts the starts of the node: an answer that was asked for and came in one life is that process's.
func (n *Node) Incarnation() int { return int(n.incarnation.Load()) }

// Address is where the node itself listens, past its link.
func (n *Node) Address() string { return n.address }

// Start starts the node and returns when it is ready. While it cannot start, because PostgreSQL is away, it is tried again.
func (n *Node) Start(ctx context.Context) error {
	for {
		err := n.launch()
		if err == nil {
			err = n.awaitReady(ctx)
		}
		var broken *BrokenError
		if err == nil || errors.As(err, &broken) {
			return err
		}
		if !Pause(ctx, startPause) {
			return fmt.Errorf("starting node %d: %w: %w: %s", n.Number, ctx.Err(), err, n.LastWords())
		}
	}
}

func (n *Node) launch() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.process != nil && !n.process.Ended() {
		return nil
	}
	p, err := processtest.Start(exec.Command(n.program, "serve", "--listen", n.address, "--store", n.dsn, "--log", "json"), n.logPath, syscall.SIGKILL)
	if err != nil {
		return err
	}
	n.process, n.ready, n.stopping = p, false, false
	n.incarnation.Add(1)
	return nil
}

var errEnded = errors.New("the process has ended")

func (n *Node) awaitReady(ctx context.Context) error {
	for {
		ready, err := n.Ready(ctx)
		var broken *BrokenError
		if errors.As(err, &broken) {
			return err
		}
		if ready {
			n.mu.Lock()
			n.ready = true
			n.mu.Unlock()
			return nil
		}
		if n.current().Ended() {
			return errEnded
		}
		if !Pause(ctx, 10*time.Millisecond) {
			return ctx.Err()
		}
	}
}

// BrokenError is that a node says of its history that it is broken, or another one than before. In a cluster with one
// PostgreSQL that keeps its data, that is never so; where [Node.Forks] is set it says less.
type BrokenError struct {
	Node int
	Says string
}

func (e *BrokenError) Error() string { return fmt.Sprintf("node %d says: %s", e.Node, e.Says) }

// Ready asks the node, past its link, whether it is ready. The error is a [*BrokenError], or that it does not answer.
func (n *Node) Ready(ctx context.Context) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+n.address+"/readyz", nil)
	if err != nil {
		return false, err
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return false, err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	for _, broken := range n.lasting() {
		if strings.Contains(string(text), broken) {
			return false, &BrokenError{n.Number, string(text)}
		}
	}
	return answer.StatusCode == http.StatusOK, err
}

// lasting are words of a node's about its history that waiting does not mend.
func (n *Node) lasting() []string {
	if n.Forks.Load() {
		return []string{"does not know"}
	}
	return []string{"is broken", "is not the one", "ends before", "does not know"}
}

// Kill is kill -9.
func (n *Node) Kill() error {
	err := n.expectStop().Stop(syscall.SIGKILL, stopTimeout)
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.Sys().(syscall.WaitStatus).Signal() == syscall.SIGKILL {
		return nil
	}
	return fmt.Errorf("killing node %d: it ended by itself: %w", n.Number, err)
}

// StopError says that a node has not stopped in order.
type StopError struct {
	Node      int
	How       error
	LastWords string
}

func (e *StopError) Error() string {
	return fmt.Sprintf("node %d was told to stop: %v: %s", e.Node, e.How, e.LastWords)
}

func (e *StopError) Unwrap() error { return e.How }

// Terminate is SIGTERM. A node that does not end in order, with exit code 0, is a [*StopError].
func (n *Node) Terminate() error {
	if err := n.expectStop().Stop(syscall.SIGTERM, stopTimeout); err != nil {
		return &StopError{n.Number, err, n.LastWords()}
	}
	return nil
}

// Close kills the node, if it runs, and ends its links.
func (n *Node) Close() {
	if p := n.current(); p != nil {
		_ = p.Stop(syscall.SIGKILL, stopTimeout)
	}
	n.Front.Close()
	n.Back.Close()
}

// Died tells whether the process was ready and has ended without having been told to. One that cannot start may end.
func (n *Node) Died() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.process.Ended() && n.ready && !n.stopping
}

// Answered are the ids of requests that the node has written to its log as answered.
func (n *Node) Answered() (map[string]bool, error) {
	text, err := os.ReadFile(n.logPath)
	if err != nil {
		return nil, err
	}
	ids := map[string]bool{}
	for line := range strings.Lines(string(text)) {
		if _, after, found := strings.Cut(line, `"request_id":"`); found && strings.Contains(line, `"status":`) {
			id, _, _ := strings.Cut(after, `"`)
			ids[id] = true
		}
	}
	return ids, nil
}

// LastWords is the end of the node's log, but for lines of requests.
func (n *Node) LastWords() string {
	const most = 5
	text, err := os.ReadFile(n.logPath)
	if err != nil {
		return err.Error()
	}
	var words []string
	for line := range strings.Lines(string(text)) {
		if !strings.Contains(line, `"status":`) {
			words = append(words, strings.TrimSpace(line))
		}
	}
	return strings.Join(words[max(0, len(words)-most):], "\n")
}

func (n *Node) current() *processtest.Process {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.process
}

// tell returns the process, which is to be told to end.
func (n *Node) expectStop() *processtest.Process {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.stopping = true
	return n.process
}

// freeAddress is one of 127.0.0.1 at which nobody listens. It is none of those that the system gives to connections, one of which
// could take it while the node is down.
func freeAddress() (string, error) {
	const first, count, tries = 15_000, 15_000, 100
	var err error
	for range tries {
		var l net.Listener
		if l, err = net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(first+rand.IntN(count)))); err == nil {
			return l.Addr().String(), l.Close()
		}
	}
	return "", fmt.Errorf("looking for a free port: %w", err)
}

// Pause waits, and tells whether the time has passed before ctx ended.
func Pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
