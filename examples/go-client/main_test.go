package main

import (
	"bufio"
	"context"
	"errors"
	"io"
	"path/filepath"
	"strings"
	"testing"

	"configapi/client"
	"configapi/client/clienttest"
)

// mustRun runs a command, and returns what it prints.
func mustRun(t *testing.T, o client.Options, args ...string) string {
	t.Helper()
	var out strings.Builder
	if err := run(t.Context(), o, args, &out); err != nil {
		t.Fatalf("%v: %v", args, err)
	}
	return out.String()
}

// TestCommands sets, lists and deletes configs.
func TestCommands(t *testing.T) {
	server := clienttest.New(t)
	o := server.Options()
	if got := mustRun(t, o, "set", "a/b", "1"); got != server.Position()+"\n" {
		t.Errorf("got the position %q, want %q", got, server.Position())
	}
	mustRun(t, o, "set", "c", "")
	for _, step := range []struct {
		args []string
		want string
	}{{[]string{"list"}, "a/b = 1\nc = \n"}, {[]string{"list", "a"}, "a/b = 1\n"}} {
		if got := mustRun(t, o, step.args...); got != step.want {
			t.Errorf("%v: got %q, want %q", step.args, got, step.want)
		}
	}
	mustRun(t, o, "delete", "c")
	if got := mustRun(t, o, "list"); got != "a/b = 1\n" {
		t.Errorf("after a deletion: got %q", got)
	}
	for _, args := range [][]string{{}, {"list", "a", "b"}, {"set", "a"}, {"delete"}, {"other"}} {
		if err := run(t.Context(), o, args, io.Discard); !errors.Is(err, errUsage) {
			t.Errorf("%v: got %v, want the usage", args, err)
		}
	}
}

// TestWatch starts from a file while the server is unreachable, and prints what changes, through a
// cut.
func TestWatch(t *testing.T) {
	server := clienttest.New(t)
	server.Set("a", "1")
	server.Set("b", "1")
	o := server.Options()
	o.File = filepath.Join(t.TempDir(), "configs")
	mustRun(t, o, "list")
	server.Stop()

	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	in, out := io.Pipe()
	ended := make(chan error, 1)
	go func() {
		ended <- run(ctx, o, []string{"watch"}, out)
		_ = out.Close()
	}()
	lines := bufio.NewScanner(in)
	mustPrint := func(want ...string) {
		t.Helper()
		for _, line := range want {
			if !lines.Scan() || lines.Text() != line {
				t.Fatalf("got %q, want %q", lines.Text(), line)
			}
		}
	}
	mustPrint("a = 1", "b = 1")
	server.Start()
	server.Apply(client.Change{Set: &client.Set{Name: "a", Value: "2"}}, client.Change{Delete: &client.Delete{Name: "b"}})
	mustPrint("- b", "a = 2")
	server.Cut()
	server.Set("c", "3")
	mustPrint("c = 3")
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
