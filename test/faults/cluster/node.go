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
	// stopTimeout bounds the stop of a node: the time that docs/operations.md promises, and a
	// margin.
	stopTimeout = 15 * time.Second
	// startPause is the pause between attempts to start a node.
	startPause = 200 * time.Millisecond
)

// Node is one server. Each start makes a new process, which is a new incarnation of the node.
type Node struct {
	Number int
	// Front is the link between clients and the node, Back the one between the node and PostgreSQL.
	Front, Back *proxy.Link
	// Forks is set while another history may replace the current one. The node may report that
	// then.
	Forks atomic.Bool

	program     string
	address     string
	dsn         string
	logPath     string
	incarnation atomic.Int64

	mu       sync.Mutex           // guards the fields below
	process  *processtest.Process // nil: not started yet
	ready    bool                 // the process was ready once
	stopping bool                 // a stop was requested
}

// Incarnation counts the starts of the node. A request during which it does not change was answered
// by one process.
func (n *Node) Incarnation() int { return int(n.incarnation.Load()) }

// Address is where the node listens, without its link.
func (n *Node) Address() string { return n.address }

// Start starts the node if it does not run, and returns when it is ready. It retries while the node
// cannot start, for example because PostgreSQL is unreachable.
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
			return fmt.Errorf("starting node %d: %w: %w: %s", n.Number, ctx.Err(), err, n.LastLines())
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

// BrokenError is the report of a node that its history is broken, is not the one it had before, or
// has an event that it does not know. It is always wrong in a cluster whose PostgreSQL keeps its
// data. Where [Node.Forks] is set, only an unknown event counts.
type BrokenError struct {
	Node int
	Says string
}

func (e *BrokenError) Error() string { return fmt.Sprintf("node %d says: %s", e.Node, e.Says) }

// Ready asks the node directly, not through its link, whether it is ready. The error is a
// [*BrokenError], or reports that there was no answer.
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

// lasting returns the texts with which a node reports a state that it does not leave by itself.
func (n *Node) lasting() []string {
	if n.Forks.Load() {
		return []string{"does not know"}
	}
	return []string{"is broken", "is not the one", "ends before", "does not know"}
}

// Kill ends the node with SIGKILL.
func (n *Node) Kill() error {
	err := n.expectStop().Stop(syscall.SIGKILL, stopTimeout)
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.Sys().(syscall.WaitStatus).Signal() == syscall.SIGKILL {
		return nil
	}
	return fmt.Errorf("killing node %d: it ended by itself: %w", n.Number, err)
}

// StopError reports that a node did not stop cleanly.
type StopError struct {
	Node      int
	How       error
	LastLines string
}

func (e *StopError) Error() string {
	return fmt.Sprintf("node %d did not stop cleanly: %v: %s", e.Node, e.How, e.LastLines)
}

func (e *StopError) Unwrap() error { return e.How }

// Terminate stops the node with SIGTERM. It returns a [*StopError] unless the node ends in time
// with exit code 0.
func (n *Node) Terminate() error {
	if err := n.expectStop().Stop(syscall.SIGTERM, stopTimeout); err != nil {
		return &StopError{n.Number, err, n.LastLines()}
	}
	return nil
}

// Close kills the node, if it runs, and closes its links.
func (n *Node) Close() {
	if p := n.current(); p != nil {
		_ = p.Stop(syscall.SIGKILL, stopTimeout)
	}
	n.Front.Close()
	n.Back.Close()
}

// Died reports whether a process that was ready has ended without a request to stop. A process that
// cannot start may end.
func (n *Node) Died() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.process.Ended() && n.ready && !n.stopping
}

// Answered returns the ids of the requests that the log of the node has as answered.
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

// LastLines is the end of the log of the node, without the lines of requests.
func (n *Node) LastLines() string {
	const most = 5
	text, err := os.ReadFile(n.logPath)
	if err != nil {
		return err.Error()
	}
	var lines []string
	for line := range strings.Lines(string(text)) {
		if !strings.Contains(line, `"status":`) {
			lines = append(lines, strings.TrimSpace(line))
		}
	}
	return strings.Join(lines[max(0, len(lines)-most):], "\n")
}

func (n *Node) current() *processtest.Process {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.process
}

// expectStop records that a stop was requested, and returns the process.
func (n *Node) expectStop() *processtest.Process {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.stopping = true
	return n.process
}

// freeAddress returns a free address of 127.0.0.1. Its port is outside the range that the system
// gives to outgoing connections: such a connection could take the port while the node is down.
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

// Pause waits for d. It returns false when ctx ends first.
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
