package clientcmd_test

import (
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"configapi/internal/slowtest"
)

// TestKilledServerUnderEachWrite kills the server at a random moment of each command that writes,
// and starts it again. What the command says with its exit code is what has happened: with 0 the
// change was made once, with 6 it was not made, and with 7 once at most.
func TestKilledServerUnderEachWrite(t *testing.T) {
	k, folder := newKillable(t), t.TempDir()
	p := process{env: map[string]string{"CONFIGAPI_URL": k.URL(""), "EDITOR": `echo edited >`}}
	set := func(name, value string) string {
		p.run(t, "set", name, value).must(t, 0)
		return strings.TrimSpace(p.run(t, "log", "--limit", "1", "-o", "name").must(t, 0).stdout)
	}
	codes := map[int]int{}
	for round := range slowtest.Rounds(1, 2) {
		at := "r" + string(rune('a'+round)) + "/" // each round has names of its own
		before := set(at+"a", "1")
		undone := set(at+"a", "2")
		set(at+"from/x", "1")
		set(at+"many/x", "1")
		set(at+"many/y", "1")
		set(at+"pruned/x", "1")
		env := write(t, folder, "a.env", "A=1\nB=2\n")
		declared := write(t, folder, "a.yaml", "prefix: "+at+"pruned\nvalues:\n  y: 2\n")
		for _, args := range []string{
			"set " + at + "new 1 --create",
			"revert " + undone,
			"set " + at + "a 3",
			"revert --to " + before + " --prefix " + at + "a",
			"edit " + at + "a",
			"delete " + at + "a",
			"restore " + at + "a",
			"promote " + at + "from " + at + "to",
			"rename " + at + "to " + at + "moved",
			"delete -r " + at + "many",
			"import " + env + " --prefix " + at + "imported",
			"apply --prune --yes -f " + declared,
		} {
			codes[p.killUnder(t, k, strings.Fields(args))]++
		}
	}
	t.Logf("exit codes: %v", codes)
}

// killUnder runs a command that writes, and kills the server under it, until the change is made. It
// returns the last exit code.
func (p process) killUnder(t *testing.T, k *killable, args []string) int {
	t.Helper()
	reason := strings.Join(args, " ")
	for {
		ended := make(chan result, 1)
		go func() { ended <- p.run(t, append(args, "-m", reason)...) }()
		<-time.After(time.Duration(rand.Int64N(int64(15 * time.Millisecond))))
		k.Kill()
		k.start(t)
		got := <-ended
		made := 0
		for _, set := range jsonOf[[]setOut](t, p.run(t, "log", "--limit", "5", "-o", "json")) {
			if set.Reason != nil && *set.Reason == reason {
				made++
			}
		}
		switch {
		case got.code == 0 && made == 1, got.code == 6 && made == 0, got.code == 7 && made <= 1:
		default:
			t.Fatalf("%q: got %+v, and the change was made %d times", args, got, made)
		}
		if made > 0 {
			return got.code
		}
	}
}
