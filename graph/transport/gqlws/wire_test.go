package gqlws

import (
	"testing"
	"time"
)

func TestClientCloses(t *testing.T) {
	bubble(t, Options{}, func(t *testing.T, f *fixture) {
		start := time.Now()
		p := f.open(t)
		p.send(ticks)
		<-f.schema.Began
		p.sendFrame(opClose, "\x03\xe8bye")
		if opcode, payload, err := p.receive(); opcode != opClose || payload != "\x03\xe8" || err != nil {
			t.Errorf("got opcode %d, %q, %v; want close 1000", opcode, payload, err)
		}
		p.wantEnd()
		<-f.schema.Ended
		f.wantNoSockets(t)
		if took := time.Since(start); took != 0 {
			t.Errorf("the end took %v, want it at once", took)
		}
	})
}

func TestClientDisconnects(t *testing.T) {
	bubble(t, Options{}, func(t *testing.T, f *fixture) {
		p := f.open(t)
		p.send(ticks)
		<-f.schema.Began
		p.conn.Close()
		<-f.schema.Ended
		f.wantNoSockets(t)
	})
}
