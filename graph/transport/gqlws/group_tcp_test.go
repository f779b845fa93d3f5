package gqlws

import (
	"errors"
	"fmt"
	"io/fs"
	"net/http/httptest"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"configapi/internal/websockettest"
)

// TestSubscribersOverTCP has the inline writer write to real connections, of which one is full for
// a while.
func TestSubscribersOverTCP(t *testing.T) {
	f, server := listen(t, shared, httptest.NewServer)
	slow, quick := connect(t, server), connect(t, server)
	for _, conn := range []*websockettest.Client{slow, quick} {
		exchange(t, conn, `{"id":"1","type":"subscribe","payload":{"query":"`+logDocument+`"}}`, `{"id":"1","type":"next","payload":{"data":{"log":""}}}`)
	}
	var words []string
	for i := range 300 { // more than the kernel and the queue hold
		word := fmt.Sprint(i, strings.Repeat("x", 30_000))
		words = append(words, word)
		f.schema.Log.Add(word)
		exchange(t, quick, "", `{"id":"1","type":"next","payload":{"data":{"log":"`+word+`"}}}`)
	}
	for len(words) > 0 {
		message, err := slow.Receive()
		if err != nil {
			t.Fatal(err)
		}
		got := strings.TrimSuffix(strings.TrimPrefix(message.Text, `{"id":"1","type":"next","payload":{"data":{"log":"`), `"}}}`)
		for _, word := range strings.Split(got, " ") {
			if word != words[0] {
				t.Fatalf("got %.20s of %d bytes, want %.20s of %d", word, len(word), words[0], len(words[0]))
			}
			words = words[1:]
		}
	}
}

// TestStalledSubscribersAreFreedWhole has subscribers take nothing for longer than they may:
// nothing is left of them, and the one that reads gets everything.
func TestStalledSubscribersAreFreedWhole(t *testing.T) {
	options := shared
	options.rules.writeTimeout = 50 * time.Millisecond
	f, server := listen(t, options, httptest.NewServer)
	subscribe := func(conn *websockettest.Client) {
		exchange(t, conn, `{"id":"1","type":"subscribe","payload":{"query":"`+logDocument+`"}}`, `{"id":"1","type":"next","payload":{"data":{"log":""}}}`)
	}
	reader := connect(t, server)
	subscribe(reader)
	goroutines, descriptors := runtime.NumGoroutine(), openDescriptors(t)
	var stalled []*websockettest.Client
	for range 5 {
		stalled = append(stalled, connect(t, server))
		subscribe(stalled[len(stalled)-1])
	}
	for i := 0; len(f.transport.snapshot()) > 1; i++ {
		word := fmt.Sprint(i, strings.Repeat("x", 50_000))
		f.schema.Log.Add(word)
		exchange(t, reader, "", `{"id":"1","type":"next","payload":{"data":{"log":"`+word+`"}}}`)
	}
	for _, conn := range stalled {
		conn.Close()
	}
	for patience := time.Now().Add(10 * time.Second); runtime.NumGoroutine() > goroutines || openDescriptors(t) > descriptors; runtime.Gosched() {
		if time.Now().After(patience) {
			t.Fatalf("%d goroutines and %d descriptors are left of %d and %d", runtime.NumGoroutine(), openDescriptors(t), goroutines, descriptors)
		}
	}
	if n := len(f.transport.groups.Sizes()); n != 1 {
		t.Errorf("got %d groups, want 1", n)
	}
}

// openDescriptors counts the files and connections that this process has open, 0 where the system
// does not say.
func openDescriptors(t *testing.T) int {
	t.Helper()
	open, err := os.ReadDir("/proc/self/fd")
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	return len(open)
}
