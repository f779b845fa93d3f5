//go:build darwin || freebsd

package adminsocket

import (
	"cmp"
	"net"

	"golang.org/x/sys/unix"
)

// solLocal is the level of options of Unix sockets.
const solLocal = 0

// peer returns the user of the process at the other end of a connection, as it was when that
// process connected, or began to listen.
func peer(conn *net.UnixConn) (uid uint32, err error) {
	raw, err := conn.SyscallConn()
	if err != nil {
		return 0, err
	}
	var credentials *unix.Xucred
	var failed error
	err = raw.Control(func(fd uintptr) {
		credentials, failed = unix.GetsockoptXucred(int(fd), solLocal, unix.LOCAL_PEERCRED)
	})
	if err != nil || failed != nil {
		return 0, cmp.Or(err, failed)
	}
	return credentials.Uid, nil
}
