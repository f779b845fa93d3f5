package processtest

import (
	"context"
	"fmt"
	"net/http"
	"os/exec"
	"path/filepath"
	"regexp"
	"syscall"
	"time"
)

// Build builds configapi from the source tree in a folder, as anyone would.
func Build(ctx context.Context, tree, program string) error {
	program, err := filepath.Abs(program)
	if err != nil {
		return err
	}
	build := exec.CommandContext(ctx, "go", "build", "-o", program, "./cmd/configapi")
	build.Dir = tree
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("building configapi in %q: %w\n%s", tree, err, out)
	}
	return nil
}

// Server is a configapi.
type Server struct {
	*Process
	// Address is where it listens: a host and a port.
	Address string
	// Started is how long it took from its start until it was ready.
	Started time.Duration
}

// Serve runs a command `configapi serve …` on a free port of 127.0.0.1, and returns when the server
// is ready. After an error nothing is left running.
func Serve(ctx context.Context, cmd *exec.Cmd, logPath string) (*Server, error) {
	cmd.Args = append(cmd.Args, "--listen", "127.0.0.1:0")
	begin := time.Now()
	p, err := Start(cmd, logPath, syscall.SIGKILL)
	if err != nil {
		return nil, err
	}
	s := &Server{Process: p}
	if err := p.Await(ctx, s.IsReady); err != nil {
		p.Kill()
		return nil, err
	}
	s.Started = time.Since(begin)
	return s, nil
}

// serving finds the address in a log of text or of JSON.
var serving = regexp.MustCompile(`serving"?[ ,]"?address(?:=|":")([^" ]+)`)

// IsReady reports whether the server says in its log where it listens, and then that it is ready.
func (s *Server) IsReady(ctx context.Context) bool {
	if s.Address == "" {
		found := serving.FindStringSubmatch(s.Log())
		if found == nil {
			return false
		}
		s.Address = found[1]
	}
	return IsReady(ctx, s.Address)
}

// IsReady reports whether the configapi at an address says so at /readyz.
func IsReady(ctx context.Context, address string) bool {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+"/readyz", nil)
	if err != nil {
		return false
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return false
	}
	defer answer.Body.Close()
	return answer.StatusCode == http.StatusOK
}

// URL is the address of a path, which begins with a slash.
func (s *Server) URL(path string) string { return "http://" + s.Address + path }
