package rest

import (
	"errors"
	"net/http"
	"testing"
)

// TestConnectionsStayHere shows to which addresses a client connects that must not send its token
// to another machine: what a name stands for is decided by the resolver.
func TestConnectionsStayHere(t *testing.T) {
	decide := dialer(true).Control
	for address, want := range map[string]bool{
		"127.0.0.1:80": true, "127.9.9.9:4000": true, "[::1]:80": true, "[::ffff:127.0.0.1]:80": true,
		"10.0.0.1:80": false, "192.0.2.1:443": false, "[2001:db8::1]:80": false, "0.0.0.0:80": false, "no address": false,
	} {
		err := decide("tcp", address, nil)
		if (err == nil) != want || err != nil && !errors.Is(err, ErrUseTLS) {
			t.Errorf("%s: got %v, want %t", address, err, want)
		}
	}
	if dialer(false).Control != nil {
		t.Error("a client that may connect anywhere is held back")
	}
}

// TestNoProxyReadsTokens sets proxies for all schemes. That for http:// would see the token.
func TestNoProxyReadsTokens(t *testing.T) {
	t.Setenv("HTTP_PROXY", "http://proxy.example:3128")
	r, err := http.NewRequest(http.MethodGet, "http://config.example/config", nil)
	if err != nil {
		t.Fatal(err)
	}
	if proxy, err := proxyOfTLS(r); proxy != nil || err != nil {
		t.Errorf("got the proxy %v, %v, want none", proxy, err)
	}
}
