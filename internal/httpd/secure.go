package httpd

import (
	"bytes"
	"context"
	"crypto/tls"
	"log/slog"
	"net/http"

	"configapi/internal/fault"
)

const (
	// maxStreamsPerConnection is how many requests an HTTP/2 connection may have at a time.
	maxStreamsPerConnection = 100
	// frameBytes is the size of the largest HTTP/2 frame that is read.
	frameBytes = 16 << 10
	// windowBytes is how much of the bodies of an HTTP/2 connection may be in memory before a
	// handler reads it. It is not in the budget of bodies, so it is the smallest that net/http
	// takes.
	windowBytes = 64 << 10
	// headerFieldBytes is what HTTP/2 counts for a header field besides its name and value.
	headerFieldBytes = 32
)

// secure has a server speak TLS, with HTTP/2 for clients that offer it.
func (s *Server) secure(server *http.Server) {
	server.TLSConfig = &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: s.opts.GetCertificate}
	server.HTTP2 = &http.HTTP2Config{
		MaxConcurrentStreams:          maxStreamsPerConnection,
		MaxReadFrameSize:              frameBytes,
		MaxReceiveBufferPerConnection: windowBytes,
		MaxReceiveBufferPerStream:     windowBytes,
		// Streams have deadlines of their own, but a peer that takes nothing at all holds the
		// connection.
		WriteByteTimeout: s.opts.WriteTimeout,
	}
}

// isMultiplexed reports whether the connection of a request may have others at the same time.
func isMultiplexed(r *http.Request) bool { return r.ProtoMajor > 1 }

// ofRequest returns the info of a request that shares its connection with others at the same time.
// The header of the connection counts as complete: each request reserves memory for its own.
func (c *connInfo) ofRequest() *connInfo {
	if c == nil {
		return &connInfo{proof: new(lastProof)}
	}
	c.header.share()
	return &connInfo{tracked: c.tracked, proof: c.proof}
}

// share is complete for a connection with several requests at a time.
func (h *headerReservation) share() {
	if h != nil && !h.serving.Swap(true) {
		h.receiving.Release()
	}
}

// admitHeader reserves memory for a long header of an HTTP/2 request until it is answered. If there
// is none, it has answered the request.
func (s *Server) admitHeader(e *exchange, r *http.Request) bool {
	if !isMultiplexed(r) {
		return true // the connection has reserved it
	}
	size := int64(len(r.Host) + len(r.RequestURI))
	for name, values := range r.Header {
		for _, value := range values {
			size += int64(len(name) + len(value) + headerFieldBytes)
		}
	}
	if size <= freeHeaderBytes {
		return true
	}
	e.header = s.opts.Headers.Reservation()
	if e.header.Grow(r.Context(), size-freeHeaderBytes) == nil {
		return true
	}
	s.refuse(e, r, fault.Unavailable, noHeaderMemory)
	return false
}

// handshakeAlert is the TLS record that ends a handshake before it begins, with the alert
// internal_error. No text can be sent then.
const handshakeAlert = "\x15\x03\x01\x00\x02\x02\x50"

// serverErrors is where net/http writes its log lines. Any stranger can cause failed handshakes, so
// of these there is at most one line per refusalLogTime.
type serverErrors struct {
	log   *slog.Logger
	lines rareLines // about failed handshakes
}

func (l *serverErrors) Write(line []byte) (int, error) {
	text := string(bytes.TrimSpace(line))
	if !bytes.HasPrefix(line, []byte("http: TLS handshake error")) {
		l.log.Warn(text)
		return len(line), nil
	}
	if count, due := l.lines.count(); due {
		l.log.LogAttrs(context.Background(), slog.LevelWarn, "TLS handshakes failed", slog.Int("failed_since_last_line", count), slog.String("last", text))
	}
	return len(line), nil
}
