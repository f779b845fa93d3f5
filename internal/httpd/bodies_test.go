package httpd_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"configapi/internal/budget"
	"configapi/internal/httpd"
)

// bodyReader reads the whole body and answers with its length.
var bodyReader = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, "the handler's own answer: "+err.Error(), http.StatusBadRequest)
		return
	}
	fmt.Fprint(w, len(body))
})

// smallBudget returns a budget that is smaller than a server's.
func smallBudget() *budget.Budget {
	return budget.New(budget.Options{Bytes: 4 << 20, SmallBytes: 1 << 20, SmallSize: 64 << 10})
}

// TestBodiesThatStallLeaveMemory sends many bodies that stop half-way. They never hold more than
// the budget, and other bodies, small and large, are still read.
func TestBodiesThatStallLeaveMemory(t *testing.T) {
	for name, head := range map[string]string{"declared": "Content-Length: 200000\r\n\r\n", "chunked": "Transfer-Encoding: chunked\r\n\r\n30000\r\n"} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				bodies := smallBudget()
				s := start(t, httpd.Options{REST: bodyReader, Bodies: bodies})
				var clients sync.WaitGroup
				statuses := make(chan int, 100)
				for range 100 {
					conn := s.connect(t)
					go func() {
						_, _ = io.WriteString(conn, "PUT /x HTTP/1.1\r\nHost: x\r\n"+head+strings.Repeat("x", 150_000))
					}()
					clients.Go(func() {
						got := readAnswer(t, conn)
						statuses <- got.StatusCode
						if got.StatusCode == 503 && (got.Header.Get("Retry-After") == "" || !got.Close || !strings.Contains(got.body, "UNAVAILABLE")) {
							t.Errorf("got %v %s", got.Header, got.body)
						}
						_ = conn.Close()
					})
				}
				synctest.Wait()
				if held := bodies.Held(); held > 3<<20 || held < 2<<20 {
					t.Errorf("bodies hold %d bytes", held)
				}
				for _, size := range []int{10, 5000, 60_000} {
					begin := time.Now()
					if got := put(t, s.connect(t), size, "Content-Length"); got.body != fmt.Sprint(size) || time.Since(begin) > 0 {
						t.Errorf("a small body of %d bytes: got %d %s after %v", size, got.StatusCode, got.body, time.Since(begin))
					}
				}
				time.Sleep(3 * time.Second) // bodies without memory are refused by now
				for _, size := range []int{5000, 200_000, 500_000} {
					if got := put(t, s.connect(t), size, "Transfer-Encoding"); got.body != fmt.Sprint(size) {
						t.Errorf("a body of %d bytes in chunks: got %d %s", size, got.StatusCode, got.body)
					}
				}
				clients.Wait()
				close(statuses)
				for status := range statuses {
					if status != 503 && status != 400 {
						t.Errorf("got %d", status)
					}
				}
				if bodies.Held() != 0 {
					t.Errorf("%d bytes are held when all is over", bodies.Held())
				}
			})
		})
	}
}

// put sends a body at once, with a Content-Length or as one chunk.
func put(t *testing.T, conn net.Conn, size int, how string) answer {
	t.Helper()
	body := fmt.Sprintf("Content-Length: %d\r\n\r\n%s", size, strings.Repeat("x", size))
	if how == "Transfer-Encoding" {
		body = fmt.Sprintf("Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n", size, strings.Repeat("x", size))
	}
	go func() { _, _ = io.WriteString(conn, "PUT /x HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"+body) }()
	return readAnswer(t, conn)
}

// TestWholeBodiesAreNotCutOff checks that a complete body stays until its request is answered.
func TestWholeBodiesAreNotCutOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bodies := smallBudget()
		goOn := make(chan struct{})
		s := start(t, httpd.Options{Bodies: bodies, REST: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, err := io.ReadAll(r.Body)
			if err != nil {
				return
			}
			if <-goOn; r.Context().Err() != nil {
				t.Errorf("waiting: %v", r.Context().Err())
			}
			fmt.Fprint(w, len(body))
		})})
		var clients sync.WaitGroup
		for range 2 {
			clients.Go(func() {
				if got := put(t, s.connect(t), 1_400_000, "Content-Length"); got.body != "1400000" {
					t.Errorf("got %d %s", got.StatusCode, got.body)
				}
			})
		}
		synctest.Wait()
		begin := time.Now()
		if got := put(t, s.connect(t), 1_400_000, "Content-Length"); got.StatusCode != 503 || time.Since(begin) != 2*time.Second {
			t.Errorf("got %d after %v, want 503 after 2 s", got.StatusCode, time.Since(begin))
		}
		close(goOn)
		clients.Wait()
		if got := put(t, s.connect(t), 1_400_000, "Content-Length"); got.body != "1400000" || bodies.Held() != 0 {
			t.Errorf("got %s, and %d bytes are held", got.body, bodies.Held())
		}
	})
}

// TestStreamsReleaseTheirBodies checks that a stream releases its request body: otherwise a
// few streams would hold the whole budget for hours.
func TestStreamsReleaseTheirBodies(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bodies := smallBudget()
		s := start(t, httpd.Options{Bodies: bodies, REST: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.ReadAll(r.Body)
			_ = http.NewResponseController(w).Flush()
			<-r.Context().Done()
		})})
		conn := s.connect(t)
		go func() {
			_, _ = io.WriteString(conn, "POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 300000\r\n\r\n"+strings.Repeat("x", 300_000))
		}()
		_, _ = conn.Read(make([]byte, 100))
		synctest.Wait()
		if bodies.Held() != 0 {
			t.Errorf("%d bytes are held", bodies.Held())
		}
	})
}

// TestBodiesAreAtMost16MiB tries every route, with a Content-Length and with chunks.
func TestBodiesAreAtMost16MiB(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const most = 16 << 20
		s := start(t, httpd.Options{REST: bodyReader, GraphQL: bodyReader})
		for _, path := range []string{"/config/a", "/graphql", "/playground", "/livez", "/metrics", "/none"} {
			got := s.ask(t, fmt.Sprintf("POST %s\nContent-Length: %d", path, most+1))
			if got.StatusCode != 413 || !got.Close || !strings.Contains(got.body, "larger than 16777216 bytes") {
				t.Errorf("%s: got %d %s, closed %t", path, got.StatusCode, got.body, got.Close)
			}
		}
		if got := put(t, s.connect(t), most, "Content-Length"); got.body != fmt.Sprint(most) {
			t.Errorf("16 MiB: got %d %s", got.StatusCode, got.body)
		}
		if got := put(t, s.connect(t), most+1, "Transfer-Encoding"); got.StatusCode != 413 || !got.Close || !strings.Contains(got.body, "larger than 16777216 bytes") {
			t.Errorf("16 MiB and a byte in chunks: got %d %s, closed %t", got.StatusCode, got.body, got.Close)
		}
		expecting := s.ask(t, fmt.Sprintf("PUT /config/a\nExpect: 100-continue\nContent-Length: %d", most+1))
		if expecting.StatusCode != 413 {
			t.Errorf("asked before it is sent: got %d, want a refusal without 100", expecting.StatusCode)
		}
	})
}
