package gqlws

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"configapi/internal/websockettest"
)

// These tests use real connections: the kernel or TLS has a part in what they test.

// listen serves the fixture, and shuts its transport down at the end, which waits for all
// goroutines of sockets.
func listen(t *testing.T, options Options, start func(http.Handler) *httptest.Server) (*fixture, *httptest.Server) {
	t.Helper()
	f := newFixture(options)
	server := start(f.handler)
	t.Cleanup(server.Close)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := f.transport.Shutdown(ctx); err != nil {
			t.Error(err)
		}
	})
	return f, server
}

func connect(t testing.TB, server *httptest.Server) *websockettest.Client {
	t.Helper()
	options := websockettest.Options{Header: http.Header{"Sec-Websocket-Extensions": {"permessage-deflate"}}}
	if server.TLS != nil {
		config := server.Client().Transport.(*http.Transport).TLSClientConfig.Clone()
		config.NextProtos = nil
		options.Dial = func(ctx context.Context) (net.Conn, error) {
			return (&tls.Dialer{Config: config}).DialContext(ctx, "tcp", server.Listener.Addr().String())
		}
	}
	conn, err := websockettest.Open(t.Context(), server.URL, options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	return conn
}

// exchange sends a message, unless it is empty, and reads one.
func exchange(t testing.TB, conn *websockettest.Client, message, want string) {
	t.Helper()
	if message != "" {
		if err := conn.Send(message); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := conn.Receive(); err != nil || got.Text != want {
		t.Fatalf("got %s, %v; want %s", got.Text, err, want)
	}
}

func TestStalledReaderOverTheKernelsBuffers(t *testing.T) {
	for name, start := range map[string]func(http.Handler) *httptest.Server{"TCP": httptest.NewServer, "TLS": httptest.NewTLSServer} {
		t.Run(name, func(t *testing.T) {
			f, server := listen(t, Options{rules: rules{writeTimeout: 50 * time.Millisecond}}, start)
			conn := connect(t, server)
			if err := conn.Send(ticks); err != nil {
				t.Fatal(err)
			}
			<-f.schema.Began
			event := strings.Repeat("x", 1<<20)
			for {
				select {
				case f.schema.Events <- event:
				case <-f.schema.Ended:
					return // and the clean-up checks that nothing is left of the socket
				case <-t.Context().Done():
					t.Fatal("the stalled reader is never dropped")
				}
			}
		})
	}
}

// TestDroppedPeerIsReset: without a reset the kernel would go on holding what the peer did not
// take. The HTTP server has a type of its own around each connection.
func TestDroppedPeerIsReset(t *testing.T) {
	for name, start := range map[string]func(*httptest.Server){"TCP": (*httptest.Server).Start, "TLS": (*httptest.Server).StartTLS} {
		t.Run(name, func(t *testing.T) {
			_, server := listen(t, Options{rules: rules{pingInterval: 10 * time.Millisecond, silenceTimeout: 20 * time.Millisecond}}, func(h http.Handler) *httptest.Server {
				server := httptest.NewUnstartedServer(h)
				server.Listener = wrapping{server.Listener}
				start(server)
				return server
			})
			conn := connect(t, server).NetConn()
			if secured, is := conn.(*tls.Conn); is {
				conn = secured.NetConn()
			}
			buffer := make([]byte, 1000)
			for {
				if _, err := conn.Read(buffer); err != nil {
					if operation, ok := errors.AsType[*net.OpError](err); !ok || operation.Op != "read" || !strings.Contains(err.Error(), "reset") {
						t.Errorf("got %v, want a reset connection", err)
					}
					return
				}
			}
		})
	}
}

// wrapping is a listener whose connections are inside of another type.
type wrapping struct{ net.Listener }

type wrapped struct{ *net.TCPConn }

func (w wrapping) Accept() (net.Conn, error) {
	conn, err := w.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return wrapped{conn.(*net.TCPConn)}, nil
}
