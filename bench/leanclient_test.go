package main

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/iotest"
	"time"
)

// lean connects to a net/http server.
func lean(t *testing.T, handler http.HandlerFunc) (client *leanClient, host string) {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	host = server.Listener.Addr().String()
	client, err := dialLean(host, time.Now().Add(10*time.Second))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	return client, host
}

func TestLeanClientReadsTheAnswersOfNetHTTP(t *testing.T) {
	var connections = map[string]bool{}
	client, host := lean(t, func(w http.ResponseWriter, r *http.Request) {
		connections[r.RemoteAddr] = true
		switch r.URL.Path {
		case "/empty":
		case "/missing":
			w.WriteHeader(http.StatusNotFound)
			_, _ = io.WriteString(w, "Not Found")
		case "/large": // larger than all buffers
			w.Header().Set("Content-Length", "100000")
			_, _ = io.WriteString(w, strings.Repeat("x", 100_000))
		default:
			_, _ = io.WriteString(w, "value")
		}
	})
	for _, want := range []struct {
		path   string
		status int
		body   string
	}{
		{"/", 200, "value"},
		{"/large", 200, strings.Repeat("x", 100_000)},
		{"/missing", 404, "Not Found"},
		{"/empty", 200, ""},
		{"/", 200, "value"},
	} {
		r := request{method: http.MethodGet, path: want.path}
		status, body, err := client.roundTrip([]byte(r.wire(host)))
		if err != nil || status != want.status || string(body) != want.body {
			t.Errorf("%s: got %d, %d bytes, %v; want %d, %d bytes", want.path, status, len(body), err, want.status, len(want.body))
		}
	}
	if len(connections) != 1 {
		t.Errorf("got %d connections, want 1 that is kept", len(connections))
	}
}

func TestLeanClientReadsChunkedAnswers(t *testing.T) {
	parts := []string{"part", strings.Repeat("x", 100_000), "end"}
	client, host := lean(t, func(w http.ResponseWriter, _ *http.Request) {
		for _, part := range parts {
			_, _ = io.WriteString(w, part)
			_ = http.NewResponseController(w).Flush()
		}
	})
	for range 2 {
		status, body, err := client.roundTrip([]byte(request{method: http.MethodGet, path: "/"}.wire(host)))
		if err != nil || status != 200 || string(body) != strings.Join(parts, "") {
			t.Errorf("got %d, %d bytes, %v", status, len(body), err)
		}
	}
}

func TestLeanClientRefusesAnswersThatEndTheConnection(t *testing.T) {
	client, host := lean(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Connection", "close")
	})
	_, _, err := client.roundTrip([]byte(request{method: http.MethodGet, path: "/"}.wire(host)))
	if err == nil || !strings.Contains(err.Error(), "keep-alive") {
		t.Errorf("got %v, want an error about keep-alive", err)
	}
}

// answering returns a client that receives these bytes.
func answering(r io.Reader) *leanClient {
	return &leanClient{reader: bufio.NewReader(r)}
}

func TestLeanClientRefusesWhatItDoesNotUnderstand(t *testing.T) {
	for name, answer := range map[string]string{
		"nothing":              "",
		"no HTTP":              "SSH-2.0-OpenSSH_9.2\r\n\r\n",
		"HTTP/1.0":             "HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n",
		"an interim answer":    "HTTP/1.1 100 Continue\r\n\r\n",
		"a status of letters":  "HTTP/1.1 abc OK\r\nContent-Length: 0\r\n\r\n",
		"no length":            "HTTP/1.1 200 OK\r\nDate: today\r\n\r\nvalue",
		"a negative length":    "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
		"a length of letters":  "HTTP/1.1 200 OK\r\nContent-Length: all\r\n\r\n",
		"a huge length":        "HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n",
		"an end in the body":   "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nval",
		"an end in the header": "HTTP/1.1 200 OK\r\nContent-Le",
		"bare line feeds":      "HTTP/1.1 200 OK\nContent-Length: 0\n\n",
		"no colon":             "HTTP/1.1 200 OK\r\nContent-Length 5\r\n\r\nvalue",
		"another coding":       "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
		"a chunk of letters":   "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
		"a short chunk":        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nval",
		"a long chunk":         "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nvalue\r\n0\r\n\r\n",
		"a huge chunk":         "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5ffffff\r\n",
		"chunks without end":   "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nv\r\n",
		"an endless line":      "HTTP/1.1 200 OK\r\nX: " + strings.Repeat("x", 100_000) + "\r\n\r\n",
	} {
		if status, body, err := answering(strings.NewReader(answer)).readAnswer(); err == nil {
			t.Errorf("%s: got %d %q, want an error", name, status, body)
		}
	}
}

func TestLeanClientTakesBytesHoweverTheyCome(t *testing.T) {
	const answer = "HTTP/1.1 200 OK\r\ncontent-length:5\r\nConnection: keep-alive\r\n\r\nvalue"
	client := answering(iotest.OneByteReader(strings.NewReader(answer + answer)))
	for range 2 {
		status, body, err := client.readAnswer()
		if err != nil || status != 200 || string(body) != "value" {
			t.Errorf("got %d %q %v, want 200 value", status, body, err)
		}
	}
}

func TestLeanClientDoesNotWaitForEver(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0") // accepts connections and never answers
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	client, err := dialLean(listener.Addr().String(), time.Now().Add(20*time.Millisecond))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	if _, _, err := client.roundTrip([]byte("GET / HTTP/1.1\r\n\r\n")); err == nil {
		t.Error("got an answer from a server that gives none")
	}
}
