package clientcmd_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"configapi/internal/processtest"
	"configapi/internal/slowtest"
)

// watching is a watch in a process of its own, which runs a command for each set.
type watching struct {
	*processtest.Process
	server     *killable
	folder     string
	cursor, to string // the files of the position, and of what the command has seen
}

// restart starts the watch when it does not run.
func (w *watching) restart(t *testing.T) {
	t.Helper()
	if w.Process != nil && !w.Ended() {
		return
	}
	cmd := exec.Command(os.Args[0], "watch", "p", "--url", w.server.URL(""), "--cursor", w.cursor, "--after", fromTheBeginning,
		"--exec", `read -r line && echo "$line" >> "`+w.to+`"`)
	cmd.Env = append(os.Environ(), asProgram+"=1")
	var err error
	if w.Process, err = processtest.Start(cmd, filepath.Join(w.folder, "watch.log"), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
}

// seen are the values that the command has seen, in the order in which it has.
func (w *watching) seen(t *testing.T) (values []string) {
	t.Helper()
	text, err := os.ReadFile(w.to)
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	for _, line := range strings.Split(string(text), "\n") {
		if _, after, found := strings.Cut(line, `"value":"`); found {
			value, _, _ := strings.Cut(after, `"`)
			values = append(values, value)
		}
	}
	return values
}

// TestWatchIsKilled kills the server and the watch at random moments, and starts them again: the
// command sees each set at least once, in order, and again only the one that was under way.
func TestWatchIsKilled(t *testing.T) {
	rounds := slowtest.Rounds(6, 12)
	folder := t.TempDir()
	w := &watching{server: newKillable(t), folder: folder, cursor: filepath.Join(folder, "cursor"), to: filepath.Join(folder, "seen")}
	t.Cleanup(func() { w.Kill() })
	p := process{env: map[string]string{"CONFIGAPI_URL": w.server.URL("")}}
	w.restart(t)
	kills, sets := 0, 0
	for round := range rounds {
		for range 5 {
			p.run(t, "set", "p/counter", fmt.Sprint(sets)).must(t, 0)
			p.run(t, "set", "q", fmt.Sprint(sets)).must(t, 0)
			sets++
		}
		<-time.After(time.Duration(rand.Int64N(int64(30 * time.Millisecond))))
		if round%2 == 0 {
			w.Kill()
			kills++
		} else {
			w.server.Kill()
			w.server.start(t)
		}
		w.restart(t)
	}
	ctx, cancel := context.WithTimeout(t.Context(), processtest.Patience)
	defer cancel()
	last := fmt.Sprint(sets - 1)
	for values := w.seen(t); len(values) == 0 || values[len(values)-1] != last; values = w.seen(t) {
		if ctx.Err() != nil {
			t.Fatalf("it has seen %v: %s", values, w.LastWords())
		}
		w.restart(t) // it ends when it cannot reach the server at its start
		<-time.After(20 * time.Millisecond)
	}
	values, next := w.seen(t), 0
	for i, value := range values {
		switch value {
		case fmt.Sprint(next):
			next++
		case fmt.Sprint(next - 1):
		default:
			t.Fatalf("%d: got %s after %d in %v", i, value, next-1, values)
		}
	}
	if again := len(values) - sets; next != sets || again > kills {
		t.Errorf("%d sets, and %d were seen again by %d kills: %v", sets, again, kills, values)
	}
	t.Logf("%d sets over %d rounds, %d seen again", sets, rounds, len(values)-sets)
}
