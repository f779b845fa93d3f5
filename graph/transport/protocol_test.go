package transport

import (
	"context"
	"errors"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	gqlgen "github.com/99designs/gqlgen/graphql/handler/transport"

	"configapi/test/graphqlws"
)

// schemaTarget describes a server of the test schema.
var schemaTarget = graphqlws.Target{
	URL:           "ws://config.test/graphql",
	RefusedInit:   []byte(`{"token":"wrong"}`),
	Query:         `{hello}`,
	SlowQuery:     `{wait}`,
	Mutation:      `mutation{change}`,
	Subscription:  `subscription{clock}`,
	Finite:        `subscription{clock(until:2)}`,
	Failing:       `subscription{clock(until:2,fails:true)}`,
	Flood:         `{big(bytes:100000)}`,
	NoCompression: true,

	// The defaults of WebsocketOptions.
	InitTimeout:     5 * time.Second,
	PingInterval:    20 * time.Second,
	SilenceTimeout:  40 * time.Second,
	WriteTimeout:    10 * time.Second,
	MaxMessageBytes: 64 << 10,
	MaxIDBytes:      maxStreamID,
	MaxStreams:      100,
	Patience:        3 * time.Second,
}

// cases leaves out the rule about origins: the HTTP server judges them, before this transport.
func cases() []graphqlws.Case {
	return slices.DeleteFunc(graphqlws.Cases(), func(c graphqlws.Case) bool { return slices.Contains(c.Needs, "ForeignOrigin") })
}

var errToken = errors.New("wrong token")

func checkToken(token any) error {
	if token == "wrong" {
		return errToken
	}
	return nil
}

func initWithToken(ctx context.Context, payload map[string]any) (context.Context, error) {
	return ctx, checkToken(payload["token"])
}

// TestProtocol tries every rule of the table, each on a server of its own, with the defaults of all limits.
func TestProtocol(t *testing.T) {
	for _, c := range cases() {
		t.Run(c.Name, func(t *testing.T) {
			bubble(t, WebsocketOptions{Init: initWithToken}, func(t *testing.T, f *fixture) {
				dial, stop := graphqlws.Serve(f.handler)
				defer stop()
				target := schemaTarget
				target.Dial = dial
				c.Test(t, target)
			})
		})
	}
}

// TestProtocolOverTCP tries all but the rules about time, for what the kernel has a part in.
func TestProtocolOverTCP(t *testing.T) {
	_, server := listen(t, WebsocketOptions{Init: initWithToken, DrainTimeout: 10 * time.Second}, httptest.NewServer)
	target := schemaTarget
	target.URL = server.URL
	target.Subscription = `subscription{clock(milliseconds:2)}`
	target.Finite = `subscription{clock(milliseconds:2,until:2)}`
	target.Failing = `subscription{clock(milliseconds:2,until:2,fails:true)}`
	target.InitTimeout, target.PingInterval, target.SilenceTimeout, target.WriteTimeout = 0, 0, 0, 0
	target.Patience = 10 * time.Second
	for _, c := range graphqlws.Cases() {
		if c.Applies(target) == "" {
			t.Run(c.Name, func(t *testing.T) { c.Test(t, target) })
		}
	}
}

// brokenByStock are the rules that gqlgen's own transport breaks.
const brokenByStock = `
	handshake/offer-among-others
	handshake/offer-in-second-line
	handshake/other-offers
	handshake/no-offer
	init/late
	init/late-despite-ping
	init/twice
	init/refused
	init/subscribe-before
	invalid/before-init
	invalid/init-payload
	invalid/bad-utf8
	invalid/not-json
	invalid/empty
	invalid/trailing-bytes
	invalid/array
	invalid/null
	invalid/no-type
	invalid/type-not-string
	invalid/unknown-type
	invalid/type-of-server
	invalid/ping-payload
	invalid/pong-payload
	invalid/subscribe-no-id
	invalid/subscribe-empty-id
	invalid/subscribe-id-not-string
	invalid/subscribe-no-payload
	invalid/subscribe-payload-null
	invalid/subscribe-payload-text
	invalid/subscribe-no-query
	invalid/subscribe-query-not-string
	invalid/subscribe-operation-name
	invalid/subscribe-variables
	invalid/subscribe-extensions
	invalid/complete-no-id
	invalid/complete-id-not-string
	ping/before-init
	subscribe/syntax-error
	subscribe/validation-error
	subscribe/unknown-operation
	subscribe/id-in-use
	subscribe/id-in-use-by-query
	subscribe/id-free-after-error
	complete/stops
	complete/others-go-on
	complete/id-free
	complete/twice
	complete/running-query
	frame/unmasked
	frame/bad-close-reason
	frame/binary
	limit/absurd-length
	limit/id-too-long
	limit/streams
	limit/stalled-client
	limit/close-code-survives
`

// TestProtocolOfStockTransport shows that the rules can be broken: it tries them on gqlgen's own transport, with all of its limits set.
func TestProtocolOfStockTransport(t *testing.T) {
	limit := int64(schemaTarget.MaxMessageBytes)
	stock := gqlgen.Websocket{
		InitTimeout:      schemaTarget.InitTimeout,
		PingPongInterval: schemaTarget.PingInterval,
		PayloadReadLimit: &limit,
		InitFunc: func(ctx context.Context, payload gqlgen.InitPayload) (context.Context, *gqlgen.InitPayload, error) {
			return ctx, nil, checkToken(payload["token"])
		},
	}
	var broken []string
	for _, c := range cases() {
		synctest.Test(t, func(t *testing.T) {
			dial, stop := graphqlws.Serve(newTestSchema().handler(stock))
			defer stop()
			target := schemaTarget
			target.Dial = dial
			if c.Try(t.Context(), target) != nil {
				broken = append(broken, c.Name)
			}
		})
	}
	if diff := cmp.Diff(strings.Fields(brokenByStock), broken); diff != "" {
		t.Errorf("broken rules (-want +got)\n%s", diff)
	}
}

// TestReasons is about what closes a socket beyond the protocol's own rules, and what the client's program is told.
func TestReasons(t *testing.T) {
	subscribe := func(payload string) string { return `{"type":"subscribe","id":"1","payload":` + payload + `}` }
	for _, row := range []struct{ name, message, says string }{
		{"not JSON", "hello", "not valid JSON"},
		{"empty message", "", "empty"},
		{"array", "[]", "must be an object"},
		{"invalid UTF-8", "{\"type\":\"\xff\"}", "not valid UTF-8"},
		{"duplicate member", `{"type":"ping","type":"pong"}`, "duplicate member"},
		{"duplicate member in a ping", `{"type":"ping","payload":{"a":1,"a":2}}`, "duplicate member"},
		{"no type", `{"id":"1"}`, "no type"},
		{"type is no string", `{"type":1}`, `"type" must be a string`},
		{"unknown type", `{"type":"start"}`, `unknown type "start"`},
		{"long unknown type", `{"type":"` + strings.Repeat("é", 200) + `"}`, "unknown type"},
		{"ping with a number", `{"type":"ping","payload":1}`, "payload of ping must be an object"},
		{"no id", `{"type":"subscribe","payload":{"query":"{hello}"}}`, "no id"},
		{"long id of complete", `{"type":"complete","id":"` + strings.Repeat("x", maxStreamID+1) + `"}`, "more than 128 bytes"},
		{"no payload", `{"type":"subscribe","id":"1"}`, "must be an object"},
		{"no query", subscribe(`{}`), `"query" must be a string`},
		{"variables are an array", subscribe(`{"query":"{hello}","variables":[]}`), `"variables" must be an object`},
	} {
		t.Run(row.name, func(t *testing.T) {
			bubble(t, WebsocketOptions{}, func(t *testing.T, f *fixture) {
				p := f.open(t)
				p.send(row.message)
				p.wantClose(4400, row.says)
			})
		})
	}
}

func TestDeepInit(t *testing.T) {
	bubble(t, WebsocketOptions{}, func(t *testing.T, f *fixture) {
		p := f.dial(t, offer)
		p.send(`{"type":"connection_init","payload":{"a":` + strings.Repeat("[", 100) + strings.Repeat("]", 100) + `}}`)
		p.wantClose(4400, "levels deep")
	})
}

// TestPongRepeatsThePayload byte by byte: numbers keep their digits, and null stays null.
func TestPongRepeatsThePayload(t *testing.T) {
	bubble(t, WebsocketOptions{}, func(t *testing.T, f *fixture) {
		p := f.open(t)
		p.send(`{"type":"ping","payload":{"sent":9007199254740993, "é":"<\u00e9>"}}`)
		p.want(`{"type":"pong","payload":{"sent":9007199254740993, "é":"<\u00e9>"}}`)
		p.send(`{"type":"ping","payload":null}`)
		p.want(`{"type":"pong","payload":null}`)
		p.send(`{"type":"ping","id":"1","more":[1]}`)
		p.want(`{"type":"pong"}`)
	})
}
