//go:build !unix

package transport

import (
	"net"
	"syscall"
)

// rawOf has no way to write without waiting here: sockets always get a goroutine that can wait.
func rawOf(net.Conn) syscall.RawConn { return nil }

func writeNow(uintptr, []byte) (int, error) { panic("unreachable: there is no raw connection") }
