//go:build unix

package gqlws

import (
	"fmt"
	"io"
	"net/http/httptest"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"configapi/internal/processtest"
)

// BenchmarkGroup sends one message to 500 subscribers over TCP: each on a socket of its own, with
// the inline writer and with a goroutine for each write, and 100 on each of 5 sockets. What it
// takes includes the clients.
func BenchmarkGroup(b *testing.B) {
	for _, inline := range []bool{true, false} {
		b.Run(fmt.Sprintf("inline=%v", inline), func(b *testing.B) { benchmarkGroup(b, 500, 1, inline) })
	}
	b.Run("shared", func(b *testing.B) { benchmarkGroup(b, 5, 100, true) })
}

func benchmarkGroup(b *testing.B, sockets, streams int, inline bool) {
	f := newFixture(shared)
	server := httptest.NewServer(f.handler)
	defer server.Close()
	defer f.transport.CloseAll(CloseRestart, "")
	var received sync.WaitGroup
	word := strings.Repeat("x", 150)
	for range sockets {
		client := connect(b, server)
		size := 0
		for i := range streams {
			id := strconv.Itoa(i + 1)
			first := `{"id":"` + id + `","type":"next","payload":{"data":{"log":""}}}`
			exchange(b, client, `{"id":"`+id+`","type":"subscribe","payload":{"query":"`+logDocument+`"}}`, first)
			size += len(first) + len(word) + 4
		}
		conn := client.NetConn()
		if err := conn.SetDeadline(time.Time{}); err != nil {
			b.Fatal(err)
		}
		go func() {
			messages := make([]byte, size)
			for {
				if _, err := io.ReadFull(conn, messages); err != nil {
					return
				}
				received.Done()
			}
		}()
	}
	subscribers := sockets * streams
	for f.groupSize() != subscribers {
		runtime.Gosched()
	}
	if !inline {
		for _, s := range f.transport.snapshot() {
			s.out.raw = nil
		}
	}
	b.ReportAllocs()
	before := processtest.OwnCPU(b)
	for b.Loop() {
		received.Add(sockets)
		f.schema.Log.Add(word)
		received.Wait()
	}
	b.ReportMetric(float64((processtest.OwnCPU(b)-before).Nanoseconds())/float64(b.N)/float64(subscribers), "cpu-ns/delivery")
}

// groupSize returns how many subscribers the one group has; 0 when there is none.
func (f *fixture) groupSize() int {
	for _, size := range f.transport.groups.Sizes() {
		return size
	}
	return 0
}
