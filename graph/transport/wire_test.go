package transport

import (
	"strings"
	"testing"
	"time"
)

func TestFragmentedMessage(t *testing.T) {
	bubble(t, WebsocketOptions{}, func(t *testing.T, f *fixture) {
		p := f.dial(t, offer)
		p.sendRaw(maskedFrame(opText, `{"type":`) + maskedFrame(opContinuation, `"connection`))
		p.sendFrame(opPing, "between")
		if opcode, _, _ := p.receive(); opcode != opPong {
			t.Errorf("got opcode %d, want a pong", opcode)
		}
		p.sendFrame(opContinuation, `_init"}`)
		p.want(`{"type":"connection_ack"}`)
	})
}

func TestLargestMessage(t *testing.T) {
	bubble(t, WebsocketOptions{}, func(t *testing.T, f *fixture) {
		p := f.open(t)
		const around = `{"type":"ping","payload":{"a":""}}`
		message := `{"type":"ping","payload":{"a":"` + strings.Repeat("x", 64<<10-len(around)) + `"}}`
		p.send(message)
		p.want(strings.Replace(message, "ping", "pong", 1))
	})
}

// TestBrokenFrames are those that gorilla refuses by itself; they must be answered in order like everything else.
func TestBrokenFrames(t *testing.T) {
	for _, row := range []struct {
		name, raw string
		code      int
	}{
		{"binary", maskedFrame(finalBit|opBinary, `{"type":"ping"}`), 1003},
		{"not masked", "\x81\x02{}", 1002},
		{"compressed", maskedFrame(finalBit|0x40|opText, "{}"), 1002},
		{"reserved opcode", maskedFrame(finalBit|3, ""), 1002},
		{"continuation of nothing", maskedFrame(finalBit|opContinuation, "{}"), 1002},
		{"text within text", maskedFrame(opText, "{") + maskedFrame(finalBit|opText, "}"), 1002},
		{"long control frame", maskedFrame(finalBit|opPing, strings.Repeat("x", 126)), 1002},
		{"fragmented control frame", maskedFrame(opPing, "x"), 1002},
		{"forbidden close code", maskedFrame(finalBit|opClose, "\x03\xed"), 1002},
		{"too long in pieces", strings.Repeat(maskedFrame(opText, ""), 1) + strings.Repeat(maskedFrame(opContinuation, strings.Repeat(" ", 1000)), 66), 1009},
		{"absurd length", "\x81\xff\xff\xff\xff\xff\xff\xff\xff\xff\x00\x00\x00\x00", 1009},
	} {
		t.Run(row.name, func(t *testing.T) {
			bubble(t, WebsocketOptions{}, func(t *testing.T, f *fixture) {
				p := f.open(t)
				go func() { _, _ = p.conn.Write([]byte(row.raw)) }() // it may be cut off
				p.wantClose(row.code, "")
			})
		})
	}
}

func TestClientCloses(t *testing.T) {
	for _, row := range []struct{ name, sent, want string }{
		{"normally", "\x03\xe8bye", "\x03\xe8"},
		{"with an own code", "\x13\x87", "\x13\x87"},
		{"without a code", "", ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			bubble(t, WebsocketOptions{}, func(t *testing.T, f *fixture) {
				start := time.Now()
				p := f.open(t)
				p.send(ticks)
				<-f.schema.began
				p.sendFrame(opClose, row.sent)
				if opcode, payload, err := p.receive(); opcode != opClose || payload != row.want || err != nil {
					t.Errorf("got opcode %d, %q, %v; want close %q", opcode, payload, err, row.want)
				}
				p.wantEnd()
				<-f.schema.ended
				f.wantNoSockets(t)
				if took := time.Since(start); took != 0 {
					t.Errorf("the end took %v, want it at once", took)
				}
			})
		})
	}
}

func TestClientGoesAway(t *testing.T) {
	bubble(t, WebsocketOptions{}, func(t *testing.T, f *fixture) {
		p := f.open(t)
		p.send(ticks)
		<-f.schema.began
		p.conn.Close()
		<-f.schema.ended
		f.wantNoSockets(t)
	})
}
