package transport

import (
	"bufio"
	"net"
	"net/http"
	"net/url"
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
		CheckOrigin:     t.allowsOrigin,
		Error:           refuseUpgrade,
	}
}

func (t *Websocket) upgrade(w http.ResponseWriter, r *http.Request) (*websocket.Conn, *wire, error) {
	header := http.Header{}
	if offersSubprotocol(r) {
		header.Set("Sec-Websocket-Protocol", Subprotocol)
	}
	wire := new(wire)
	reader, err := t.upgrader.Upgrade(hijacker{w, wire}, r, header)
	return reader, wire, err
}

// offersSubprotocol looks at all lines of the header; gorilla's own negotiation knows the first only.
func offersSubprotocol(r *http.Request) bool {
	for _, line := range r.Header["Sec-Websocket-Protocol"] {
		for offer := range strings.SplitSeq(line, ",") {
			if strings.TrimSpace(offer) == Subprotocol {
				return true
			}
		}
	}
	return false
}

// allowsOrigin is what keeps foreign pages from opening sockets: browsers ask nobody before they do.
func (t *Websocket) allowsOrigin(r *http.Request) bool {
	origins := r.Header["Origin"]
	if len(origins) == 0 {
		return true
	}
	if len(origins) > 1 {
		return false
	}
	if t.origins[strings.ToLower(origins[0])] {
		return true
	}
	origin, err := url.Parse(origins[0])
	return err == nil && origin.Host != "" && strings.EqualFold(origin.Host, r.Host)
}

func originSet(origins []string) map[string]bool {
	set := make(map[string]bool, len(origins))
	for _, origin := range origins {
		set[strings.ToLower(strings.TrimSuffix(origin, "/"))] = true
	}
	return set
}

func refuseUpgrade(w http.ResponseWriter, _ *http.Request, status int, _ error) {
	f := &fault{status: status, code: CodeInvalidInput, message: "this is not a proper websocket handshake"}
	switch status {
	case http.StatusForbidden:
		f.code, f.message = CodeForbidden, "pages of this origin must not open websockets here"
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
