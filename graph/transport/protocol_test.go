package transport

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const (
	initMessage = `{"type":"connection_init"}`
	ticks       = `{"id":"1","type":"subscribe","payload":{"query":"subscription{ticks}"}}`
)

// TestRefusals walks the rows of the protocol that end the socket. Each is sent to a socket as it is after the handshake.
func TestRefusals(t *testing.T) {
	long := strings.Repeat("x", maxStreamID+1)
	for _, row := range []struct {
		name string
		sent []string // before the last, all but a pong must be answered with something
		code int
		says string
	}{
		{"not JSON", []string{"hello"}, 4400, "not valid JSON"},
		{"not JSON after the acknowledgement", []string{initMessage, "hello"}, 4400, "not valid JSON"},
		{"empty message", []string{""}, 4400, "empty"},
		{"array", []string{"[]"}, 4400, "must be an object"},
		{"invalid UTF-8", []string{"{\"type\":\"\xff\"}"}, 4400, "not valid UTF-8"},
		{"duplicate member", []string{`{"type":"ping","type":"pong"}`}, 4400, "duplicate member"},
		{"duplicate member in a ping", []string{`{"type":"ping","payload":{"a":1,"a":2}}`}, 4400, "duplicate member"},
		{"no type", []string{`{"id":"1"}`}, 4400, "no type"},
		{"type is no string", []string{`{"type":1}`}, 4400, `"type" must be a string`},
		{"unknown type", []string{`{"type":"start"}`}, 4400, `unknown type "start"`},
		{"long unknown type", []string{`{"type":"` + strings.Repeat("é", 200) + `"}`}, 4400, "unknown type"},
		{"unknown type after the acknowledgement", []string{initMessage, `{"type":"stop"}`}, 4400, "unknown type"},
		{"type of the server", []string{initMessage, `{"type":"next","id":"1","payload":{}}`}, 4400, "unknown type"},
		{"init with an array", []string{`{"type":"connection_init","payload":[]}`}, 4400, "must be an object"},
		{"init with a string", []string{`{"type":"connection_init","payload":"token"}`}, 4400, "must be an object"},
		{"deep init", []string{`{"type":"connection_init","payload":{"a":` + strings.Repeat("[", 100) + strings.Repeat("]", 100) + `}}`}, 4400, "levels deep"},
		{"second init", []string{initMessage, initMessage}, 4429, "Too many initialisation requests"},
		{"subscribe before the acknowledgement", []string{ticks}, 4401, "Unauthorized"},
		{"ping with a number", []string{`{"type":"ping","payload":1}`}, 4400, "must be an object"},
		{"pong with a string", []string{`{"type":"pong","payload":"x"}`}, 4400, "must be an object"},
		{"subscribe without id", []string{initMessage, `{"type":"subscribe","payload":{"query":"{hello}"}}`}, 4400, "no id"},
		{"empty id", []string{initMessage, `{"type":"subscribe","id":"","payload":{"query":"{hello}"}}`}, 4400, "no id"},
		{"long id", []string{initMessage, `{"type":"subscribe","id":"` + long + `","payload":{"query":"{hello}"}}`}, 4400, "more than 128 bytes"},
		{"id is no string", []string{initMessage, `{"type":"subscribe","id":1,"payload":{"query":"{hello}"}}`}, 4400, `"id" must be a string`},
		{"complete without id", []string{initMessage, `{"type":"complete"}`}, 4400, "no id"},
		{"complete with a long id", []string{initMessage, `{"type":"complete","id":"` + long + `"}`}, 4400, "more than 128 bytes"},
		{"no payload", []string{initMessage, `{"type":"subscribe","id":"1"}`}, 4400, "must be an object"},
		{"null payload", []string{initMessage, `{"type":"subscribe","id":"1","payload":null}`}, 4400, "must be an object"},
		{"no query", []string{initMessage, `{"type":"subscribe","id":"1","payload":{}}`}, 4400, `"query" must be a string`},
		{"query is no string", []string{initMessage, `{"type":"subscribe","id":"1","payload":{"query":1}}`}, 4400, `"query" must be a string`},
		{"variables are an array", []string{initMessage, `{"type":"subscribe","id":"1","payload":{"query":"{hello}","variables":[]}}`}, 4400, `"variables" must be an object`},
		{"message over the limit", []string{initMessage, `{"type":"ping","payload":{"a":"` + strings.Repeat("x", 64<<10) + `"}}`}, 1009, ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			bubble(t, WebsocketOptions{}, func(t *testing.T, f *fixture) {
				p := f.dial(t, offer)
				for i, message := range row.sent {
					if i > 0 {
						p.wantLike("")
					}
					go p.send(message)
				}
				p.wantClose(row.code, row.says)
			})
		})
	}
}

func TestDuplicateStream(t *testing.T) {
	bubble(t, WebsocketOptions{}, func(t *testing.T, f *fixture) {
		p := f.open(t)
		p.send(ticks)
		<-f.schema.began
		p.send(ticks)
		p.wantClose(4409, "Subscriber for 1 already exists")
		<-f.schema.ended
	})
}

func TestDuplicateOfAQueryThatStillRuns(t *testing.T) {
	bubble(t, WebsocketOptions{}, func(t *testing.T, f *fixture) {
		p := f.open(t)
		p.send(`{"id":"q","type":"subscribe","payload":{"query":"{wait}"}}`)
		<-f.schema.waits
		p.send(`{"id":"q","type":"subscribe","payload":{"query":"{hello}"}}`)
		p.wantClose(4409, "Subscriber for q already exists")
	})
}

func TestPingPong(t *testing.T) {
	bubble(t, WebsocketOptions{}, func(t *testing.T, f *fixture) {
		p := f.dial(t, offer)
		p.send(`{"type":"ping"}`) // also before the acknowledgement
		p.want(`{"type":"pong"}`)
		p.send(initMessage)
		p.want(`{"type":"connection_ack"}`)
		p.send(`{"type":"ping","payload":{"sent":9007199254740993, "é":"<\u00e9>"}}`)
		p.want(`{"type":"pong","payload":{"sent":9007199254740993, "é":"<\u00e9>"}}`)
		p.send(`{"type":"ping","payload":null}`)
		p.want(`{"type":"pong","payload":null}`)
		p.send(`{"type":"pong"}`)
		p.send(`{"type":"pong","payload":{"unasked":true}}`)
		p.sendFrame(opPing, "websocket ping")
		if opcode, payload, err := p.receive(); opcode != opPong || payload != "websocket ping" || err != nil {
			t.Errorf("got opcode %d, %q, %v; want a pong", opcode, payload, err)
		}
		p.sendFrame(opPong, "unasked")
		p.send(`{"type":"ping","id":"1","more":[1]}`)
		p.want(`{"type":"pong"}`)
	})
}

func TestInit(t *testing.T) {
	type key struct{}
	for _, row := range []struct {
		name, message string
		init          func(ctx context.Context, payload map[string]any) (context.Context, error)
		code          int
		says          string
	}{
		{"no payload", initMessage, wantPayload(t, nil, key{}), 0, ""},
		{"null payload", `{"type":"connection_init","payload":null}`, wantPayload(t, nil, key{}), 0, ""},
		{"payload", `{"type":"connection_init","payload":{"token":"t","n":[1]}}`, wantPayload(t, map[string]any{"token": "t", "n": []any{int64(1)}}, key{}), 0, ""},
		{"refused", initMessage, refuse(errors.New("s3cret")), 4403, "Forbidden"},
		{"refused with a code", initMessage, refuse(fmt.Errorf("asking: %w", &CloseError{Code: 1013, Reason: "later"})), 1013, "later"},
		{"panics", initMessage, func(context.Context, map[string]any) (context.Context, error) { panic("s3cret") }, 1011, "internal error"},
	} {
		t.Run(row.name, func(t *testing.T) {
			bubble(t, WebsocketOptions{Init: row.init, Log: quiet()}, func(t *testing.T, f *fixture) {
				p := f.dial(t, offer)
				p.send(row.message)
				if row.code != 0 {
					p.wantClose(row.code, row.says)
					return
				}
				p.want(`{"type":"connection_ack"}`)
				f.schema.onContext(func(ctx context.Context) {
					if ctx.Value(key{}) != "from init" {
						t.Error("the operation's context does not come from Init")
					}
				})
				p.send(`{"id":"1","type":"subscribe","payload":{"query":"{hello}"}}`)
				p.wantLike(`"type":"next"`)
				p.wantLike(`"type":"complete"`)
			})
		})
	}
}

func wantPayload(t *testing.T, want map[string]any, key any) func(context.Context, map[string]any) (context.Context, error) {
	return func(ctx context.Context, payload map[string]any) (context.Context, error) {
		if diff := cmp.Diff(want, payload); diff != "" {
			t.Errorf("payload (-want +got)\n%s", diff)
		}
		return context.WithValue(ctx, key, "from init"), nil
	}
}

func refuse(err error) func(context.Context, map[string]any) (context.Context, error) {
	return func(context.Context, map[string]any) (context.Context, error) { return nil, err }
}

func TestInitTimeout(t *testing.T) {
	bubble(t, WebsocketOptions{}, func(t *testing.T, f *fixture) {
		start := time.Now()
		p := f.dial(t, offer)
		p.send(`{"type":"ping"}`) // does not count
		p.want(`{"type":"pong"}`)
		p.wantClose(4408, "Connection initialisation timeout")
		if took := time.Since(start); took != 5*time.Second+drained {
			t.Errorf("took %v, want 5 s and the drain", took)
		}
	})
}

// drained is what a peer that does not answer the close frame waits for the end of the connection.
const drained = time.Second

func TestInitHookThatHangsIsTimedOut(t *testing.T) {
	hang := func(ctx context.Context, _ map[string]any) (context.Context, error) {
		<-ctx.Done()
		return ctx, nil
	}
	bubble(t, WebsocketOptions{Init: hang}, func(t *testing.T, f *fixture) {
		p := f.dial(t, offer)
		p.send(initMessage)
		p.wantClose(4408, "Connection initialisation timeout")
	})
}

func TestServerPings(t *testing.T) {
	bubble(t, WebsocketOptions{}, func(t *testing.T, f *fixture) {
		start := time.Now()
		p := f.open(t)
		for range 10 {
			p.want(`{"type":"ping"}`)
			p.send(`{"type":"pong"}`)
		}
		if took := time.Since(start); took != 200*time.Second {
			t.Errorf("10 pings took %v, want 200 s", took)
		}
	})
}

func TestSilentPeerIsDropped(t *testing.T) {
	bubble(t, WebsocketOptions{}, func(t *testing.T, f *fixture) {
		p := f.open(t)
		p.send(ticks)
		<-f.schema.began
		time.Sleep(7 * time.Second)
		p.sendFrame(opPong, "alive")
		start := time.Now()
		p.want(`{"type":"ping"}`)
		p.want(`{"type":"ping"}`)
		p.wantEnd() // no close frame: nobody listens
		if took := time.Since(start); took != 40*time.Second {
			t.Errorf("took %v, want 40 s", took)
		}
		<-f.schema.ended
		f.wantNoSockets(t)
	})
}
