//go:build unix

package clientconfig_test

import (
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"configapi/internal/clientconfig"
)

// TestFileIsNoPipe: to open a pipe would wait for a writer, and no signal would end that.
func TestFileIsNoPipe(t *testing.T) {
	path := filepath.Join(t.TempDir(), "config.yaml")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	getenv := func(key string) string { return map[string]string{"CONFIGAPI_CONFIG": path}[key] }
	if _, err := clientconfig.Read(getenv, true); err == nil || !strings.Contains(err.Error(), "is no regular file") {
		t.Errorf("got %v", err)
	}
}
