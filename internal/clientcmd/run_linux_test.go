package clientcmd_test

import (
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"

	"configapi/internal/slowtest"
)

// TestRunAsProcess1 runs as process 1 of a namespace: all orphans are reaped, and the exit code is
// that of the program.
func TestRunAsProcess1(t *testing.T) {
	s := newServer(t, nil)
	s.run(t, "set", "p/a", "1").must(t, 0)
	const script = `
for i in $(seq 50); do sh -c 'sh -c "exit 1" & exit 0'; done
sh -c '(sleep 0.05; echo orphan) & exit 0'
for i in $(seq 500); do # an orphan that nobody reaps stays
	test "$(grep -l '^PPid:.1$' /proc/[0-9]*/status 2>/dev/null | wc -l)" -gt 1 || break
	sleep 0.01
done
echo "A=$A parent=$PPID zombies=$(grep -l '^State:.Z' /proc/[0-9]*/status 2>/dev/null | wc -l)"
exit 7`
	args := []string{"--pid", "--fork", "--mount-proc", "--kill-child"}
	if os.Getuid() != 0 {
		args = append(args, "--user", "--map-root-user")
	}
	r := mustStartCommand(t, s.URL, nil, exec.Command("unshare", append(args, os.Args[0], "run", "--prefix", "p", "--", "sh", "-c", script)...))
	r.ends(7)
	if got := r.Log(); got != "orphan\nA=1 parent=1 zombies=0\n" {
		t.Errorf("got %q", got)
	}
}

// TestRunIsKilled: the program does not go on without its supervisor.
func TestRunIsKilled(t *testing.T) {
	s := newServer(t, nil)
	r := mustStart(t, s.URL, nil, `trap "echo asked to end; exit" TERM; echo ready; while :; do sleep 0.01; done`)
	r.wait("ready")
	if err := syscall.Kill(r.PID(), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	<-r.Done() // with all that it has started
	if got := r.Log(); got != "ready\nasked to end\n" {
		t.Errorf("got %q", got)
	}
}

// TestRunHidesTheToken: a program of the same user cannot read the token from /proc, either.
func TestRunHidesTheToken(t *testing.T) {
	s := newServer(t, nil)
	args := []string{os.Args[0], "run", "--", "sh", "-c", `grep -c ^ /proc/$PPID/environ || echo refused`}
	if os.Getuid() == 0 { // who has all capabilities may read everything
		args = append([]string{"setpriv", "--bounding-set=-all", "--inh-caps=-all"}, args...)
	}
	r := mustStartCommand(t, s.URL, []string{"CONFIGAPI_TOKEN=" + s.mustIssue(t, "app")}, exec.Command(args[0], args[1:]...))
	r.ends(0)
	if log := r.Log(); !strings.HasSuffix(log, "refused\n") {
		t.Errorf("got %q, want an environment that cannot be read", log)
	}
}

// cutter is a proxy whose connections can be cut.
type cutter struct {
	net.Listener
	to string

	mu    sync.Mutex // guards conns
	conns []net.Conn
	group sync.WaitGroup
}

func newCutter(t *testing.T, to string) *cutter {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c := &cutter{Listener: listener, to: to}
	c.group.Go(c.serve)
	t.Cleanup(func() {
		_ = listener.Close()
		c.cut()
		c.group.Wait()
	})
	return c
}

func (c *cutter) serve() {
	for {
		in, err := c.Accept()
		if err != nil {
			return
		}
		out, err := net.Dial("tcp", c.to)
		if err != nil {
			_ = in.Close()
			continue
		}
		c.mu.Lock()
		c.conns = append(c.conns, in, out)
		c.mu.Unlock()
		for from, to := range map[net.Conn]net.Conn{in: out, out: in} {
			c.group.Go(func() {
				_, _ = io.Copy(to, from)
				_, _ = in.Close(), out.Close()
			})
		}
	}
}

// cut ends all connections.
func (c *cutter) cut() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, conn := range c.conns {
		_ = conn.Close()
	}
	c.conns = nil
}

var startedWith = regexp.MustCompile(`(?m)^started (\d+) (\d+)$`)

// TestRunUnderCuts cuts the connection after each change set, and kills the server now and then: no
// program gets a part of a set or an older one, and the last one gets the newest.
func TestRunUnderCuts(t *testing.T) {
	rounds := slowtest.Rounds(20, 100)
	k := newKillable(t)
	p := process{env: map[string]string{"CONFIGAPI_URL": k.URL("")}}
	file := filepath.Join(t.TempDir(), "set.json")
	set := func(i int) {
		t.Helper()
		if err := os.WriteFile(file, fmt.Appendf(nil, `{"a": "%d", "b": "%d"}`, i, i), 0o600); err != nil {
			t.Fatal(err)
		}
		p.run(t, "import", file, "--prefix", "p").must(t, 0)
	}
	set(0)
	proxy := newCutter(t, k.Address)
	r := mustStart(t, "http://"+proxy.Addr().String(), nil, `echo "started $A $B"; exec sleep 1000`, "--prefix", "p")
	r.wait("started 0 0")
	for i := range rounds {
		set(i + 1)
		proxy.cut()
		if i%100 == 10 {
			k.Kill()
			k.start(t)
		}
	}
	r.wait(fmt.Sprintf("started %d %d", rounds, rounds))
	r.stop()
	r.ends(143)
	last, restarts := -1, 0
	for _, found := range startedWith.FindAllStringSubmatch(r.Log(), -1) {
		n, _ := strconv.Atoi(found[1])
		if found[1] != found[2] || n <= last {
			t.Errorf("got %q after %d", found[0], last)
		}
		last = n
		restarts++
	}
	t.Logf("%d sets, %d starts", rounds, restarts)
}
