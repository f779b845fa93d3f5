package httpd_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"configapi/graph"
	"configapi/internal/configstore"
	"configapi/internal/configstore/configstoretest"
	"configapi/internal/httpd"
	"configapi/internal/rest"
)

const watchDocument = "subscription{configChanges{changes{value}position}}"

// streams has a request for each kind of stream of changes.
var streams = map[string]string{
	"REST":         "GET /events HTTP/1.1\r\nHost: x\r\n\r\n",
	"GraphQL":      "GET /graphql?query=" + watchDocument + " HTTP/1.1\r\nHost: x\r\nAccept: text/event-stream\r\n\r\n",
	"GraphQL POST": post(`{"query":"` + watchDocument + `"}`),
}

func post(body string) string {
	return "POST /graphql HTTP/1.1\r\nHost: x\r\nAccept: text/event-stream\r\nContent-Type: application/json\r\nContent-Length: " +
		strconv.Itoa(len(body)) + "\r\n\r\n" + body
}

// eachStream runs a test with each kind of stream, on a server with all edges, in a bubble:
// timeouts have their real lengths, and a leaked goroutine fails the test.
func eachStream(t *testing.T, test func(t *testing.T, s *running, store *configstoretest.Store, request string)) {
	for name, request := range streams {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store := configstoretest.New(t, configstore.Options{})
				api, paths := graph.NewHandler(store.Store, graph.Options{}), rest.New(store.Store, rest.Options{})
				s := start(t, httpd.Options{Store: store.Store, GraphQL: api, REST: paths, Shutdown: []func(context.Context) error{api.Shutdown, paths.Shutdown}})
				test(t, s, store, request)
			})
		})
	}
}

// listen opens a stream and reads its first message.
func (s *running) listen(t *testing.T, request string) (net.Conn, *bufio.Reader) {
	t.Helper()
	conn := s.connect(t)
	go func() { _, _ = io.WriteString(conn, request) }()
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	if response.StatusCode != 200 || response.Header.Get("Content-Type") != "text/event-stream; charset=utf-8" {
		t.Fatalf("got %v", response)
	}
	body := bufio.NewReader(response.Body)
	mustRead(t, body, ":\n")
	mustRead(t, body, "0-00000000") // its position
	return conn, body
}

// mustRead reads up to a line that contains a text, and returns the number of comments before it.
func mustRead(t *testing.T, body *bufio.Reader, text string) (comments int) {
	t.Helper()
	for {
		line, err := body.ReadString('\n')
		if strings.Contains(line, text) && (strings.HasPrefix(line, "data: ") || text == ":\n") {
			return comments
		}
		if err != nil {
			t.Fatalf("%v, want %q", err, text)
		}
		if line == ":\n" {
			comments++
		}
	}
}

// TestStreamOutlivesTimeouts has a stream without changes, kept open by comments.
func TestStreamOutlivesTimeouts(t *testing.T) {
	eachStream(t, func(t *testing.T, s *running, store *configstoretest.Store, request string) {
		_, body := s.listen(t, request)
		time.AfterFunc(time.Hour+time.Second, func() { store.MustSet(t, "a", "after an hour") })
		if comments := mustRead(t, body, `"value":"after an hour"`); comments != 60*60/15 {
			t.Errorf("got %d comments in an hour, want one in 15 s", comments)
		}
	})
}

// TestStalledStreamIsCutOff has clients that stop reading, before a large change or a comment.
func TestStalledStreamIsCutOff(t *testing.T) {
	eachStream(t, func(t *testing.T, s *running, store *configstoretest.Store, request string) {
		conn, _ := s.listen(t, request)
		time.Sleep(15*time.Second + 7*time.Second) // until the comment blocks
		s.mustHaveAnswered(t, 0)
		time.Sleep(3 * time.Second)
		s.mustHaveAnswered(t, 1)
		mustEnd(t, conn)

		conn, _ = s.listen(t, request)
		store.MustSet(t, "a", strings.Repeat("x", 1<<20))
		time.Sleep(7 * time.Second)
		s.mustHaveAnswered(t, 1)
		time.Sleep(3 * time.Second)
		s.mustHaveAnswered(t, 2)
		mustEnd(t, conn)
		mustBeFree(t)
	})
}

// mustHaveAnswered waits until all goroutines block, and compares the number of answered requests.
func (s *running) mustHaveAnswered(t *testing.T, requests int) {
	t.Helper()
	synctest.Wait()
	if got := len(s.log.with("request")); got != requests {
		t.Errorf("%d requests are through, want %d", got, requests)
	}
}

// mustBeFree fails the test when a goroutine of a connection or a stream is left.
func mustBeFree(t *testing.T) {
	t.Helper()
	synctest.Wait()
	stacks := make([]byte, 1<<20)
	stacks = stacks[:runtime.Stack(stacks, true)]
	for _, stack := range strings.Split(string(stacks), "\n\n") {
		for _, work := range []string{"net/http.(*conn)", "net/http.(*connReader)", "configapi/graph.stream", "configapi/internal/eventstream", "configstore.(*Watch)"} {
			if strings.Contains(stack, work) {
				t.Fatalf("a goroutine is left over:\n%s", stack)
			}
		}
	}
}

// mustEnd reads the rest of a connection that the server has closed.
func mustEnd(t *testing.T, conn net.Conn) {
	t.Helper()
	if _, err := io.Copy(io.Discard, conn); err != nil {
		t.Error(err)
	}
}

// TestSlowReaderLosesNothing stops reading for a while. The client then gets everything that it
// missed.
func TestSlowReaderLosesNothing(t *testing.T) {
	eachStream(t, func(t *testing.T, s *running, store *configstoretest.Store, request string) {
		_, body := s.listen(t, request)
		for i := range 100 {
			store.MustSet(t, "a", strconv.Itoa(i))
		}
		time.Sleep(5 * time.Second)
		seen, messages := 0, 0
		for ; seen < 100; messages++ {
			line, err := "", error(nil)
			for err == nil && !strings.HasPrefix(line, "data: ") {
				line, err = body.ReadString('\n')
			}
			for _, value := range regexp.MustCompile(`"value":"(\d+)"`).FindAllStringSubmatch(line, -1) {
				if value[1] != strconv.Itoa(seen) {
					t.Fatalf("got change %s, want %d", value[1], seen)
				}
				seen++
			}
			if err != nil {
				t.Fatalf("after change %d: %v", seen, err)
			}
		}
		if request == streams["REST"] { // here each change set is one event
			messages -= 100 - 3
		}
		if messages > 3 { // one being written, one held by the resolver, one with the rest
			t.Errorf("got %d messages, want what came meanwhile together", messages)
		}
	})
}

func TestClientLeavesAStream(t *testing.T) {
	eachStream(t, func(t *testing.T, s *running, store *configstoretest.Store, request string) {
		idle, _ := s.listen(t, request)
		_ = idle.Close()
		s.mustHaveAnswered(t, 1)
		writing, _ := s.listen(t, request)
		store.MustSet(t, "a", strings.Repeat("x", 1<<20))
		synctest.Wait()
		_ = writing.Close()
		s.mustHaveAnswered(t, 2)
		mustBeFree(t)
	})
}

// TestServerStopsUnderAStream checks that a shutdown ends a stream without a complete message.
func TestServerStopsUnderAStream(t *testing.T) {
	eachStream(t, func(t *testing.T, s *running, store *configstoretest.Store, request string) {
		_, body := s.listen(t, request)
		store.MustSet(t, "a", "the last")
		mustRead(t, body, "the last")
		begin := time.Now()
		s.stop()
		if rest, err := io.ReadAll(body); err != nil || strings.TrimSpace(string(rest)) != "" {
			t.Errorf("got %q, %v, want the end", rest, err)
		}
		if err := s.wait(); err != nil || time.Since(begin) > time.Second {
			t.Errorf("stopping took %v: %v", time.Since(begin), err)
		}
	})
}

// TestServerStopsUnderAStalledStream checks that a shutdown cuts a stream whose client does not
// read.
func TestServerStopsUnderAStalledStream(t *testing.T) {
	eachStream(t, func(t *testing.T, s *running, store *configstoretest.Store, request string) {
		s.listen(t, request)
		store.MustSet(t, "a", strings.Repeat("x", 1<<20))
		synctest.Wait()
		begin := time.Now()
		err := s.wait()
		if took := time.Since(begin); !errors.Is(err, context.DeadlineExceeded) || took != 8*time.Second {
			t.Errorf("stopping took %v: %v", took, err)
		}
	})
}
