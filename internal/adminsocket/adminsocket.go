// Package adminsocket makes the Unix socket over which the operator of a server manages it, and
// connects to it.
//
// A client may do everything, so each end asks the system which user the other one is. A server
// serves its own user and root. A client uses only the socket of its own user or of root, since
// another user's could be a trap.
//
// The package knows nothing of what is sent. It works on Linux, macOS and FreeBSD; elsewhere
// [Listen] and [Dial] return [errors.ErrUnsupported].
package adminsocket

import (
	"errors"
	"strconv"
	"time"

	"configapi/internal/fault"
	"configapi/internal/problem"
)

// ErrInUse says that another server listens on the socket.
var ErrInUse = errors.New("another server listens on it")

// ErrRefused says that nothing listens on the socket: its server has ended.
var ErrRefused = errors.New("no server listens on it")

const (
	// lockTime is how long Listen and Close wait for the lock of the socket's folder.
	lockTime = time.Second
	// refusalTime is how long a refused connection stays open for its client to read the answer,
	// and refusalsAtOnce is how many such connections there are; further ones get no answer.
	refusalTime    = time.Second
	refusalsAtOnce = 8
	// requestBytes is how much is read of a request that is refused, before and after the answer.
	requestBytes = 64 << 10
	// refusalLogTime is the shortest time between two log lines about refused connections.
	refusalLogTime = 10 * time.Second
)

// user is the address of a connected client: the user that it runs as.
type user uint32

// Network returns "unix".
func (user) Network() string { return "unix" }

func (u user) String() string { return "uid=" + strconv.FormatUint(uint64(u), 10) }

// isTrusted reports whether one end may serve or use the other end, given the users of both.
func isTrusted(other, own uint32) bool { return other == own || other == 0 }

// refusal is the answer to a client of another user.
func refusal() string {
	return problem.Problem{Kind: fault.Denied,
		Detail: "the admin socket serves only the user that the server runs as, and root"}.Response()
}
