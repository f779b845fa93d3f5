package httpd_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"configapi/internal/budget"
	"configapi/internal/httpd"
)

// longHeader is the beginning of a request, with so many bytes of header.
func longHeader(bytes int) string {
	return "GET /livez HTTP/1.1\r\nHost: x\r\nX-Long: " + strings.Repeat("x", bytes)
}

// wantHeld waits until the budget holds so many bytes.
func wantHeld(t *testing.T, headers *budget.Budget, holds func(int64) bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !holds(headers.Held()); {
		if time.Now().After(deadline) {
			t.Fatalf("%d bytes are held", headers.Held())
		}
		runtime.Gosched()
	}
}

// TestHeadersTakeMemory sends headers that never end. They keep their memory, the next long header
// is refused, short ones are served, and closed connections release theirs.
func TestHeadersTakeMemory(t *testing.T) {
	headers := budget.New(budget.Options{Bytes: 200 << 10, Wait: 50 * time.Millisecond})
	address, done := serveTCP(t, httpd.Options{Headers: headers})
	defer done()
	first := dialTCP(t, address)
	write(t, first, longHeader(44<<10))
	wantHeld(t, headers, func(held int64) bool { return held > 0 })

	second := dialTCP(t, address)
	go func() { _, _ = io.WriteString(second, longHeader(44<<10)) }() // may be cut half-way
	answers := bufio.NewReader(second)
	answer, err := http.ReadResponse(answers, nil)
	if err != nil {
		t.Fatal(err)
	}
	if body := readAll(t, answer.Body); answer.StatusCode != http.StatusServiceUnavailable || answer.Header.Get("Retry-After") == "" ||
		!strings.Contains(body, "no memory left for a header of this size") {
		t.Errorf("got %d, %s", answer.StatusCode, body)
	}
	if rest, _ := io.ReadAll(answers); len(rest) > 0 {
		t.Errorf("got another answer: %s", rest)
	}
	third := dialTCP(t, address)
	write(t, third, longHeader(1<<10)+"\r\n\r\n")
	wantStatus(t, bufio.NewReader(third), http.StatusOK)

	_ = first.Close()
	wantHeld(t, headers, func(held int64) bool { return held == 0 })
	fourth := dialTCP(t, address)
	write(t, fourth, longHeader(44<<10)+"\r\n\r\n")
	wantStatus(t, bufio.NewReader(fourth), http.StatusOK)
	wantHeld(t, headers, func(held int64) bool { return held == 0 })
}

// TestHeadersReleaseTheirMemory checks the budget after each request of a connection. Bodies do not
// count, also those that the handler does not read.
func TestHeadersReleaseTheirMemory(t *testing.T) {
	headers := budget.New(budget.Options{Bytes: 150 << 10, Wait: 50 * time.Millisecond})
	address, done := serveTCP(t, httpd.Options{Headers: headers})
	defer done()
	conn := dialTCP(t, address)
	answers := bufio.NewReader(conn)
	for range 5 {
		write(t, conn, longHeader(16<<10)+"\r\n\r\n")
		wantStatus(t, answers, http.StatusOK)
		write(t, conn, fmt.Sprintf("PUT /nothing HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s", 100<<10, strings.Repeat("x", 100<<10)))
		wantStatus(t, answers, http.StatusNotFound)
	}
	wantHeld(t, headers, func(held int64) bool { return held == 0 })
}

// TestSlowHeadersAreCut checks that the slowest header is cut while another waits for memory.
func TestSlowHeadersAreCut(t *testing.T) {
	t.Parallel()
	headers := budget.New(budget.Options{Bytes: 200 << 10, Wait: 20 * time.Second})
	address, done := serveTCP(t, httpd.Options{Headers: headers, ReadHeaderTimeout: time.Minute})
	defer done()
	slow := dialTCP(t, address)
	write(t, slow, longHeader(44<<10))
	wantHeld(t, headers, func(held int64) bool { return held > 0 })
	other := dialTCP(t, address)
	write(t, other, longHeader(44<<10)+"\r\n\r\n")
	wantStatus(t, bufio.NewReader(other), http.StatusOK)
	if _, err := slow.Read(make([]byte, 1)); err == nil {
		t.Error("the slow connection got an answer")
	}
}

func dialTCP(t *testing.T, address string) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(30 * time.Second))
	return conn
}

func write(t *testing.T, conn net.Conn, text string) {
	t.Helper()
	if _, err := io.WriteString(conn, text); err != nil {
		t.Fatal(err)
	}
}

func wantStatus(t *testing.T, from *bufio.Reader, status int) {
	t.Helper()
	answer, err := http.ReadResponse(from, nil)
	if err != nil {
		t.Fatal(err)
	}
	if body := readAll(t, answer.Body); answer.StatusCode != status {
		t.Errorf("got %d, %s", answer.StatusCode, body)
	}
}

func readAll(t *testing.T, body io.ReadCloser) string {
	t.Helper()
	defer body.Close()
	text, err := io.ReadAll(body)
	if err != nil {
		t.Error(err)
	}
	return string(text)
}
