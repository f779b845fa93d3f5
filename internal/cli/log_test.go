package cli

import (
	"io"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// writes records each write.
type writes struct {
	mu  sync.Mutex
	all []string // guarded by mu
}

func (w *writes) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.all = append(w.all, string(p))
	return len(p), nil
}

func (w *writes) count() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.all)
}

func TestConcurrentLinesAreWrittenTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out writes
		log, flush, err := newLog(Env{Stderr: &out}, "json")
		if err != nil {
			t.Fatal(err)
		}
		log.Info("one")
		log.With("a", 1).WithGroup("g").Info("two")
		if out.count() != 0 {
			t.Errorf("got %d writes at once, want none", out.count())
		}
		time.Sleep(lineDelay)
		synctest.Wait()
		if out.count() != 1 || strings.Count(out.all[0], "\n") != 2 {
			t.Errorf("got %q, want both lines in one write", out.all)
		}
		log.Info("three")
		log.Warn("four")
		if out.count() != 2 || strings.Count(out.all[1], "\n") != 2 {
			t.Errorf("got %q, want a warning to be written at once, with what waited", out.all)
		}
		log.Info(strings.Repeat("x", lineBytes))
		if out.count() != 3 {
			t.Errorf("got %d writes, want a full buffer to be written at once", out.count())
		}
		log.Info("six")
		flush()
		if out.count() != 4 {
			t.Errorf("got %d writes, want flush to write what waits", out.count())
		}
		time.Sleep(lineDelay)
		synctest.Wait()
		if out.count() != 4 {
			t.Errorf("got %d writes, want nothing twice", out.count())
		}
	})
}

// BenchmarkLineWriter measures lines that are written one by one and in batches.
func BenchmarkLineWriter(b *testing.B) {
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		b.Fatal(err)
	}
	defer null.Close()
	line := []byte(strings.Repeat("x", 200) + "\n")
	for name, out := range map[string]io.Writer{"single": null, "batches": &lineWriter{out: null}} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				_, _ = out.Write(line)
			}
		})
	}
}
