package cli_test

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"configapi/internal/cli"
	"configapi/internal/postgrestest"
)

// asProgram makes the test program behave as configapi itself, so that tests can kill a real process.
const asProgram = "CONFIGAPI_TEST_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) == "" {
		postgrestest.Main(m)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(cli.Run(ctx, cli.Env{Args: os.Args[1:], Getenv: os.Getenv, Stdout: os.Stdout, Stderr: os.Stderr}))
}

// process is a configapi of its own.
type process struct {
	cmd  *exec.Cmd
	addr string
	done chan struct{} // closed when it has ended

	mu     sync.Mutex
	stderr strings.Builder // guarded by mu
}

// MustServe starts a server on a free port and returns when it is ready.
func MustServe(t testing.TB, store string, env ...string) *process {
	t.Helper()
	return MustServeWith(t, os.Args[0], store, env...)
}

// MustServeWith starts a server of another program.
func MustServeWith(t testing.TB, program, store string, env ...string) *process {
	t.Helper()
	p := &process{done: make(chan struct{})}
	p.cmd = exec.Command(program, "serve", "--listen", "127.0.0.1:0", "--store", store, "--log", "text")
	p.cmd.Env = append(append(os.Environ(), asProgram+"=1"), env...)
	p.cmd.Dir = t.TempDir()
	stderr, err := p.cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	addresses := make(chan string, 1)
	go p.read(stderr, addresses)
	t.Cleanup(p.kill)
	select {
	case p.addr = <-addresses:
	case <-p.done:
		t.Fatalf("the server ended: %s", p.log())
	}
	p.mustGetReady(t)
	return p
}

// read keeps what the process logs, and finds its address there.
func (p *process) read(stderr io.Reader, addresses chan<- string) {
	defer close(p.done)
	lines := bufio.NewScanner(stderr)
	for lines.Scan() {
		p.mu.Lock()
		p.stderr.WriteString(lines.Text() + "\n")
		p.mu.Unlock()
		if _, rest, ok := strings.Cut(lines.Text(), "msg=serving address="); ok {
			address, _, _ := strings.Cut(rest, " ")
			addresses <- address
		}
	}
	_ = p.cmd.Wait()
}

func (p *process) log() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.stderr.String()
}

func (p *process) mustGetReady(t testing.TB) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); {
		resp, err := http.Get(p.url("/readyz"))
		if err == nil {
			resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return
			}
		}
		select {
		case <-p.done:
			t.Fatalf("the server ended: %s", p.log())
		case <-time.After(5 * time.Millisecond):
		}
	}
	t.Fatalf("the server did not get ready: %s", p.log())
}

func (p *process) url(path string) string { return "http://" + p.addr + path }

// kill ends the process as a power cut would.
func (p *process) kill() {
	_ = p.cmd.Process.Kill()
	<-p.done
}

// terminate asks the process to end, and returns its exit code and how long that took.
func (p *process) terminate() (code int, took time.Duration) {
	begin := time.Now()
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	<-p.done
	return p.cmd.ProcessState.ExitCode(), time.Since(begin)
}
