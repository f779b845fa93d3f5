package cli_test

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestBootstrapPipe has a pipe in place of the bootstrap file, which nobody ever writes to.
func TestBootstrapPipe(t *testing.T) {
	pipe := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	ended := make(chan result, 1)
	go func() { ended <- runBriefly(t, nil, "serve", "--store", "memory", "--bootstrap-token-file", pipe) }()
	select {
	case got := <-ended:
		if got.code != 2 || !strings.Contains(got.stderr, "no regular file") {
			t.Errorf("got %+v", got)
		}
	case <-time.After(20 * time.Second):
		t.Error("the server waits for a writer of the pipe")
		if writer, err := os.OpenFile(pipe, os.O_WRONLY, 0); err == nil {
			_ = writer.Close() // lets it go on
		}
		<-ended
	}
}
