package transport

import (
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
		{name: "foreign origin", headers: []string{"Origin: https://evil.test"}, status: 403, code: CodeForbidden},
		{name: "other port", headers: []string{"Origin: http://config.test:81"}, status: 403, code: CodeForbidden},
		{name: "opaque origin", headers: []string{"Origin: null"}, status: 403, code: CodeForbidden},
		{name: "opaque origin, no host", headers: []string{"Origin: null"}, noHost: true, status: 403, code: CodeForbidden},
		{name: "two origins", headers: []string{"Origin: http://config.test", "Origin: https://evil.test"}, status: 403, code: CodeForbidden},
		{name: "empty origin", headers: []string{"Origin: "}, status: 403, code: CodeForbidden},
		{name: "origin that only begins like ours", headers: []string{"Origin: http://config.test.evil.test"}, status: 403, code: CodeForbidden},
		{name: "no version", drop: "Sec-WebSocket-Version", status: 400, code: CodeInvalidInput},
		{name: "no key", drop: "Sec-WebSocket-Key", status: 400, code: CodeInvalidInput},
		{name: "POST", method: http.MethodPost, status: 405, code: CodeInvalidInput},
		{name: "connection that cannot be taken over", status: 500, code: CodeInternal},
	} {
		t.Run(row.name, func(t *testing.T) {
			f := newFixture(WebsocketOptions{})
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

func TestOriginsThatMay(t *testing.T) {
	for _, origin := range []string{"http://config.test", "https://CONFIG.test", "https://Console.example.com", "http://localhost:3000"} {
		bubble(t, WebsocketOptions{AllowedOrigins: []string{"https://console.example.com", "http://localhost:3000/"}}, func(t *testing.T, f *fixture) {
			f.dial(t, offer, "Origin: "+origin)
		})
	}
}

// TestOtherUpgradesAreForHTTP: curl offers h2c with every request when asked for HTTP/2.
func TestOtherUpgradesAreForHTTP(t *testing.T) {
	f := newFixture(WebsocketOptions{})
	r := httptest.NewRequest(http.MethodGet, "/graphql?query={hello}", nil)
	r.Header.Set("Connection", "Upgrade, HTTP2-Settings")
	r.Header.Set("Upgrade", "h2c")
	w := httptest.NewRecorder()
	f.handler.ServeHTTP(w, r)
	if w.Code != http.StatusOK {
		t.Errorf("got %d %s, want 200", w.Code, w.Body)
	}
}
