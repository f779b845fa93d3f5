package sqlite

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"testing"

	"configapi/internal/eventstore/eventstoretest"
)

// A process with roleVariable set is a helper of the tests: it plays that role on the file named by
// pathVariable.
const (
	roleVariable = "SQLITE_TEST_ROLE"
	pathVariable = "SQLITE_TEST_PATH"
)

// memoryDir is Linux's file system in memory. Commits do not wait for a disk there, and a store
// behaves the same. Containers often have only 64 MiB of it.
const memoryDir, minMemory = "/dev/shm", 1 << 30

func TestMain(m *testing.M) {
	if _, set := os.LookupEnv("TMPDIR"); !set && freeBytes(memoryDir) >= minMemory {
		os.Setenv("TMPDIR", memoryDir)
	}
	if role := os.Getenv(roleVariable); role != "" {
		fmt.Fprintln(os.Stderr, play(role, os.Getenv(pathVariable)))
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// play plays a role until the process is killed. It returns what went wrong.
func play(role, path string) error {
	s, err := Open(context.Background(), path, Options{Lock: true})
	if err != nil {
		return err
	}
	fmt.Println("open")
	if role == "hold the lock" {
		select {}
	}
	go func() { // the end of the input means stop
		_, _ = io.Copy(io.Discard, os.Stdin)
		s.Close()
		os.Exit(0)
	}()
	head, err := s.Head(context.Background())
	for n := 0; err == nil; n++ {
		names := make([]string, 1+n*n%40)
		for i := range names {
			names[i] = fmt.Sprintf("config/%d", n*i%100)
		}
		before := head
		records, after := eventstoretest.Next(before, names...)
		if err = s.Append(context.Background(), before, records); err == nil {
			fmt.Println(after.Seq, after.Position())
		}
		head = after
	}
	return err
}

// process is another process that has the store at a path open, with the lock.
type process struct {
	*exec.Cmd
	in    io.Closer
	lines *bufio.Scanner
}

func startProcess(t *testing.T, role, path string) *process {
	t.Helper()
	p := &process{Cmd: exec.Command(os.Args[0])}
	p.Env = append(os.Environ(), roleVariable+"="+role, pathVariable+"="+path)
	p.Stderr = os.Stderr
	in, err := p.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	p.in = in
	out, err := p.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.kill)
	p.lines = bufio.NewScanner(out)
	if !p.lines.Scan() || p.lines.Text() != "open" {
		t.Fatalf("the other process did not open the store: %q", p.lines.Text())
	}
	return p
}

// kill kills the process with SIGKILL.
func (p *process) kill() {
	_ = p.Process.Kill()
	_ = p.Wait()
}

// stop makes the process close its store and end.
func (p *process) stop(t *testing.T) {
	t.Helper()
	p.in.Close()
	for p.lines.Scan() { // until it has ended
	}
	_ = p.Wait()
}
