//go:build !unix

package gqlws

import (
	"net"
	"syscall"
)

// rawOf has no way to write without waiting here: there is always a goroutine that can wait.
func rawOf(net.Conn) syscall.RawConn { return nil }

func writeNow(uintptr, []byte) (int, error) { panic("unreachable: there is no raw connection") }
