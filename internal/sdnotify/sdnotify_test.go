//go:build unix

package sdnotify_test

import (
	"context"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"configapi/internal/sdnotify"
)

// manager is a service manager that reads what it is sent from a real socket.
type manager struct {
	*net.UnixConn
	path string
}

func mustListen(t *testing.T, path string) manager {
	t.Helper()
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	if err := conn.SetReadDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	return manager{conn, path}
}

// shortDir is a folder whose path is short enough for a socket in it.
func shortDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "sd")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

func (m manager) mustRead(t *testing.T) string {
	t.Helper()
	buffer := make([]byte, 4096)
	n, err := m.Read(buffer)
	if err != nil {
		t.Fatal(err)
	}
	return string(buffer[:n])
}

func environment(assignments ...string) func(string) string {
	return func(name string) string {
		for _, a := range assignments {
			if value, is := strings.CutPrefix(a, name+"="); is {
				return value
			}
		}
		return ""
	}
}

func mustConnect(t *testing.T, assignments ...string) *sdnotify.Manager {
	t.Helper()
	m, err := sdnotify.FromEnvironment(environment(assignments...), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = m.Close() })
	return m
}

// TestLifeOfAService: ready once, alive while it runs, reloading with an end, stopping at the end.
func TestLifeOfAService(t *testing.T) {
	paths := []string{filepath.Join(shortDir(t), "notify")}
	if runtime.GOOS == "linux" {
		paths = append(paths, "@configapi-sdnotify-test-"+strconv.Itoa(os.Getpid()))
	}
	for _, path := range paths {
		listening := mustListen(t, path)
		m := mustConnect(t, "NOTIFY_SOCKET="+path, "WATCHDOG_USEC=20000", "WATCHDOG_PID="+strconv.Itoa(os.Getpid()))
		ctx, cancel := context.WithCancel(t.Context())
		ready, ended := make(chan struct{}), make(chan error, 1)
		go func() { ended <- m.Run(ctx, ready) }()
		loaded := 0
		m.Reload(func() { loaded++ }) // reports nothing: the server is not ready
		close(ready)
		if got, want := listening.mustRead(t), "READY=1\nSTATUS=serving"; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
		if got, want := listening.mustRead(t), "WATCHDOG=1"; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
		m.Reload(func() { loaded++ })
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		var rest []string
		for len(rest) == 0 || rest[len(rest)-1] != "STOPPING=1" {
			if text := listening.mustRead(t); text != "WATCHDOG=1" {
				rest = append(rest, regexp.MustCompile(`[1-9]\d+$`).ReplaceAllString(text, "N"))
			}
		}
		want := []string{"RELOADING=1\nMONOTONIC_USEC=N", "READY=1", "STOPPING=1"}
		if runtime.GOOS != "linux" {
			want[0] = "RELOADING=1\nMONOTONIC_USEC=0"
		}
		if !slices.Equal(rest, want) || loaded != 2 {
			t.Errorf("got %q and %d loads, want %q and 2", rest, loaded, want)
		}
	}
}

// TestStoppedBeforeItIsReady: a server that ends before it was ready was never ready.
func TestStoppedBeforeItIsReady(t *testing.T) {
	listening := mustListen(t, filepath.Join(shortDir(t), "notify"))
	m := mustConnect(t, "NOTIFY_SOCKET="+listening.path)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := m.Run(ctx, make(chan struct{})); err != nil {
		t.Error(err)
	}
	if got, want := listening.mustRead(t), "STOPPING=1"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestNoServiceManager(t *testing.T) {
	m := mustConnect(t)
	loaded := false
	m.Reload(func() { loaded = true })
	if err := m.Run(t.Context(), nil); err != nil || m != nil || !loaded {
		t.Errorf("got %v, %v and %v, want a nil manager that loads", m, err, loaded)
	}
}

func TestWrongEnvironment(t *testing.T) {
	listening := mustListen(t, filepath.Join(shortDir(t), "notify"))
	socket := "NOTIFY_SOCKET=" + listening.path
	for _, test := range []struct{ assignments, want string }{
		{"NOTIFY_SOCKET=relative", "absolute path"},
		{"NOTIFY_SOCKET=vsock:2:1234", "absolute path"},
		{"NOTIFY_SOCKET=/nonexistent/notify", "connecting"},
		{socket + " WATCHDOG_USEC=soon", "microseconds"},
		{socket + " WATCHDOG_USEC=0", "microseconds"},
		{socket + " WATCHDOG_USEC=9223372036854775807", "microseconds"},
	} {
		m, err := sdnotify.FromEnvironment(environment(strings.Fields(test.assignments)...), slog.New(slog.DiscardHandler))
		if m != nil || err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: got %v, want an error with %q", test.assignments, err, test.want)
		}
	}
	mustConnect(t, socket, "WATCHDOG_USEC=soon", "WATCHDOG_PID=1") // of another process
}

// TestManagerThatIsGone: a report that nobody takes is logged once.
func TestManagerThatIsGone(t *testing.T) {
	listening := mustListen(t, filepath.Join(shortDir(t), "notify"))
	var log strings.Builder
	m, err := sdnotify.FromEnvironment(environment("NOTIFY_SOCKET="+listening.path), slog.New(slog.NewTextHandler(&log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = m.Close() })
	if err := listening.Close(); err != nil {
		t.Fatal(err)
	}
	ready := make(chan struct{})
	close(ready)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := m.Run(ctx, ready); err != nil || strings.Count(log.String(), "cannot be notified") != 1 {
		t.Errorf("got %v and the log %q, want one warning", err, &log)
	}
}
