package gqlws

import (
	"bytes"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestHandshakesThatFail(t *testing.T) {
	for _, row := range []struct {
		name    string
		method  string
		headers []string
		drop    string
		noHost  bool
		status  int
		code    string
	}{
		{name: "no version", drop: "Sec-WebSocket-Version", status: 400, code: "INVALID_INPUT"},
		{name: "no key", drop: "Sec-WebSocket-Key", status: 400, code: "INVALID_INPUT"},
		{name: "POST", method: http.MethodPost, status: 405, code: "INVALID_INPUT"},
		{name: "connection that cannot be taken over", status: 500, code: "INTERNAL"},
	} {
		t.Run(row.name, func(t *testing.T) {
			f := newFixture(Options{})
			r := handshakeRequest(append(row.headers, offer)...)
			if row.method != "" {
				r.Method = row.method
			}
			r.Header.Del(row.drop)
			if row.noHost {
				r.Host = ""
			}
			w := httptest.NewRecorder()
			f.handler.ServeHTTP(w, r)
			if w.Code != row.status || !strings.Contains(w.Body.String(), `"code":"`+row.code+`"`) {
				t.Errorf("got %d %s, want %d %s", w.Code, w.Body, row.status, row.code)
			}
			if f.transport.entered != 0 {
				t.Error("the transport believes that there is a socket")
			}
		})
	}
}

// TestOtherSubprotocolsAreToldWhy: a browser shows the reason of a close only on a socket whose
// sub-protocol it has asked for.
func TestOtherSubprotocolsAreToldWhy(t *testing.T) {
	long := strings.Repeat("x", 1000)
	for _, row := range []struct{ offered, chosen, reason, logged string }{
		{"Sec-WebSocket-Protocol: graphql-ws", "graphql-ws", "the old protocol graphql-ws is not supported: use graphql-transport-ws", `"graphql-ws"`},
		{"Sec-WebSocket-Protocol: soap, graphql-ws", "graphql-ws", "use graphql-transport-ws", `"soap, graphql-ws"`},
		{"Sec-WebSocket-Protocol: soap", "", "this server speaks graphql-transport-ws", `"soap"`},
		{"Sec-WebSocket-Protocol: a\x1b[31m\xff", "", "this server speaks", `"a\u001b[31m�"`},
		{"Sec-WebSocket-Protocol: " + long, "", "this server speaks", `"` + long[:200] + `…"`},
		{"X-Nothing: at all", "", "this server speaks", `""`},
	} {
		var log bytes.Buffer
		bubble(t, Options{Log: slog.New(slog.NewJSONHandler(&log, nil))}, func(t *testing.T, f *fixture) {
			p := f.dial(t, row.offered)
			if got := p.socket.Response.Header.Get("Sec-Websocket-Protocol"); got != row.chosen {
				t.Errorf("%.40s: got the sub-protocol %q, want %q", row.offered, got, row.chosen)
			}
			p.wantClose(4406, row.reason)
		})
		if got := log.String(); strings.Count(got, "\n") != 1 || !strings.Contains(got, `"level":"WARN"`) || !strings.Contains(got, `"offered":`+row.logged) {
			t.Errorf("%.40s: logged %s, want one warning with %s", row.offered, got, row.logged)
		}
	}
}

// TestOtherUpgradesAreForHTTP: curl offers h2c with every request when asked for HTTP/2.
func TestOtherUpgradesAreForHTTP(t *testing.T) {
	f := newFixture(Options{})
	r := httptest.NewRequest(http.MethodGet, "/graphql?query={hello}", nil)
	r.Header.Set("Connection", "Upgrade, HTTP2-Settings")
	r.Header.Set("Upgrade", "h2c")
	w := httptest.NewRecorder()
	f.handler.ServeHTTP(w, r)
	if w.Code != http.StatusOK {
		t.Errorf("got %d %s, want 200", w.Code, w.Body)
	}
}
