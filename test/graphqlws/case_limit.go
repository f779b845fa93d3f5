package graphqlws

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"configapi/internal/websockettest"
)

var limitCases = []Case{
	{Name: "limit/longest-message", Source: Hardening, Needs: []string{"MaxMessageBytes"},
		Rule: "A message as long as the server's limit is taken.",
		try: func(t *trial) {
			s := t.open()
			s.sendMessage(padded(pingMessage, t.target.MaxMessageBytes))
			s.want("pong", "")
		}},
	{Name: "limit/message-too-long", Source: Websocket, Needs: []string{"MaxMessageBytes"},
		Rule: "A message that is longer closes the socket with 1009.",
		try: func(t *trial) {
			s := t.open()
			s.trySend(text(padded(pingMessage, t.target.MaxMessageBytes+1)))
			s.wantFailed(1009)
		}},
	{Name: "limit/fragments-too-long", Source: Websocket, Needs: []string{"MaxMessageBytes"},
		Rule: "A message whose fragments together are longer closes the socket with 1009.",
		try: func(t *trial) {
			s := t.open()
			half := strings.Repeat(" ", t.target.MaxMessageBytes/2+1)
			s.trySend(frame{First: opText, Payload: half}, frame{First: opContinuation, Payload: half}, frame{First: final | opContinuation, Payload: pingMessage})
			s.wantFailed(1009)
		}},
	{Name: "limit/init-too-long", Source: Hardening, Needs: []string{"MaxInitBytes"},
		Rule: "A message before connection_ack that is longer than the server's limit for those closes the socket with 1009.",
		try: func(t *trial) {
			s := t.dial(offer)
			s.sendMessage(padded(t.initMessage(), t.target.MaxInitBytes))
			s.want("connection_ack", "")
			s = t.dial(offer)
			s.trySend(text(padded(t.initMessage(), t.target.MaxInitBytes+1)))
			s.wantFailed(1009)
		}},
	{Name: "limit/absurd-length", Source: Websocket, Needs: []string{"MaxMessageBytes"},
		Rule: "A frame that says that it has 2^63 bytes closes the socket with 1009 or 1002, before they come.",
		try: func(t *trial) {
			s := t.open()
			s.trySend(frame{First: final | opText, Payload: pingMessage, Length: 1 << 63})
			s.wantFailed(1009, 1002)
		}},
	{Name: "limit/longest-id", Source: Hardening, Needs: []string{"MaxIDBytes", "Query"},
		Rule: "An id as long as the server's limit is taken.",
		try: func(t *trial) {
			s := t.open()
			id := strings.Repeat("x", t.target.MaxIDBytes)
			s.subscribe(id, t.target.Query)
			s.wantAnswer(id)
		}},
	{Name: "limit/id-too-long", Source: Hardening, Needs: []string{"MaxIDBytes", "Query"},
		Rule: "An id that is longer closes the socket with 4400.",
		try: func(t *trial) {
			s := t.open()
			s.subscribe(strings.Repeat("x", t.target.MaxIDBytes+1), t.target.Query)
			s.wantClose("", 4400)
		}},
	{Name: "limit/streams", Source: Hardening, Needs: []string{"MaxStreams", "Subscription"},
		Rule: "One operation more than a socket may run gets error; the others go on, and when one has ended another may run.",
		try: func(t *trial) {
			s := t.open()
			for i := range t.target.MaxStreams {
				s.subscribe(fmt.Sprint(i), t.target.Subscription)
			}
			s.subscribe("too many", t.target.Subscription)
			s.await("error", "too many")
			s.await("next", fmt.Sprint(t.target.MaxStreams-1))
			s.complete("0")
			s.subscribe("fits", t.target.Subscription)
			s.await("next", "fits")
		}},
	{Name: "limit/stalled-client", Source: Hardening, Needs: []string{"WriteTimeout", "Flood", "Subscription"},
		Rule: "A client that takes nothing of what it asked for is dropped in time, though it still sends, and delays no other client.",
		try: func(t *trial) {
			stalled, other := t.open(), t.open()
			start := time.Now()
			stalled.stopReading()
			stalled.subscribe("flood", t.target.Flood)
			other.subscribe("1", t.target.Subscription)
			for range 3 {
				other.want("next", "1")
			}
			stalled.wantCut(start, t.target.WriteTimeout)
			other.sync()
		}},
	{Name: "limit/close-code-survives", Source: Hardening,
		Rule: "After its close frame the server reads on for a while: when a client still sends, a reset might take the close code with it.",
		try: func(t *trial) {
			more := slices.Repeat([]frame{text(padded(pingMessage, 4000))}, 200)
			for first, code := range map[frame]int{text("hello"): 4400, {First: final | 0x3}: 1002} {
				s := t.open()
				s.send(append([]frame{first}, more...)...) // fails when the connection is reset
				s.wantFailed(code)
			}
		}},
}

// padded extends a message to a length by blanks, which JSON allows at the end.
func padded(message string, length int) string {
	return message + strings.Repeat(" ", max(length-len(message), 0))
}

// wantCut sends without reading until the connection ends, which must be after the limit.
func (s *socket) wantCut(start time.Time, limit time.Duration) {
	again := time.NewTicker(max(limit/20, time.Millisecond))
	defer again.Stop()
	sign := websockettest.Encode(frame{First: final | opPong})
	for s.err == nil {
		_ = s.conn.SetWriteDeadline(time.Now().Add(s.target.patience()))
		if _, err := s.conn.Write(sign); err != nil {
			s.wantSince(start, limit)
			return
		}
		if time.Since(start) > limit+s.target.patience() {
			s.fail("the connection is still there %v after the client has stopped reading", time.Since(start))
		}
		select {
		case <-again.C:
		case <-s.ctx.Done():
			s.fail("%w", context.Cause(s.ctx))
		}
	}
}
