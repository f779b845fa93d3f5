//go:build linux || darwin || freebsd

package adminsocket

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// Listener accepts connections of the process's own user and of root. It refuses others with an
// answer of HTTP.
type Listener struct {
	inner  *net.UnixListener
	path   string
	made   fs.FileInfo
	own    uint32 // the user of this process
	log    *slog.Logger
	logged time.Time // when a refusal was logged last
	closed sync.Once

	refusing chan struct{} // semaphore of refused connections that stay open
}

// Listen makes the socket at a path, with the mode 0600, and listens on it. A socket on which
// nobody listens any more is replaced. Anything else at the path stays as it is, and is an error:
// [ErrInUse] when another server listens there. log gets a line when connections are refused, at
// most one in 10 s.
//
// Two servers never replace each other's socket, since both hold a lock on its folder while they
// look and make it. The mode of files that other goroutines make meanwhile may lack bits.
func Listen(path string, log *slog.Logger) (l *Listener, err error) {
	if most := len(unix.RawSockaddrUnix{}.Path) - 1; len(path) > most {
		return nil, fmt.Errorf("the path of a socket may have %d bytes at most, and %s has %d", most, path, len(path))
	}
	err = locked(path, func() error {
		if err := removeStale(path); err != nil {
			return err
		}
		before := unix.Umask(0o177)
		inner, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
		unix.Umask(before)
		if err != nil {
			return err
		}
		inner.SetUnlinkOnClose(false) // Close removes it, when it is still there
		made, err := os.Lstat(path)
		if err != nil {
			return errors.Join(err, inner.Close())
		}
		l = &Listener{inner: inner, path: path, made: made, own: uint32(os.Geteuid()), log: log, refusing: make(chan struct{}, refusalsAtOnce)}
		return nil
	})
	return l, err
}

// removeStale removes a socket on which nobody listens. The caller must hold the lock: Listen makes
// a socket and listens on it under the same lock.
func removeStale(path string) error {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case info.Mode().Type() != fs.ModeSocket:
		return fmt.Errorf("%s is something else than a socket", path)
	}
	conn, err := net.DialTimeout("unix", path, lockTime)
	switch {
	case err == nil:
		_ = conn.Close()
		return fmt.Errorf("%s: %w", path, ErrInUse)
	case !errors.Is(err, unix.ECONNREFUSED):
		return fmt.Errorf("%s may be that of another server: %w", path, err)
	}
	return os.Remove(path)
}

// locked calls do with a lock on the folder of a path, which is free when the process ends.
func locked(path string, do func() error) error {
	folder, err := os.Open(filepath.Dir(path))
	if err != nil {
		return fmt.Errorf("opening the folder of the socket: %w", err)
	}
	defer folder.Close()
	const interval = 10 * time.Millisecond
	for end := time.Now().Add(lockTime); ; {
		err = unix.Flock(int(folder.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		if !errors.Is(err, unix.EWOULDBLOCK) && !errors.Is(err, unix.EINTR) || time.Now().After(end) {
			break
		}
		time.Sleep(interval)
	}
	if err != nil {
		return fmt.Errorf("locking the folder of the socket: %w", err)
	}
	// A process that is being started has a copy of the descriptor, and would keep the lock.
	defer func() { _ = unix.Flock(int(folder.Fd()), unix.LOCK_UN) }()
	return do()
}

// Accept returns the next connection. Its remote address is the user of the client, such as
// uid=1000.
func (l *Listener) Accept() (net.Conn, error) {
	for {
		conn, err := l.inner.AcceptUnix()
		if err != nil {
			return nil, err
		}
		uid, err := peer(conn)
		if err == nil && isTrusted(uid, l.own) {
			return &acceptedConn{conn, user(uid)}, nil
		}
		l.refuse(conn, uid, err)
	}
}

func (l *Listener) refuse(conn *net.UnixConn, uid uint32, err error) {
	if now := time.Now(); now.Sub(l.logged) >= refusalLogTime {
		l.logged = now
		l.log.Warn("refused a connection to the admin socket: it is not of the server's own user", "uid", uid, "error", err)
	}
	select {
	case l.refusing <- struct{}{}:
	default:
		_ = conn.Close()
		return
	}
	go func() {
		defer func() { <-l.refusing }()
		defer conn.Close()
		_ = conn.SetDeadline(time.Now().Add(refusalTime)) // fails only when it is closed
		// A client takes an answer that comes before its request for an error.
		if _, err := conn.Read(make([]byte, requestBytes)); err != nil {
			return
		}
		_, _ = io.WriteString(conn, refusal())
		_ = conn.CloseWrite()
		_, _ = io.CopyN(io.Discard, conn, requestBytes)
	}()
}

// acceptedConn is a connection that knows its user.
type acceptedConn struct {
	*net.UnixConn
	user user
}

func (c *acceptedConn) RemoteAddr() net.Addr { return c.user }

// Close ends Accept, and removes the socket, unless something else is at its path by now. It may be
// called several times.
func (l *Listener) Close() (err error) {
	l.closed.Do(func() {
		// The socket is removed before it is closed: until then no other file has its number.
		removed := locked(l.path, func() error {
			if present, err := os.Lstat(l.path); err != nil || !os.SameFile(present, l.made) {
				return nil
			}
			return os.Remove(l.path)
		})
		err = errors.Join(removed, l.inner.Close())
	})
	return err
}

// Addr returns the path of the socket.
func (l *Listener) Addr() net.Addr { return l.inner.Addr() }
