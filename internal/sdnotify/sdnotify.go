// Package sdnotify reports the state of the server to the service manager that started it, in the
// protocol of systemd's sd_notify(3): when it is ready, when it reads its files anew, when it
// stops, and that it is alive.
//
// A service manager that wants to know sets NOTIFY_SOCKET. Without it [FromEnvironment] returns
// nil, and a nil [Manager] does nothing. Reports are hints: one that cannot be sent is logged once,
// and the server goes on.
package sdnotify

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Manager is the service manager of this process. Its methods are safe for concurrent use, and do
// nothing for a nil one.
type Manager struct {
	socket   *net.UnixConn
	watchdog time.Duration // the manager ends a process that was silent for so long; 0: it does not
	log      *slog.Logger
	failed   sync.Once
	ready    atomic.Bool
}

// FromEnvironment returns the service manager that the environment names, nil if there is none.
func FromEnvironment(getenv func(string) string, log *slog.Logger) (*Manager, error) {
	path := getenv("NOTIFY_SOCKET")
	if path == "" {
		return nil, nil
	}
	if path[0] != '/' && path[0] != '@' {
		return nil, errors.New("NOTIFY_SOCKET must be an absolute path, or begin with @")
	}
	watchdog, err := watchdogOf(getenv)
	if err != nil {
		return nil, err
	}
	socket, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		return nil, fmt.Errorf("connecting to NOTIFY_SOCKET: %w", err)
	}
	return &Manager{socket: socket, watchdog: watchdog, log: log}, nil
}

// maxWatchdogMicroseconds is the longest time of the watchdog that fits into a duration.
const maxWatchdogMicroseconds = int64(1<<63-1) / int64(time.Microsecond)

// watchdogOf returns the time of the watchdog, 0 if there is none for this process.
func watchdogOf(getenv func(string) string) (time.Duration, error) {
	text := getenv("WATCHDOG_USEC")
	if pid := getenv("WATCHDOG_PID"); text == "" || pid != "" && pid != strconv.Itoa(os.Getpid()) {
		return 0, nil
	}
	microseconds, err := strconv.ParseInt(text, 10, 64)
	if err != nil || microseconds < 1 || microseconds > maxWatchdogMicroseconds {
		return 0, errors.New("WATCHDOG_USEC must be a positive number of microseconds")
	}
	return time.Duration(microseconds) * time.Microsecond, nil
}

// Run reports that the server is ready once the channel is closed, then that it is alive, twice in
// the time of the watchdog, and that it stops when ctx ends. It returns nil, and must be called
// once at most.
//
// The watchdog is about the process alone. A store that cannot be reached is no reason to end a
// server that still answers reads.
func (m *Manager) Run(ctx context.Context, ready <-chan struct{}) error {
	if m == nil {
		return nil
	}
	defer m.send("STOPPING=1")
	select {
	case <-ready:
	case <-ctx.Done():
		return nil
	}
	m.ready.Store(true)
	m.send("READY=1", "STATUS=serving")
	var beats <-chan time.Time
	if m.watchdog > 0 {
		ticker := time.NewTicker(max(m.watchdog/2, 1))
		defer ticker.Stop()
		beats = ticker.C
	}
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-beats:
			m.send("WATCHDOG=1")
		}
	}
}

// Reload calls load, which reads files of the server anew, and reports its begin and its end.
// Before the server is ready it reports neither, since the end of a reload counts as ready.
func (m *Manager) Reload(load func()) {
	if m == nil || !m.ready.Load() {
		load()
		return
	}
	m.send("RELOADING=1", "MONOTONIC_USEC="+strconv.FormatInt(monotonicMicroseconds(), 10))
	load()
	m.send("READY=1")
}

// Close ends the connection to the service manager. Nothing must be reported after it.
func (m *Manager) Close() error {
	if m == nil {
		return nil
	}
	return m.socket.Close()
}

// sendTime is how long a report waits for a service manager that takes nothing.
const sendTime = 500 * time.Millisecond

func (m *Manager) send(assignments ...string) {
	err := m.socket.SetWriteDeadline(time.Now().Add(sendTime))
	if err == nil {
		_, err = m.socket.Write([]byte(strings.Join(assignments, "\n")))
	}
	if err != nil {
		m.failed.Do(func() {
			m.log.Warn("the service manager cannot be notified of the state of the server", "error", err)
		})
	}
}
