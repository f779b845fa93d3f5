package transport

import (
	"fmt"
	"net"

	"github.com/gorilla/websocket"
)

// Close codes of the graphql-transport-ws protocol. Those below 4000 are the websocket's own, and have constants in gorilla's package.
const (
	CloseBadRequest      = 4400
	CloseUnauthorized    = 4401
	CloseForbidden       = 4403
	CloseSubprotocol     = 4406
	CloseInitTimeout     = 4408
	CloseDuplicateStream = 4409
	CloseTooManyInits    = 4429
)

// CloseRestart is the websocket's own close code that tells a client to come back.
const CloseRestart = websocket.CloseServiceRestart

// CloseError closes the socket with a code and a reason, which the client's program sees. Reasons are cut to 123 bytes.
type CloseError struct {
	Code   int
	Reason string
}

func (e *CloseError) Error() string {
	return fmt.Sprintf("closing the websocket with %d: %s", e.Code, e.Reason)
}

func badRequest(format string, args ...any) *CloseError {
	return &CloseError{CloseBadRequest, fmt.Sprintf(format, args...)}
}

// close ends all streams and sends a close frame after what is queued. Only the first call counts. The reader ends when the
// peer has answered, or when the time to drain is over.
func (s *socket) close(code int, reason string) {
	s.mu.Lock()
	if s.closing {
		s.mu.Unlock()
		return
	}
	s.closing = true
	s.timer.Stop()
	s.enqueue(closeFrame(code, reason))
	s.mu.Unlock()
	s.cancel()
}

// abort ends the socket without a word, for peers that do not listen.
func (s *socket) abort() {
	s.mu.Lock()
	s.closing = true
	left := s.queue
	s.queue = nil
	s.timer.Stop()
	s.mu.Unlock()
	releaseAll(left)
	s.cancel()
	// Without this the kernel would go on holding what the peer does not take.
	if conn, ok := tcpOf(s.conn); ok {
		_ = conn.SetLinger(0)
	}
	_ = s.conn.Close()
}

func tcpOf(conn net.Conn) (*net.TCPConn, bool) {
	if secured, ok := conn.(interface{ NetConn() net.Conn }); ok {
		conn = secured.NetConn()
	}
	tcp, ok := conn.(*net.TCPConn)
	return tcp, ok
}
