package clientcmd_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"configapi/internal/clientcmd"
)

// programs are what the examples of the help call, as scripts: $BINARY runs configapi.
var programs = map[string]string{
	"configapi": `exec env ` + asProgram + `=1 "$BINARY" "$@"`,
	"code":      `sed -i 's/: .*/: "edited"/' "$2"`,
	"systemctl": `echo "$CONFIGAPI_POSITION $*"`,
}

// TestExamplesOfHistory runs each example of the commands about the history, as a shell does.
func TestExamplesOfHistory(t *testing.T) {
	tested := 0
	for _, c := range clientcmd.Commands(clientcmd.Env{}) {
		if !slices.Contains([]string{"log", "diff", "watch", "edit", "revert", "promote", "rename"}, c.Name()) {
			continue
		}
		lines := strings.Split(strings.TrimSpace(c.Example), "\n")
		if len(lines) < 2 {
			t.Errorf("%s has %d examples", c.Name(), len(lines))
		}
		for _, line := range lines {
			t.Run(strings.TrimSpace(line), func(t *testing.T) { runExample(t, c.Name(), strings.TrimSpace(line)) })
			tested++
		}
	}
	if tested < 14 {
		t.Errorf("only %d examples", tested)
	}
}

func runExample(t *testing.T, command, line string) {
	s, dir := newServer(t, nil), t.TempDir()
	s.mustSetAll(t, "payments/timeout=5", "payments/limits.json={}", "staging/payments/x=1", "production/payments/y=2", "payments/timeout=6")
	bin := filepath.Join(dir, "bin")
	if err := os.Mkdir(bin, 0o700); err != nil {
		t.Fatal(err)
	}
	for name, script := range programs {
		if err := os.WriteFile(filepath.Join(bin, name), []byte("#!/bin/sh\n"+script+"\n"), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	line = strings.NewReplacer("1842-9f3a21c0", s.positionOf(t), "/var/lib/app/", dir+"/", "diff 2h", "diff 1s", "--to 1d", "--to 1s").Replace(line)
	if command == "watch" { // it runs until it is interrupted
		line += ` > out & watch=$!; n=0; until test -s out; do n=$((n+1)); configapi set payments/timeout $n > set; done; kill $watch; wait $watch`
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	run := exec.CommandContext(ctx, "sh", "-c", line)
	run.Dir, run.WaitDelay = dir, time.Second
	run.Env = append(os.Environ(), "PATH="+bin+":"+os.Getenv("PATH"), "BINARY="+os.Args[0], "CONFIGAPI_URL="+s.URL, "EDITOR=echo edited >", "VISUAL=")
	said, err := run.CombinedOutput()
	if command == "diff" && run.ProcessState.ExitCode() == 1 { // there are differences
		err = nil
	}
	if err != nil {
		t.Errorf("%s: %v: %s", line, err, said)
	}
	if command == "edit" && !strings.Contains(string(said), "updated") {
		t.Errorf("%s: got %s", line, said)
	}
}
