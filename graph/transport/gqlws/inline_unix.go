//go:build unix

package gqlws

import (
	"net"
	"syscall"
)

// rawOf gives access to a connection's descriptor. It returns nil when there is none behind it, as
// with TLS.
func rawOf(conn net.Conn) syscall.RawConn {
	open, ok := conn.(syscall.Conn)
	if !ok {
		return nil
	}
	raw, err := open.SyscallConn()
	if err != nil {
		return nil
	}
	return raw
}

// writeNow writes what a descriptor takes without waiting. It is no error that it takes nothing.
func writeNow(fd uintptr, data []byte) (int, error) {
	for {
		n, err := syscall.Write(int(fd), data)
		switch err {
		case nil:
			return n, nil
		case syscall.EINTR:
		case syscall.EAGAIN:
			return 0, nil
		default:
			return 0, err
		}
	}
}
