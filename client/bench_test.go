package client_test

import (
	"fmt"
	"runtime"
	"testing"
	"time"

	"configapi/client"
	"configapi/client/clienttest"
)

func BenchmarkGet(b *testing.B) {
	server := clienttest.New(b)
	server.Set("timeout", "30s")
	c, err := client.Open(b.Context(), server.Options())
	if err != nil {
		b.Fatal(err)
	}
	defer c.Close()
	value := client.Duration(c, "timeout", time.Second)
	for b.Loop() {
		_ = value.Get()
	}
}

func BenchmarkLookup(b *testing.B) {
	c, names := openMany(b, 10_000)
	i := 0
	for b.Loop() {
		if _, found := c.Snapshot().Lookup(names[i%len(names)]); !found {
			b.Fatal("it is not found")
		}
		i++
	}
}

// BenchmarkOpenFromFile starts from a file with 1,000 configs while nothing listens.
func BenchmarkOpenFromFile(b *testing.B) {
	server := clienttest.New(b)
	for i := range 1000 {
		server.Set(fmt.Sprintf("p/%d", i), "value")
	}
	o := server.Options()
	o.File = b.TempDir() + "/configs"
	o.OnError = func(error) {}
	c, err := client.Open(b.Context(), o)
	if err != nil {
		b.Fatal(err)
	}
	_ = c.Close()
	server.Stop()
	for b.Loop() {
		c, err := client.Open(b.Context(), o)
		if err != nil {
			b.Fatal(err)
		}
		b.StopTimer()
		_ = c.Close()
		b.StartTimer()
	}
}

func openMany(b *testing.B, n int) (*client.Client, []string) {
	server := clienttest.New(b)
	var changes []client.Change
	names := make([]string, n)
	for i := range names {
		names[i] = fmt.Sprintf("payments/providers/settings/%012d", i)
		changes = append(changes, client.Change{Set: &client.Set{Name: names[i], Value: fmt.Sprintf("%064d", i)}})
	}
	server.Apply(changes...)
	c, err := client.Open(b.Context(), server.Options())
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = c.Close() })
	return c, names
}

// BenchmarkMemory reports what a client keeps for a config with a name of 38 and a value of 64
// bytes. It starts from a file, so that nothing of the server's memory is counted.
func BenchmarkMemory(b *testing.B) {
	const n = 100_000
	server := clienttest.New(b)
	changes := make([]client.Change, n)
	for i := range changes {
		changes[i].Set = &client.Set{Name: fmt.Sprintf("payments/providers/settings/%010d", i), Value: fmt.Sprintf("%064d", i)}
	}
	server.Apply(changes...)
	o := server.Options()
	o.File = b.TempDir() + "/configs"
	o.OnError = func(error) {}
	c, err := client.Open(b.Context(), o)
	if err != nil {
		b.Fatal(err)
	}
	_ = c.Close()
	c = nil
	server.Stop()
	kept := int64(0)
	for b.Loop() {
		before := heap()
		c, err = client.Open(b.Context(), o)
		if err != nil {
			b.Fatal(err)
		}
		kept += heap() - before
		_ = c.Close()
		c = nil
	}
	b.ReportMetric(float64(kept)/n/float64(b.N), "B/config")
}

// heap returns how many bytes are reachable.
func heap() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
