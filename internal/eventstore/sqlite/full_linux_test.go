package sqlite

import (
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
)

// TestFullDiskIsNotWritten fills the disk. A database that may not grow fails when a record is
// inserted, but a full disk fails when the append is committed. To fill a disk the test needs the
// right to mount one; without it, it limits the database's growth.
func TestFullDiskIsNotWritten(t *testing.T) {
	crashed, dir := t.TempDir(), t.TempDir()
	doing := "inserting events"
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=1m"); err == nil {
		t.Cleanup(func() { _ = syscall.Unmount(dir, syscall.MNT_DETACH) })
		doing = "committing"
	}
	ballast := filepath.Join(dir, "ballast")
	if err := os.WriteFile(ballast, make([]byte, 1<<18), 0o600); err != nil {
		t.Fatal(err)
	}
	s := mustOpen(t, filepath.Join(dir, "history.db"), Options{Lock: true})
	head := write(t, s, "a")
	if doing != "committing" {
		limitPages(t, s)
	}
	head = mustRunFull(t, s, head, doing)

	// A crash must not bring back an append that was reported as not written.
	copyDatabase(t, s.path, filepath.Join(crashed, "history.db"))
	mustBeAt(t, mustOpen(t, filepath.Join(crashed, "history.db"), Options{}), head)

	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	mustBeAt(t, s, write(t, s, "a"))
}

// copyDatabase copies a database as a crash would leave it. Another process does it, because
// reading the file in this one would drop its locks.
func copyDatabase(t *testing.T, from, to string) {
	t.Helper()
	for _, suffix := range []string{"", "-wal"} {
		if output, err := exec.CommandContext(t.Context(), "cp", from+suffix, to+suffix).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, output)
		}
	}
}
