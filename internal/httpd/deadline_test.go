package httpd_test

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"configapi/internal/httpd"
)

// TestSlowReaderOfALaterAnswer has taken another answer on its connection before, which must not
// free the second one of its deadline.
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
				time.Sleep(time.Second) // within the time of the first deadline
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

// TestAnswerAfterAPause comes after the deadline of the one before, also when net/http gives it.
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
