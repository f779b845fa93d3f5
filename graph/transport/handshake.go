package transport

import (
	"bufio"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/gorilla/websocket"
)

// readBuffer is what each socket keeps for reading, for as long as it lives: enough for a control frame. Larger messages are read past it.
const readBuffer = 512

func newUpgrader(t *Websocket) websocket.Upgrader {
	return websocket.Upgrader{
		HandshakeTimeout: t.options.WriteTimeout,
		ReadBufferSize:   readBuffer,
		// Sockets write frames themselves. With a pool, gorilla does not reserve a buffer for it.
		WriteBufferPool: new(sync.Pool),
		// The HTTP server checks hosts and origins for all edges before a request comes here.
		CheckOrigin: func(*http.Request) bool { return true },
		Error:       refuseUpgrade,
	}
}

// oldSubprotocol is the sub-protocol of subscriptions-transport-ws, which ended in 2018. Some
// clients still speak it by default.
const oldSubprotocol = "graphql-ws"

// maxLoggedOffer is how many bytes of a client's offer the log shows.
const maxLoggedOffer = 200

// upgrade makes a websocket of the request's connection. A client that offers the old sub-protocol
// and not the present one gets the old one, since a browser shows the reason of a close only on a
// socket whose sub-protocol it has asked for.
func (t *Websocket) upgrade(w http.ResponseWriter, r *http.Request) (*websocket.Conn, *wire, error) {
	header := http.Header{}
	offered := offers(r)
	switch {
	case slices.Contains(offered, Subprotocol):
		header.Set("Sec-Websocket-Protocol", Subprotocol)
	case slices.Contains(offered, oldSubprotocol):
		header.Set("Sec-Websocket-Protocol", oldSubprotocol)
	}
	wire := new(wire)
	reader, err := t.upgrader.Upgrade(hijacker{w, wire}, r, header)
	return reader, wire, err
}

// offers returns the sub-protocols that a client offers, in all lines of the header; gorilla's own
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

// refuseSubprotocol closes a socket whose client does not offer the one sub-protocol, and says why
// to the client and in the log.
func (t *Websocket) refuseSubprotocol(s *socket, r *http.Request) {
	offered := strings.Join(offers(r), ", ")
	reason := "Subprotocol not acceptable: this server speaks " + Subprotocol
	if s.reader.Subprotocol() == oldSubprotocol {
		reason = "the old protocol graphql-ws is not supported: use " + Subprotocol + ", as the npm package graphql-ws does"
	}
	if len(offered) > maxLoggedOffer {
		offered = offered[:maxLoggedOffer] + "…"
	}
	t.options.Log.Warn("a websocket was closed with 4406: its client does not offer the sub-protocol "+Subprotocol,
		"offered", strings.ToValidUTF8(offered, "\uFFFD"), "remote", r.RemoteAddr)
	s.close(CloseSubprotocol, reason)
}

func refuseUpgrade(w http.ResponseWriter, _ *http.Request, status int, _ error) {
	f := &fault{status: status, code: CodeInvalidInput, message: "this is not a proper websocket handshake"}
	switch status {
	case http.StatusMethodNotAllowed:
		f.message, f.allow = "a websocket is opened with GET", http.MethodGet
	case http.StatusInternalServerError:
		f.code, f.message = CodeInternal, "this connection cannot become a websocket"
	case http.StatusBadRequest:
		w.Header().Set("Sec-Websocket-Version", "13")
	}
	writeFault(w, mediaJSON, f)
}

// hijacker hands the connection to gorilla inside of a wire. It finds the connection also below wrapped response writers.
type hijacker struct {
	http.ResponseWriter
	wire *wire
}

func (h hijacker) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, buffers, err := http.NewResponseController(h.ResponseWriter).Hijack()
	h.wire.Conn = conn
	return h.wire, buffers, err
}
