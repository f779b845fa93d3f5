//go:build unix

package gqlws

import (
	"fmt"
	"io"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// BenchmarkGroup sends one message to 500 subscribers over TCP, each on a socket of its own: with
// the inline writer, and with a goroutine for each write. What it takes includes the clients.
func BenchmarkGroup(b *testing.B) {
	for _, inline := range []bool{true, false} {
		b.Run(fmt.Sprintf("inline=%v", inline), func(b *testing.B) { benchmarkGroup(b, 500, inline) })
	}
}

func benchmarkGroup(b *testing.B, subscribers int, inline bool) {
	f := newFixture(shared)
	server := httptest.NewServer(f.handler)
	defer server.Close()
	defer f.transport.CloseAll(CloseRestart, "")
	var received sync.WaitGroup
	const first = `{"id":"1","type":"next","payload":{"data":{"log":""}}}`
	word := strings.Repeat("x", 150)
	frame := len(first) + len(word) + 4
	for range subscribers {
		client := connect(b, server)
		exchange(b, client, `{"id":"1","type":"subscribe","payload":{"query":"`+logDocument+`"}}`, first)
		conn := client.NetConn()
		if err := conn.SetDeadline(time.Time{}); err != nil {
			b.Fatal(err)
		}
		go func() {
			message := make([]byte, frame)
			for {
				if _, err := io.ReadFull(conn, message); err != nil {
					return
				}
				received.Done()
			}
		}()
	}
	for f.groupSize() != subscribers {
		runtime.Gosched()
	}
	if !inline {
		for _, s := range f.transport.snapshot() {
			s.out.raw = nil
		}
	}
	b.ReportAllocs()
	before := cpuTime(b)
	for b.Loop() {
		received.Add(subscribers)
		f.schema.Log.Add(word)
		received.Wait()
	}
	b.ReportMetric(float64((cpuTime(b)-before).Microseconds())/float64(b.N)/float64(subscribers), "cpu-µs/delivery")
}

// cpuTime returns what the process has used of processors.
func cpuTime(b *testing.B) time.Duration {
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		b.Fatal(err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

// groupSize returns how many subscribers the one group has; 0 when there is none.
func (f *fixture) groupSize() int {
	for _, size := range f.transport.groups.Sizes() {
		return size
	}
	return 0
}
