package processtest

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestProcessDiesWithItsParent(t *testing.T) {
	dir := t.TempDir()
	grandchild := filepath.Join(dir, "grandchild")
	parent := exec.Command(os.Args[0])
	parent.Env = append(os.Environ(), envParent+"="+grandchild)
	p, err := Start(parent, filepath.Join(dir, "parent"), syscall.SIGKILL)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Kill)
	var pid int
	err = p.Await(t.Context(), func(context.Context) bool {
		log, _ := os.ReadFile(grandchild)
		text, whole := strings.CutSuffix(string(log), "\n")
		pid, _ = strconv.Atoi(strings.TrimPrefix(text, "pid "))
		return whole && pid > 0
	})
	if err != nil {
		t.Fatal(err)
	}
	p.Kill()
	stat := []byte("running")
	for deadline := time.Now().Add(Patience); err == nil && !strings.Contains(string(stat), ") Z "); {
		if time.Now().After(deadline) {
			t.Fatalf("the process goes on: %s", stat)
		}
		stat, err = os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	}
}
