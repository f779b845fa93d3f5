//go:build linux || darwin || freebsd

package adminsocket

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"syscall"
)

// Dial connects to the socket at a path. The error is [ErrRefused] when its server has ended,
// [fs.ErrNotExist] when there is none, and a sentence when it belongs to a user whom this process
// does not trust.
func Dial(ctx context.Context, path string) (net.Conn, error) {
	info, err := os.Lstat(path)
	if err != nil {
		return nil, fmt.Errorf("looking for the admin socket: %w", err)
	}
	if info.Mode().Type() != fs.ModeSocket {
		return nil, fmt.Errorf("%s is no socket", path)
	}
	if stat, is := info.Sys().(*syscall.Stat_t); is {
		if err := checkOwner(path, stat.Uid); err != nil {
			return nil, err
		}
	}
	conn, err := new(net.Dialer).DialContext(ctx, "unix", path)
	if errors.Is(err, syscall.ECONNREFUSED) {
		return nil, fmt.Errorf("the admin socket %s: %w", path, ErrRefused)
	}
	if err != nil {
		return nil, fmt.Errorf("connecting to the admin socket: %w", err)
	}
	uid, err := peer(conn.(*net.UnixConn))
	if err == nil {
		err = checkOwner(path, uid)
	}
	if err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return conn, nil
}

// checkOwner returns an error when a socket, or the server that listens on it, is of another user
// than this process and root.
func checkOwner(path string, uid uint32) error {
	if own := uint32(os.Geteuid()); !isTrusted(uid, own) {
		return fmt.Errorf("the admin socket %s belongs to the user %d, and this is user %d: run the command as that user", path, uid, own)
	}
	return nil
}
