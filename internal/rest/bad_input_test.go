package rest_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"configapi/internal/auth"
	"configapi/internal/configstore"
)

// TestBadBodies is what only REST can say of a body. What all edges say alike is in package edgetest.
func TestBadBodies(t *testing.T) {
	s := MustStart(t, configstore.Options{MaxValueBytes: 1000})
	s.MustSet(t, "a", "x")
	good := `{"value":"x"}`
	for _, row := range []struct {
		name, body, header string
		status             int
		says               string
	}{
		{"no body", "", "", 400, `such as {"value":"30s"}: it is empty`},
		{"unknown member", `{"value":"x","note":"y"}`, "", 400, `unknown member "note"`},
		{"duplicate", `{"value":"x","value":"y"}`, "", 400, `duplicate member "value"`},
		{"null value", `{"value":null}`, "", 400, `member "value" is missing or null`},
		{"number", `{"value":1}`, "", 400, `member "value" must be a string`},
		{"value over the limit", `{"value":"` + strings.Repeat("v", 1001) + `"}`, "", 413, "value has 1001 bytes; at most 1000 are allowed"},
		{"body over the limit", `{"value":"` + strings.Repeat(`\u0001`, 1200) + `"}`, "", 413, "body is larger than any value allowed"},
		{"text", good, "Content-Type: text/plain", 415, "application/json"},
		{"form", good, "Content-Type: application/x-www-form-urlencoded", 415, "application/json"},
		{"other JSON", good, "Content-Type: application/merge-patch+json", 415, "application/json"},
		{"other charset", good, "Content-Type: application/json; charset=iso-8859-1", 415, "UTF-8"},
		{"broken type", good, "Content-Type: application/json; charset", 415, "application/json"},
		{"two types", good, "Content-Type: application/json & application/json", 415, "application/json"},
		{"compressed", good, "Content-Encoding: gzip", 415, "encoded"},

		{"charset", good, "Content-Type: application/json; charset=UTF-8", 200, "OK"},
		{"capital letters", good, "Content-Type: Application/JSON", 200, "OK"},
		{"no type", good, "Content-Type: ", 200, "OK"},
		{"not compressed", good, "Content-Encoding: identity", 200, "OK"},
	} {
		t.Run(row.name, func(t *testing.T) {
			before := s.head()
			got := s.MustDo(t, "PUT /config/a", row.body, row.header)
			if got.status != row.status || !strings.Contains(got.body, strings.ReplaceAll(row.says, `"`, `\"`)) {
				t.Errorf("got %d %s, want %d that says %s", got.status, got.body, row.status, row.says)
			}
			if row.status == 200 {
				return
			}
			MustBeProblem(t, row.name, got, row.status, "INVALID_INPUT")
			if closed := got.close; closed != (row.status != 400) {
				t.Errorf("closed: %t", closed)
			}
			if s.head() != before {
				t.Errorf("it was written all the same")
			}
		})
	}
}

// TestNamesComeFirst holds the order of judgement: what is wrong with a request goes before what is wrong with its config.
func TestNamesComeFirst(t *testing.T) {
	s := MustStart(t, configstore.Options{})
	s.MustSet(t, "gone", "x")
	s.MustDelete(t, "gone")
	for _, row := range []struct {
		request, body, header string
		status                int
	}{
		{"PUT /config/a%20b", "[]", "Content-Type: text/plain", 400},
		{"PUT /config/gone", `{"value":1}`, "", 400},
		{"PUT /config/gone", `{"value":"x"}`, "Content-Type: text/plain", 415},
		{"PUT /config/gone", `{"value":"x"}`, `If-Match: x`, 400},
		{"PUT /config/gone", `{"value":"x"}`, `If-Match: "1"`, 410},
		{"DELETE /config/none", "", `If-Match: x`, 400},
		{"POST /config/none/restore", `{"value":1}`, "", 400},
		{"GET /config/a%20b/at/x", "", "", 400},
		{"GET /config/none/at/x", "", "", 400},
		{"GET /config/", "", "", 400},
		{"GET /config//history", "", "", 400},
		{"PUT /config/", `{"value":"x"}`, "", 400},
	} {
		if got := s.MustDo(t, row.request, row.body, row.header); got.status != row.status {
			t.Errorf("%s %s %s: got %d %s, want %d", row.request, row.body, row.header, got.status, got.body, row.status)
		}
	}
}

// TestEndlessBody sends chunks until the server has enough of them.
func TestEndlessBody(t *testing.T) {
	t.Parallel() // net/http keeps the connection for half a second after that
	s := MustStart(t, configstore.Options{MaxValueBytes: 1000})
	conn, err := net.Dial("tcp", s.server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	head := "PUT /config/a HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
	if _, err := io.WriteString(conn, head+"a\r\n{\"value\":\"\r\n"); err != nil {
		t.Fatal(err)
	}
	sent := make(chan int)
	go func() {
		chunk, total := "1000\r\n"+strings.Repeat("v", 0x1000)+"\r\n", 0
		for {
			n, err := io.WriteString(conn, chunk)
			if total += n; err != nil {
				sent <- total
				return
			}
		}
	}()
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	body, _ := io.ReadAll(response.Body)
	if response.StatusCode != 413 || !response.Close {
		t.Errorf("got %d %s, closed: %t", response.StatusCode, body, response.Close)
	}
	if total := <-sent; total > 32<<20 {
		t.Errorf("the server took %d bytes", total)
	}
	if head := s.Reader(auth.Anonymous).Head(); head.Position != 0 {
		t.Errorf("something was written: %+v", head)
	}
}

// TestTooLargeIsSaidBeforeTheBody answers a client that asks before it sends.
func TestTooLargeIsSaidBeforeTheBody(t *testing.T) {
	s := MustStart(t, configstore.Options{MaxValueBytes: 1000})
	for header, want := range map[string]int{
		"Content-Length: 100000\r\nContent-Type: application/json": 413,
		"Content-Length: 100\r\nContent-Type: text/plain":          415,
		"Transfer-Encoding: chunked\r\nIf-Match: x":                400,
		"Content-Length: 18446744073709551616":                     400, // by net/http
		"Content-Length: 5\r\nContent-Length: 6":                   400, // by net/http
		"Content-Length: -5":                                       400, // by net/http
		"Content-Length: 10\r\nTransfer-Encoding: gzip":            501, // by net/http
	} {
		conn, err := net.Dial("tcp", s.server.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(conn, "PUT /config/a HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n%s\r\n\r\n", header)
		response, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Fatalf("%s: %v", header, err)
		}
		if response.StatusCode != want || !response.Close {
			t.Errorf("%s: got %d, closed: %t; want %d", header, response.StatusCode, response.Close, want)
		}
		conn.Close()
	}
}
