package gqlws

import (
	"bufio"
	"encoding/binary"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/gorilla/websocket"

	"configapi/graph/transport/gqlmsg"
	"configapi/internal/excerpt"
	"configapi/internal/fault"
)

// Subprotocol is the one websocket sub-protocol that a [Transport] speaks.
const Subprotocol = "graphql-transport-ws"

const (
	// readBuffer is what each socket keeps for reading while it lives: enough for a control frame.
	// Larger messages are read past it.
	readBuffer = 512
	// oldSubprotocol is that of subscriptions-transport-ws, which ended in 2018. Some clients still
	// speak it by default.
	oldSubprotocol = "graphql-ws"
	// maxLoggedOffer is how many bytes of a client's offer the log shows.
	maxLoggedOffer = 200
)

func newUpgrader(timeout time.Duration) websocket.Upgrader {
	return websocket.Upgrader{
		HandshakeTimeout: timeout,
		ReadBufferSize:   readBuffer,
		// Sockets write frames themselves. With a pool, gorilla does not reserve a buffer for it.
		WriteBufferPool: new(sync.Pool),
		// The HTTP server checks hosts and origins for all edges before a request comes here.
		CheckOrigin: func(*http.Request) bool { return true },
		Error:       refuseUpgrade,
	}
}

// upgrade makes a websocket of the request's connection. A client that offers the old sub-protocol
// and not the present one gets the old one: a browser shows the reason of a close only on a socket
// whose sub-protocol it has asked for.
func upgrade(upgrader *websocket.Upgrader, w http.ResponseWriter, r *http.Request) (*websocket.Conn, *wire, error) {
	header := http.Header{}
	offered := offers(r)
	switch {
	case slices.Contains(offered, Subprotocol):
		header.Set("Sec-Websocket-Protocol", Subprotocol)
	case slices.Contains(offered, oldSubprotocol):
		header.Set("Sec-Websocket-Protocol", oldSubprotocol)
	}
	wire := new(wire)
	reader, err := upgrader.Upgrade(hijacker{w, wire}, r, header)
	return reader, wire, err
}

// offers returns the sub-protocols that a client offers, in all lines of the header. Gorilla's own
// negotiation knows the first line only.
func offers(r *http.Request) []string {
	var offered []string
	for _, line := range r.Header["Sec-Websocket-Protocol"] {
		for offer := range strings.SplitSeq(line, ",") {
			offered = append(offered, strings.TrimSpace(offer))
		}
	}
	return offered
}

// refuseSubprotocol returns why a socket closes whose client does not offer the one sub-protocol,
// and logs it.
func refuseSubprotocol(log *slog.Logger, chosen string, r *http.Request) (code int, reason string) {
	offered := excerpt.Of(strings.Join(offers(r), ", "), maxLoggedOffer)
	log.Warn("a websocket was closed with 4406: its client does not offer the sub-protocol "+Subprotocol,
		"offered", strings.ToValidUTF8(offered, "\uFFFD"), "remote", r.RemoteAddr)
	if chosen == oldSubprotocol {
		return CloseSubprotocol, "the old protocol graphql-ws is not supported: use " + Subprotocol + ", as the npm package graphql-ws does"
	}
	return CloseSubprotocol, "Subprotocol not acceptable: this server speaks " + Subprotocol
}

func refuseUpgrade(w http.ResponseWriter, _ *http.Request, status int, _ error) {
	f := &gqlmsg.Fault{Kind: fault.InvalidInput, Status: status, Message: "this is not a proper websocket handshake"}
	switch status {
	case http.StatusMethodNotAllowed:
		f.Message, f.Allow = "a websocket is opened with GET", http.MethodGet
	case http.StatusInternalServerError:
		f.Kind, f.Message = fault.Internal, "this connection cannot become a websocket"
	case http.StatusBadRequest:
		w.Header().Set("Sec-Websocket-Version", "13")
	}
	gqlmsg.WriteFault(w, gqlmsg.MediaJSON, f)
}

// hijacker hands the connection to gorilla inside of a wire. It finds the connection also below
// wrapped response writers.
type hijacker struct {
	http.ResponseWriter
	wire *wire
}

func (h hijacker) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, buffers, err := http.NewResponseController(h.ResponseWriter).Hijack()
	h.wire.Conn = conn
	return h.wire, buffers, err
}

// wire is the connection as gorilla sees it after the handshake. Gorilla reads from it. What
// gorilla would write, the answers to control frames and to broken frames, goes through the
// socket's outbox: so there is one writer, frames never mix, and there is one set of write
// deadlines.
type wire struct {
	net.Conn

	// Set when the handshake is over; nil during it.
	heard   func()                            // called when the peer has sent something
	control func(opcode byte, payload []byte) // called for a control frame to be sent
	closing func(code int, reason string)     // called for a close frame to be sent
}

func (w *wire) Read(p []byte) (int, error) {
	n, err := w.Conn.Read(p)
	if n > 0 && w.heard != nil {
		w.heard()
	}
	return n, err
}

// Write takes one control frame: gorilla writes each with one call, unmasked, with a header of two
// bytes.
func (w *wire) Write(p []byte) (int, error) {
	if w.control == nil {
		return w.Conn.Write(p)
	}
	opcode, payload := p[0]&0x0f, p[2:]
	switch {
	case opcode != websocket.CloseMessage:
		w.control(opcode, payload)
	case len(payload) < 2:
		w.closing(websocket.CloseNoStatusReceived, "")
	default:
		w.closing(int(binary.BigEndian.Uint16(payload)), string(payload[2:]))
	}
	return len(p), nil
}

// SetWriteDeadline does nothing once the outbox sets the deadlines.
func (w *wire) SetWriteDeadline(deadline time.Time) error {
	if w.control == nil {
		return w.Conn.SetWriteDeadline(deadline)
	}
	return nil
}
