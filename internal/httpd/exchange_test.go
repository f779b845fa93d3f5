package httpd_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"configapi/internal/httpd"
)

const secret = "hunter2"

// TestLog checks that a request has one line, with what operators need and without secrets.
func TestLog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := start(t, httpd.Options{})
		for _, row := range []struct {
			request, path string
			status, bytes int
		}{
			{"PUT /config/a%2Fb\nContent-Length: 19\n\n{\"value\":\"" + secret + "\"}", "/config/a%2Fb", 200, 2},
			{"GET /config/a%2Fb", "/config/a%2Fb", 200, 7},
			{"GET /config?prefix=" + secret, "/config", 200, 2},
			{"GET /config/a%0d%0ab%1b[31m", "/config/a%0d%0ab%1b[31m", 400, -1},
			{"GET /none%E2%80%A8", "/none%E2%80%A8", 404, 9},
			{"GET /" + strings.Repeat("x", 600), "/" + strings.Repeat("x", 511) + "…", 404, 9},
			{"GET http://elsewhere/config", "/config", 421, -1},
			{"HEAD /config/a%2Fb", "/config/a%2Fb", 200, 7},
			{strings.Repeat("X", 100) + " /config", "/config", 405, -1},
		} {
			before := len(s.log.with("request"))
			head, body, _ := strings.Cut(row.request, "\n\n")
			conn := s.connect(t)
			go func() {
				first, rest, _ := strings.Cut(head, "\n")
				_, _ = io.WriteString(conn, first+" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"+crlf(rest)+"\r\n"+body)
			}()
			got, err := io.ReadAll(conn)
			if err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
			lines := s.log.with("request")[before:]
			if len(lines) != 1 {
				t.Fatalf("%s: %d lines, want one", row.request, len(lines))
			}
			line := lines[0]
			method, _, _ := strings.Cut(row.request, " ")
			if len(method) > 16 {
				method = method[:16] + "…"
			}
			if line["method"] != method || line["path"] != row.path || line["status"] != float64(row.status) ||
				row.bytes >= 0 && line["bytes"] != float64(row.bytes) || line["remote"] != "pipe" || line["duration"] == nil {
				t.Errorf("%s: logged %v", row.request, line)
			}
			if id := line["request_id"].(string); !strings.Contains(string(got), "X-Request-Id: "+id+"\r\n") {
				t.Errorf("%s: logged the id %s, answered\n%s", row.request, id, got)
			}
			if strings.Contains(fmt.Sprint(line), secret) {
				t.Errorf("%s: the line shows a value or a query: %v", row.request, line)
			}
		}
	})
}

// panics is a handler that panics as the path says.
var panics = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
	switch r.URL.Path {
	case "/at-once":
		w.Header().Set("ETag", `"1"`)
		panic(errors.New("SQL: " + secret))
	case "/half-way":
		_, _ = io.WriteString(w, "half of ")
		_ = http.NewResponseController(w).Flush()
		panic("half-way")
	case "/abort":
		panic(http.ErrAbortHandler)
	case "/hijacked":
		if _, _, err := w.(http.Hijacker).Hijack(); err != nil {
			panic(err)
		}
		panic("hijacked")
	}
})

func TestPanic(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := start(t, httpd.Options{REST: panics})
		got := s.ask(t, "GET /at-once\nX-Request-Id: the-id")
		want := `{"type":"about:blank","title":"Internal Server Error","status":500,` +
			`"detail":"something went wrong here; the request id leads to the details in the server's log","code":"INTERNAL","request_id":"the-id"}`
		if got.StatusCode != 500 || got.body != want || got.Header.Get("ETag") != "" || !got.Close || got.Header.Get("X-Request-Id") != "the-id" {
			t.Errorf("got %d %v %s, want %s", got.StatusCode, got.Header, got.body, want)
		}
		for _, path := range []string{"/half-way", "/abort", "/hijacked"} {
			conn := s.connect(t)
			go func() { _, _ = io.WriteString(conn, "GET "+path+" HTTP/1.1\r\nHost: x\r\n\r\n") }()
			response, err := http.ReadResponse(bufio.NewReader(conn), nil)
			if err == nil {
				_, err = io.ReadAll(response.Body)
			}
			if !errors.Is(err, io.ErrUnexpectedEOF) {
				t.Errorf("%s: got %v, want an answer that breaks off", path, err)
			}
		}
		if got := s.ask(t, "GET /fine"); got.StatusCode != 200 {
			t.Errorf("after panics: got %d", got.StatusCode)
		}
		synctest.Wait()
		stacks := s.log.with("panic while answering a request")
		if len(stacks) != 3 { // http.ErrAbortHandler has no stack
			t.Errorf("%d panics logged, want 3: %v", len(stacks), stacks)
		}
		for _, line := range stacks {
			if !strings.Contains(line["stack"].(string), "exchange_test.go") || line["request_id"] == "" {
				t.Errorf("logged %v", line)
			}
		}
		statuses := ""
		for _, line := range s.log.with("request") {
			statuses += fmt.Sprint(line["path"], " ", line["status"], " ", line["aborted"] == true, "; ")
		}
		if want := "/at-once 500 false; /half-way 200 true; /abort 0 true; /hijacked 101 true; /fine 200 false; "; statuses != want {
			t.Errorf("logged %s, want %s", statuses, want)
		}
	})
}

// TestBytes counts what is sent, whichever method writes it.
func TestBytes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		long := strings.Repeat("0123456789", 20_000)
		s := start(t, httpd.Options{REST: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(http.StatusEarlyHints)
			w.WriteHeader(http.StatusAccepted)
			n, err := io.WriteString(w, long)
			if err != nil || n != len(long) {
				t.Errorf("WriteString: %d, %v", n, err)
			}
			w.(http.Flusher).Flush()
			if n, err := w.Write([]byte(long)); err != nil || n != len(long) {
				t.Errorf("Write: %d, %v", n, err)
			}
			if n, err := w.Write(nil); err != nil || n != 0 {
				t.Errorf("Write(nil): %d, %v", n, err)
			}
		})})
		conn := s.connect(t)
		go func() { _, _ = io.WriteString(conn, "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n") }()
		in := bufio.NewReader(conn)
		early, err := http.ReadResponse(in, nil)
		if err != nil || early.StatusCode != 103 {
			t.Fatalf("got %v, %v, want early hints", early, err)
		}
		response, err := http.ReadResponse(in, nil)
		if err != nil {
			t.Fatal(err)
		}
		if body, err := io.ReadAll(response.Body); err != nil || string(body) != long+long {
			t.Errorf("got %d bytes, %v", len(body), err)
		}
		synctest.Wait()
		line := s.log.with("request")[0]
		if line["status"] != 202.0 || line["bytes"] != float64(2*len(long)) {
			t.Errorf("logged %v", line)
		}
	})
}

// TestSlowReaderOfALaterAnswer takes a first answer, and then nothing of the second one, which must
// have a deadline, too.
func TestSlowReaderOfALaterAnswer(t *testing.T) {
	for name, second := range map[string]string{"long": strings.Repeat("v", 1<<20), "short": "v"} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				answers := []string{"OK", second}
				s := start(t, httpd.Options{REST: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
					_, _ = io.WriteString(w, answers[0])
					answers = answers[1:]
				})})
				conn := s.connect(t)
				send(t, conn)
				readAnswer(t, conn)
				time.Sleep(time.Second) // before the first deadline
				send(t, conn)
				time.Sleep(10 * time.Second)
				synctest.Wait()
				if _, err := conn.Read(make([]byte, 1)); err != io.EOF {
					t.Errorf("got %v, want the connection to be cut off", err)
				}
			})
		})
	}
}

// TestAnswerAfterAPause waits until the deadline of the first answer is over. The second answer,
// also one of net/http itself, must still arrive.
func TestAnswerAfterAPause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := start(t, httpd.Options{})
		conn := s.connect(t)
		for request, status := range map[string]int{"GET /livez": 200, "GET /config/a": 404} {
			go func() { _, _ = io.WriteString(conn, request+" HTTP/1.1\r\nHost: x\r\n\r\n") }()
			if got := readAnswer(t, conn); got.StatusCode != status {
				t.Errorf("%s: got %d", request, got.StatusCode)
			}
			time.Sleep(time.Minute)
		}
		go func() { _, _ = io.WriteString(conn, "nonsense\r\n\r\n") }()
		if got := readAnswer(t, conn); got.StatusCode != 400 {
			t.Errorf("got %d", got.StatusCode)
		}
	})
}
