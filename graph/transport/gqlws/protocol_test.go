package gqlws

import (
	"context"
	"errors"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	gqlgen "github.com/99designs/gqlgen/graphql/handler/transport"

	"github.com/google/go-cmp/cmp"

	"configapi/graph/transport/fanout"
	"configapi/graph/transport/transporttest"
	"configapi/internal/eventstream"
	"configapi/internal/slowtest"
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

	// The defaults of Options.
	InitTimeout:     5 * time.Second,
	PingInterval:    20 * time.Second,
	SilenceTimeout:  40 * time.Second,
	WriteTimeout:    10 * time.Second,
	MaxMessageBytes: 16 << 20,
	MaxInitBytes:    64 << 10,
	MaxIDBytes:      maxIDBytes,
	MaxStreams:      100,
	Patience:        3 * time.Second,
}

// cases returns all rules but that about origins, which the HTTP server checks.
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

func initWithToken(ctx context.Context, _ eventstream.Client, payload map[string]any) (fanout.Rights, error) {
	return fanout.Rights{Context: ctx}, checkToken(payload["token"])
}

// TestProtocol tries every rule of the table, each on a server of its own, with the defaults of all
// limits.
func TestProtocol(t *testing.T) {
	for _, c := range cases() {
		t.Run(c.Name, func(t *testing.T) {
			bubble(t, Options{Init: initWithToken}, func(t *testing.T, f *fixture) {
				dial, stop := graphqlws.Serve(f.handler)
				defer stop()
				target := schemaTarget
				target.Dial = dial
				c.Test(t, target)
			})
		})
	}
}

// TestProtocolOverTCP tries all rules but those about time over real connections.
func TestProtocolOverTCP(t *testing.T) {
	slowtest.Only(t)
	_, server := listen(t, Options{Init: initWithToken, rules: rules{drainTimeout: 10 * time.Second}}, httptest.NewServer)
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
	invalid/complete-no-id
	invalid/complete-id-not-string
	payload/null
	payload/text
	payload/no-query
	payload/query-not-string
	payload/operation-name
	payload/variables
	payload/extensions
	payload/persisted
	payload/half-pair
	payload/number-range
	payload/duplicate-member
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
	limit/init-too-long
	limit/absurd-length
	limit/id-too-long
	limit/streams
	limit/stalled-client
	limit/close-code-survives
`

// TestProtocolOfStockTransport shows that the rules can be broken: it tries them on gqlgen's own
// transport, with all of its limits set.
func TestProtocolOfStockTransport(t *testing.T) {
	slowtest.Only(t)
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
			schema := transporttest.NewSchema()
			schema.Stock = true
			dial, stop := graphqlws.Serve(schema.Handler(stock))
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

// TestReasons: messages that break the protocol close the socket with a reason that the client's
// program sees.
func TestReasons(t *testing.T) {
	subscribe := func(payload string) string { return `{"type":"subscribe","id":"1","payload":` + payload + `}` }
	for _, row := range []struct{ name, message, says string }{
		{"not JSON", "hello", "not valid JSON"},
		{"empty message", "", "empty"},
		{"array", "[]", "must be an object"},
		{"invalid UTF-8", "{\"type\":\"\xff\"}", "not valid UTF-8"},
		{"duplicate member", `{"type":"ping","type":"pong"}`, "duplicate member"},
		{"duplicate member in the payload of connection_init", `{"type":"connection_init","payload":{"a":1,"a":2}}`, "duplicate member"},
		{"unreadable ping with a list", `{"type":"ping","payload":["\ud83d"]}`, "payload of ping must be an object"},
		{"unreadable complete without an id", `{"type":"complete","payload":{"a":1,"a":2}}`, "no id"},
		{"deep text that never ends", subscribe(`{"query":` + strings.Repeat("[", 20_000)), "levels deep"},
		{"deep text that ends too often", subscribe(strings.Repeat("[", 20_000) + strings.Repeat("]", 20_001)), "levels deep"},
		{"no type", `{"id":"1"}`, "no type"},
		{"type is no string", `{"type":1}`, `"type" must be a string`},
		{"unknown type", `{"type":"start"}`, `unknown type "start"`},
		{"long unknown type", `{"type":"` + strings.Repeat("é", 200) + `"}`, "unknown type"},
		{"ping with a number", `{"type":"ping","payload":1}`, "payload of ping must be an object"},
		{"no id", `{"type":"subscribe","payload":{"query":"{hello}"}}`, "no id"},
		{"long id of complete", `{"type":"complete","id":"` + strings.Repeat("x", maxIDBytes+1) + `"}`, "more than 128 bytes"},
		{"two ids", `{"type":"subscribe","id":"1","id":"1","payload":{}}`, "duplicate member"},
		{"half an id", `{"type":"subscribe","id":"\ud83d","payload":{}}`, "half a surrogate pair"},
		{"half a name", `{"type":"subscribe","id":"1","\ud83d":1,"payload":{}}`, "half a surrogate pair"},
		{"cut off in the payload", `{"type":"subscribe","id":"1","payload":{"a":1,"a":2}`, "duplicate member"},
		{"more after the payload", subscribe(`{"a":1,"a":2}`) + "{}", "duplicate member"},
	} {
		t.Run(row.name, func(t *testing.T) {
			bubble(t, Options{}, func(t *testing.T, f *fixture) {
				p := f.open(t)
				p.send(row.message)
				p.wantClose(4400, row.says)
			})
		})
	}
}

// TestUnreadablePayloads: a subscribe that is no operation gets an error on its id.
func TestUnreadablePayloads(t *testing.T) {
	deep := strings.Repeat("[", 100) + strings.Repeat("]", 100)
	deeper := strings.Repeat(`[{"a]}":`, 20_000) + `"\\"` + strings.Repeat("}]", 20_000)
	for payload, says := range map[string]string{
		`null`:                               "the payload of subscribe must be an object",
		`[]`:                                 "the payload of subscribe must be an object",
		`{}`:                                 `the payload of subscribe must have \"query\", a string`,
		`{"query":""}`:                       `the payload of subscribe must have \"query\", a string","extensions":{"code":"INVALID_INPUT"}`,
		`{"query":"{hello}","variables":[]}`: `cannot be read: member \"variables\" must be an object`,
		`{"query":"{hello}","variables":{"v":"a\ud83d"}}`:      `cannot be read: half a surrogate pair in a \\u escape (byte `,
		`{"query":"{hello}","variables":{"v":-1e400}}`:         `cannot be read: member \"v\" in \"variables\" holds a number out of range`,
		`{"query":"{hello}","variables":{"v":1,"v":1}}`:        `cannot be read: duplicate member \"v\" in \"variables\"`,
		`{"query":"{hello}","variables":{"v":` + deep + `}}`:   "cannot be read: nested more than 64 levels deep",
		`{"query":"{hello}","variables":{"v":` + deeper + `}}`: "cannot be read: nested more than 64 levels deep",
		`{"query":"{hello}","more":` + deeper + `}`:            "cannot be read: nested more than 64 levels deep",
		deeper:                                  "cannot be read: nested more than 64 levels deep",
		`{"query":"{hello}","query":"{hello}"}`: `cannot be read: duplicate member \"query\"`,
		`{"query":"","extensions":{"persistedQuery":{}}}`:     `"message":"PersistedQueryNotSupported","extensions":{"code":"PERSISTED_QUERY_NOT_SUPPORTED"}`,
		`{"query":null,"extensions":{"persistedQuery":true}}`: `"message":"PersistedQueryNotSupported"`,
	} {
		bubble(t, Options{}, func(t *testing.T, f *fixture) {
			p := f.open(t)
			p.send(`{"type":"subscribe","id":"1","payload":` + payload + `}`)
			p.wantLike(`{"id":"1","type":"error","payload":[{"message":`, says)
			p.send(`{"type":"subscribe","id":"1","payload":{"query":"{hello}","extensions":{"persistedQuery":{"version":1}}}}`)
			p.want(`{"id":"1","type":"next","payload":{"data":{"hello":"hello world"}}}`)
			p.want(`{"id":"1","type":"complete"}`)
		})
	}
}

// TestUnreadablePayloadsThatNobodyReads: the socket goes on after a ping, pong or complete with a
// payload that could not be decoded.
func TestUnreadablePayloadsThatNobodyReads(t *testing.T) {
	deep := `{"a":` + strings.Repeat("[", 20_000) + strings.Repeat("]", 20_000) + "}"
	for payload, answer := range map[string]string{
		`{"a":1,"a":2}`:       `{"type":"pong","payload":{"a":1,"a":2}}`,
		`{"a":"a\ud83d"}`:     `{"type":"pong","payload":{"a":"a\ud83d"}}`,
		`{"\udc00":1}`:        `{"type":"pong","payload":{"\udc00":1}}`,
		`{"a":[{"b":1e400}]}`: `{"type":"pong","payload":{"a":[{"b":1e400}]}}`,
		deep:                  `{"type":"pong"}`, // too deep to be repeated
	} {
		bubble(t, Options{}, func(t *testing.T, f *fixture) {
			p := f.open(t)
			p.send(`{"type":"subscribe","id":"live","payload":{"query":"{wait}"}}`)
			gate := <-f.schema.Waits
			p.send(`{"type":"ping","payload":` + payload + `}`)
			p.want(answer)
			p.send(`{"type":"pong","payload":` + payload + `}`)
			p.send(`{"type":"complete","id":"other","payload":` + payload + `}`)
			close(gate)
			p.wantLike(`{"id":"live","type":"next"`)
			p.want(`{"id":"live","type":"complete"}`)
		})
	}
}

// TestUnreadablePayloadsComeAfterTheProtocol: a message that also breaks a rule of the protocol
// closes the socket.
func TestUnreadablePayloadsComeAfterTheProtocol(t *testing.T) {
	const bad = `"payload":{"query":"{hello}","variables":{"v":"\ud83d"}}}`
	bubble(t, Options{}, func(t *testing.T, f *fixture) {
		p := f.dial(t, offer)
		p.send(`{"type":"subscribe","id":"1",` + bad)
		p.wantClose(4401, "Unauthorized")
	})
	for id, want := range map[string]int{`""`: 4400, `"` + strings.Repeat("x", 129) + `"`: 4400, `"live"`: 4409, `7`: 4400} {
		bubble(t, Options{}, func(t *testing.T, f *fixture) {
			p := f.open(t)
			p.send(`{"type":"subscribe","id":"live","payload":{"query":"{wait}"}}`)
			p.send(`{"type":"subscribe","id":` + id + `,` + bad)
			p.wantClose(want, "")
		})
	}
}

func TestDeepInit(t *testing.T) {
	bubble(t, Options{}, func(t *testing.T, f *fixture) {
		p := f.dial(t, offer)
		p.send(`{"type":"connection_init","payload":{"a":` + strings.Repeat("[", 100) + strings.Repeat("]", 100) + `}}`)
		p.wantClose(4400, "levels deep")
	})
}

// TestPongRepeatsThePayload: byte by byte, so that numbers keep their digits, and null stays null.
func TestPongRepeatsThePayload(t *testing.T) {
	bubble(t, Options{}, func(t *testing.T, f *fixture) {
		p := f.open(t)
		p.send(`{"type":"ping","payload":{"sent":9007199254740993, "é":"<\u00e9>"}}`)
		p.want(`{"type":"pong","payload":{"sent":9007199254740993, "é":"<\u00e9>"}}`)
		p.send(`{"type":"ping","payload":null}`)
		p.want(`{"type":"pong","payload":null}`)
		p.send(`{"type":"ping","id":"1","more":[1]}`)
		p.want(`{"type":"pong"}`)
	})
}
