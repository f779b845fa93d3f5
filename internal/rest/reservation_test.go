package rest_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"time"

	"configapi/internal/budget"
	"configapi/internal/configstore"
	"configapi/internal/configstore/configstoretest"
	"configapi/internal/rest"
	"configapi/internal/slowtest"
)

// TestSlowClientsMakeRoom has clients that ask for much of the history and take none of it, until
// the budget of all answers is used up. The next client gets all that it asked for, and the bytes
// that are held stay within the budget.
func TestSlowClientsMakeRoom(t *testing.T) {
	slowtest.Only(t)
	const limit = 10 << 20
	for _, path := range []string{"/config/a/history", "/events?after=" + beginning} {
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			answers := budget.New(budget.Options{Bytes: limit, Wait: time.Minute})
			store := configstoretest.New(t, configstore.Options{})
			for i := range 12 {
				store.MustSet(t, "a", fmt.Sprint(i)+strings.Repeat("v", 1<<20-2))
			}
			edge := rest.New(store.Store, rest.Options{Answers: answers, Streams: answers})
			server := httptest.NewServer(edge)
			t.Cleanup(func() {
				server.CloseClientConnections()
				if err := edge.Shutdown(t.Context()); err != nil && t.Context().Err() == nil {
					t.Error(err)
				}
				server.Close()
			})
			for range 4 {
				slow := mustAsk(t, server.Listener.Addr().String(), path)
				defer slow.Close()
			}
			for began := time.Now(); answers.Waiting() == 0; runtime.Gosched() { // until the budget is used up
				if time.Since(began) > time.Minute {
					t.Fatalf("the budget is not used up: %d bytes are held", answers.Held())
				}
			}
			got, err := http.Get(server.URL + path)
			if err != nil {
				t.Fatal(err)
			}
			defer got.Body.Close()
			if n, err := io.CopyN(io.Discard, got.Body, 22<<20); err != nil {
				t.Errorf("a client that takes its answer got %d bytes, %v", n, err)
			}
			if held := answers.Held(); held > limit {
				t.Errorf("%d bytes are held", held)
			}
		})
	}
}

// mustAsk sends a request whose answer is not read.
func mustAsk(t *testing.T, address, path string) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	if err := conn.(*net.TCPConn).SetReadBuffer(4 << 10); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(conn, "GET "+path+" HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	return conn
}
