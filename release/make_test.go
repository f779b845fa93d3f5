package main

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
)

// TestMakeRunStopsItsServer: a make that is ended, by ^C or by another program, ends its server,
// which holds the pipe of its log open until then.
func TestMakeRunStopsItsServer(t *testing.T) {
	for _, signal := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT} {
		cmd := exec.Command("make", "run", "ARGS=--listen 127.0.0.1:0 --log json --store sqlite:"+filepath.Join(t.TempDir(), "configapi.db"))
		cmd.Dir = ".."
		cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
		cmd.Env = append(os.Environ(), "MAKEFLAGS=", "MAKELEVEL=")
		log, err := cmd.StderrPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) })
		serving, lines := false, bufio.NewScanner(log)
		var all strings.Builder
		for lines.Scan() {
			all.WriteString(lines.Text() + "\n")
			if !serving && regexp.MustCompile(`"msg":"serving"`).MatchString(lines.Text()) {
				serving = true
				who := cmd.Process.Pid // make alone
				if signal == syscall.SIGINT {
					who = -who // as a terminal does: all that run in it
				}
				if err := syscall.Kill(who, signal); err != nil {
					t.Fatal(err)
				}
			}
		}
		if err := cmd.Wait(); !serving || err == nil && signal == syscall.SIGTERM {
			t.Errorf("%v: got %v after %s, want a server that has served, and a make that was ended", signal, err, &all)
		}
	}
}
