package httpd_test

import (
	"bufio"
	"io"
	"net/http"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"configapi/internal/httpd"
)

// TestAnswersHaveATime reads answers at a pace, in KiB a second. Each reading is fast enough for
// the time-out of a single piece.
func TestAnswersHaveATime(t *testing.T) {
	const mib = 1 << 20
	for _, row := range []struct {
		name, contentType string
		known             bool
		bytes, fast, pace int // bytes in all, bytes read at once, then KiB a second
		whole             bool
		within            time.Duration // of a reading that is cut off
	}{
		{"known, a little faster than allowed", "", true, 8 * mib, 0, 44, true, 0},
		{"known, too slow", "", true, 8 * mib, 0, 36, false, 195 * time.Second},
		{"known, short and slow", "", true, mib, 0, 15, true, 0},
		{"unknown, fast enough", "", false, 8 * mib, 0, 66, true, 0},
		{"unknown, too slow", "", false, 8 * mib, 0, 48, false, 63 * time.Second},
		{"unknown, much at once and then too slow", "", false, 12 * mib, 6 * mib, 48, false, 130 * time.Second},
		{"events", "text/event-stream", false, 2 * mib, 0, 16, true, 0},
	} {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := start(t, httpd.Options{REST: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
					if row.contentType != "" {
						w.Header().Set("Content-Type", row.contentType)
					}
					if row.known {
						w.Header().Set("Content-Length", strconv.Itoa(row.bytes))
					}
					for left := row.bytes; left > 0; left -= mib {
						if _, err := w.Write(make([]byte, min(left, mib))); err != nil {
							return
						}
					}
				})})
				conn := s.connect(t)
				send(t, conn)
				begin := time.Now()
				response, err := http.ReadResponse(bufio.NewReaderSize(conn, 1<<10), nil)
				if err != nil {
					t.Fatal(err)
				}
				got, err := io.CopyN(io.Discard, response.Body, int64(row.fast))
				for err == nil {
					time.Sleep(time.Second)
					var n int64
					n, err = io.CopyN(io.Discard, response.Body, int64(row.pace<<10))
					got += n
				}
				whole, took := got == int64(row.bytes), time.Since(begin)
				if whole != row.whole || !whole && (took > row.within || took < 59*time.Second) {
					t.Errorf("%d of %d bytes came within %v: %v", got, row.bytes, took, err)
				}
				if !whole && row.contentType == "" && err == io.EOF {
					t.Error("the answer ends as if it were whole")
				}
			})
		})
	}
}

// TestTimeOfTheHandlerIsNotTheClients: a store that is slow must not look like a client that is.
func TestTimeOfTheHandlerIsNotTheClients(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const piece = 64 << 10
		s := start(t, httpd.Options{REST: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			for range 20 {
				if _, err := w.Write(make([]byte, piece)); err != nil {
					t.Errorf("writing: %v", err)
				}
				time.Sleep(9 * time.Second)
			}
		})})
		conn := s.connect(t)
		send(t, conn)
		if got := readAnswer(t, conn); len(got.body) != 20*piece {
			t.Errorf("got %d bytes", len(got.body))
		}
	})
}
