package clientcmd_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"configapi/internal/processtest"
	"configapi/internal/slowtest"
)

// TestRenderIsKilled kills a render at random moments: the file is always one whole change set, and
// what was left beside it is removed by the next render.
func TestRenderIsKilled(t *testing.T) {
	kills := slowtest.Rounds(15, 50)
	s := newServer(t, nil)
	long := strings.Repeat("x", 200_000) // so that a write takes a while
	s.mustSetAll(t, "a=0", "b=0", "long="+long)
	dir := t.TempDir()
	template := write(t, dir, "a.tmpl", `{{get "a"}}{{get "long"}}{{get "b"}}`)
	out := filepath.Join(dir, "out", "a.conf")
	if err := os.Mkdir(filepath.Dir(out), 0o700); err != nil {
		t.Fatal(err)
	}
	s.run(t, "render", template, out, "--mode", "0640").must(t, 0)

	var writer sync.WaitGroup
	end := make(chan struct{})
	writer.Go(func() {
		set := filepath.Join(dir, "set.yaml")
		for i := 1; ; i++ {
			select {
			case <-end:
				return
			default:
			}
			if err := os.WriteFile(set, fmt.Appendf(nil, "a: \"%d\"\nb: \"%d\"\n", i, i), 0o600); err != nil {
				t.Error(err)
			}
			if got := s.run(t, "import", set); got.code != 0 {
				t.Errorf("got %+v", got)
			}
		}
	})
	seen := map[string]bool{} // :: content of the file → it was there
	leftovers := 0
	for range kills {
		cmd := exec.Command(os.Args[0], "render", template, out, "--url", s.URL)
		cmd.Env = append(os.Environ(), asProgram+"=1")
		p, err := processtest.Start(cmd, filepath.Join(dir, "log"), syscall.SIGKILL)
		if err != nil {
			t.Fatal(err)
		}
		select {
		case <-p.Done():
		case <-time.After(time.Duration(rand.Int64N(int64(80 * time.Millisecond)))):
		}
		p.Kill()
		text, err := os.ReadFile(out)
		a, b, found := strings.Cut(string(text), long)
		if info, statErr := os.Stat(out); err != nil || !found || a != b || a == "" || statErr != nil || info.Mode() != 0o640 {
			t.Fatalf("got %q…%q, %v, %v", a, b, err, info)
		}
		seen[a] = true
		entries, err := os.ReadDir(filepath.Dir(out))
		if err != nil {
			t.Fatal(err)
		}
		leftovers += len(entries) - 1
	}
	close(end)
	writer.Wait()
	s.run(t, "render", template, out).must(t, 0)
	mustHaveFiles(t, filepath.Dir(out), 1)
	t.Logf("%d kills, %d files, %d leftovers seen", kills, len(seen), leftovers)
}
