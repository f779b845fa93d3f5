//go:build !unix

package clientcmd

import (
	"os/exec"
	"time"
)

func endGroup(run *exec.Cmd, grace time.Duration) (rest func()) {
	run.WaitDelay = grace
	return func() {}
}
