//go:build linux || darwin || freebsd

package adminsocket

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sys/unix"
)

// MustListen makes a socket until the end of the test.
func MustListen(t *testing.T, path string) *Listener {
	t.Helper()
	l, err := Listen(path, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l
}

// mustLeave leaves a socket behind on which nobody listens.
func mustLeave(t *testing.T, path string) {
	t.Helper()
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	l.SetUnlinkOnClose(false)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
}

// folder returns a new folder with a short path: that of a socket is limited.
func folder(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "s")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

// connects connects both ends, and returns the remote address that the server sees, "" for none.
func connects(t *testing.T, l *Listener) string {
	t.Helper()
	client, err := Dial(t.Context(), l.path)
	if err != nil {
		t.Error(err)
		return ""
	}
	defer client.Close()
	conn, err := l.Accept()
	if err != nil {
		t.Error(err)
		return ""
	}
	defer conn.Close()
	return conn.RemoteAddr().String()
}

func TestSocket(t *testing.T) {
	path := filepath.Join(folder(t), "x.sock")
	mask := unix.Umask(0o002)
	defer unix.Umask(mask)
	l := MustListen(t, path)
	if now := unix.Umask(0o002); now != 0o002 {
		t.Errorf("the umask is %o afterwards", now)
	}
	info, err := os.Lstat(path)
	if err != nil || info.Mode() != fs.ModeSocket|0o600 {
		t.Errorf("got %v, %v, want a socket with the mode 0600", info.Mode(), err)
	}
	if got, want := connects(t, l), "uid="+strconv.Itoa(os.Geteuid()); got != want {
		t.Errorf("got the remote address %q, want %q", got, want)
	}
	if _, err := Listen(path, slog.Default()); !errors.Is(err, ErrInUse) {
		t.Errorf("a second server: got %v, want ErrInUse", err)
	}
	if connects(t, l) == "" {
		t.Error("the first server does not serve any more")
	}
	for range 2 {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	}
	if _, err := Dial(t.Context(), path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("after its end: got %v, want that there is none", err)
	}
}

// TestStaleSocket replaces a socket that was left behind, also when several servers start at once.
func TestStaleSocket(t *testing.T) {
	path := filepath.Join(folder(t), "x.sock")
	for range 20 {
		mustLeave(t, path)
		if _, err := Dial(t.Context(), path); !errors.Is(err, ErrRefused) {
			t.Fatalf("got %v, want ErrRefused", err)
		}
		var all sync.WaitGroup
		made := make(chan *Listener, 4)
		for range cap(made) {
			all.Go(func() {
				l, err := Listen(path, slog.Default())
				if err == nil {
					made <- l
				} else if !errors.Is(err, ErrInUse) {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if len(made) != 1 {
			t.Fatalf("%d servers have made the socket", len(made))
		}
		l := <-made
		connects(t, l)
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	}
}

// TestNoSocket cannot make the socket, and leaves what is there.
func TestNoSocket(t *testing.T) {
	dir := folder(t)
	file, link := filepath.Join(dir, "file"), filepath.Join(dir, "link")
	if err := errors.Join(os.WriteFile(file, []byte("x"), 0o600), os.Symlink(file, link)); err != nil {
		t.Fatal(err)
	}
	long := filepath.Join(dir, strings.Repeat("x", len(unix.RawSockaddrUnix{}.Path)-1-len(dir)))
	for path, want := range map[string]string{
		file:                          "something else than a socket",
		link:                          "something else than a socket",
		filepath.Join(dir, "no", "x"): "opening the folder",
		long:                          "bytes at most",
	} {
		if l, err := Listen(path, slog.Default()); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, %v, want %q", path, l, err, want)
		}
	}
	MustListen(t, long[:len(long)-1]) // the longest path
	if text, err := os.ReadFile(link); err != nil || string(text) != "x" {
		t.Errorf("the file is %q, %v", text, err)
	}
}

// TestLockedFolder has somebody hold the lock for longer than a server waits.
func TestLockedFolder(t *testing.T) {
	dir := folder(t)
	held, err := os.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer held.Close()
	if err := unix.Flock(int(held.Fd()), unix.LOCK_EX); err != nil {
		t.Fatal(err)
	}
	if _, err := Listen(filepath.Join(dir, "x"), slog.Default()); err == nil || !strings.Contains(err.Error(), "locking the folder") {
		t.Errorf("got %v", err)
	}
}

// TestCloseRemovesItsOwn has another server's socket come to the path.
func TestCloseRemovesItsOwn(t *testing.T) {
	path := filepath.Join(folder(t), "x.sock")
	first := MustListen(t, path)
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	second := MustListen(t, path)
	if err := first.Close(); err != nil {
		t.Error(err)
	}
	if connects(t, second) == "" {
		t.Error("the second server's socket is gone")
	}
}

// TestOtherUsers has both ends be of users that they do not trust.
func TestOtherUsers(t *testing.T) {
	for _, test := range []struct {
		other, own uint32
		want       bool
	}{{1000, 1000, true}, {0, 1000, true}, {0, 0, true}, {1001, 1000, false}, {1000, 0, false}} {
		if got := isTrusted(test.other, test.own); got != test.want {
			t.Errorf("user %d for user %d: got %t", test.other, test.own, got)
		}
	}
	path := filepath.Join(folder(t), "x.sock")
	l := MustListen(t, path)
	l.own++ // so this process, unless it is root's, is of another user than the server
	if err := checkOwner(path, uint32(os.Geteuid())+1); err == nil || !strings.Contains(err.Error(), "run the command as that user") {
		t.Errorf("got %v", err)
	}
	if os.Geteuid() == 0 {
		const nobody = 65534
		if err := os.Chown(path, nobody, -1); err != nil {
			t.Fatal(err)
		}
		if conn, err := Dial(t.Context(), path); err == nil || !strings.Contains(err.Error(), "belongs to the user 65534, and this is user 0") {
			t.Errorf("the socket of another user: got %v, %v", conn, err)
		}
		return // root is served: TestAdminSocketOfAnotherUser of internal/cli has another user connect
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	context.AfterFunc(ctx, func() { _ = l.Close() })
	go func() { _, _ = l.Accept() }()
	conn, err := Dial(ctx, path)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.Write([]byte("GET / HTTP/1.1\r\n")); err != nil {
		t.Fatal(err)
	}
	answer := make([]byte, 1<<10)
	if n, _ := conn.Read(answer); !strings.HasPrefix(string(answer[:n]), "HTTP/1.1 403 ") {
		t.Errorf("got %q, want a refusal", answer[:n])
	}
}
