//go:build unix

package atomicfile_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"configapi/internal/atomicfile"
)

func write(t *testing.T, path, text string, mode fs.FileMode) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil { // whatever the umask is
		t.Fatal(err)
	}
}

func mustHave(t *testing.T, path, want string, mode fs.FileMode) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil || string(text) != want {
		t.Errorf("%s has %q, %v, want %q", path, text, err, want)
	}
	if info, err := os.Stat(path); err != nil || info.Mode() != mode {
		t.Errorf("%s has the mode %v, %v, want %v", path, info.Mode(), err, mode)
	}
}

// mustList fails the test unless a folder has exactly so many files.
func mustList(t *testing.T, folder string, want int) {
	t.Helper()
	entries, err := os.ReadDir(folder)
	if err != nil || len(entries) != want {
		t.Errorf("got %v, %v, want %d files", entries, err, want)
	}
}

func replace(t *testing.T, path, text string) (same bool) {
	t.Helper()
	f, err := atomicfile.Prepare(path, []byte(text), 0o600)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(f.Commit(), f.Close()); err != nil {
		t.Fatal(err)
	}
	return f.Same()
}

func TestReplace(t *testing.T) {
	path := filepath.Join(t.TempDir(), "app.conf")
	for i, mode := range []fs.FileMode{0o600, 0o640, 0o755, 0o444, fs.ModeSetgid | 0o755} {
		if i > 0 {
			if err := os.Chmod(path, mode); err != nil {
				t.Fatal(err)
			}
		}
		text := strings.Repeat("x", i)
		if replace(t, path, text) {
			t.Error("a new content is the same")
		}
		mustHave(t, path, text, mode)
		before, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if !replace(t, path, text) {
			t.Error("the same content is new")
		}
		if after, err := os.Stat(path); err != nil || !os.SameFile(before, after) {
			t.Errorf("the same content was written: %v", err)
		}
		mustList(t, filepath.Dir(path), 1)
	}
}

func TestOwnerIsKept(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Log("only root can give files to others; the refusal is tested")
	}
	path := filepath.Join(t.TempDir(), "app.conf")
	write(t, path, "old", 0o640)
	if os.Geteuid() == 0 {
		if err := os.Chown(path, 12345, 23456); err != nil {
			t.Fatal(err)
		}
	}
	before, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	replace(t, path, "new")
	after, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	old, now := before.Sys().(*syscall.Stat_t), after.Sys().(*syscall.Stat_t)
	if old.Uid != now.Uid || old.Gid != now.Gid || after.Mode() != 0o640 {
		t.Errorf("got %d:%d %v, want %d:%d", now.Uid, now.Gid, after.Mode(), old.Uid, old.Gid)
	}
}

func TestLinksStay(t *testing.T) {
	dir := t.TempDir()
	real, link := filepath.Join(dir, "a", "real"), filepath.Join(dir, "link")
	if err := errors.Join(os.Mkdir(filepath.Dir(real), 0o700), os.Symlink("a/real", link)); err != nil {
		t.Fatal(err)
	}
	if _, err := atomicfile.Prepare(link, nil, 0o600); err == nil || !strings.Contains(err.Error(), "does not exist") {
		t.Errorf("got %v", err)
	}
	write(t, real, "old", 0o640)
	replace(t, link, "new")
	mustHave(t, real, "new", 0o640)
	if to, err := os.Readlink(link); err != nil || to != "a/real" {
		t.Errorf("the link leads to %q, %v", to, err)
	}
	mustList(t, filepath.Dir(real), 1)
	if os.Geteuid() != 0 {
		return
	}
	if err := os.Lchown(link, 12345, 12345); err != nil {
		t.Fatal(err)
	}
	if _, err := atomicfile.Prepare(link, nil, 0o600); err == nil || !strings.Contains(err.Error(), "another user") {
		t.Errorf("got %v", err)
	}
}

func TestRefusals(t *testing.T) {
	dir := t.TempDir()
	pipe := filepath.Join(dir, "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		dir:                           "a folder",
		pipe:                          "a pipe",
		"/dev/null":                   "a device",
		filepath.Join(dir, "no", "x"): "no such file",
		filepath.Join(dir, strings.Repeat("x", 256)): "too long",
	} {
		if f, err := atomicfile.Prepare(path, []byte("x"), 0o600); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.40s: got %v, %v, want %q", path, f, err, want)
		}
	}
	mustList(t, dir, 1)
	long := filepath.Join(dir, strings.Repeat("y", 255))
	replace(t, long, "x")
	mustHave(t, long, "x", 0o600)
}

func TestCloseLeavesTheOldFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "app.conf")
	write(t, path, "old", 0o644)
	f, err := atomicfile.Prepare(path, []byte("new"), 0o600)
	if err != nil {
		t.Fatal(err)
	}
	mustHave(t, f.Temp(), "new", 0o644)
	if filepath.Dir(f.Temp()) != filepath.Dir(path) {
		t.Errorf("%s is not beside the file", f.Temp())
	}
	if err := f.Close(); err != nil {
		t.Error(err)
	}
	mustHave(t, path, "old", 0o644)
	mustList(t, filepath.Dir(path), 1)
}

// TestLeftovers: what a killed process has left is removed, and nothing else.
func TestLeftovers(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "app.conf")
	open, err := atomicfile.Prepare(path, []byte("of another"), 0o600)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{".app.conf.configapi-123.tmp", ".app.conf.configapi-x.tmp", ".app.conf2.configapi-1.tmp", ".app.conf.configapi-.tmp", "app.conf.tmp"} {
		write(t, filepath.Join(dir, name), "x", 0o600)
	}
	if err := os.Symlink("app.conf.tmp", filepath.Join(dir, ".app.conf.configapi-9.tmp")); err != nil {
		t.Fatal(err)
	}
	replace(t, path, "new")
	if _, err := os.Stat(filepath.Join(dir, ".app.conf.configapi-123.tmp")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a leftover stays: %v", err)
	}
	mustList(t, dir, 7) // the four others, the link, the file, and that of the other process
	if err := open.Commit(); err != nil {
		t.Error(err)
	}
	mustHave(t, path, "of another", 0o600)
}

// TestWritersAtOnce: each reader sees a whole content, and nothing is left.
func TestWritersAtOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "app.conf")
	replace(t, path, strings.Repeat("a", 100_000))
	var writers sync.WaitGroup
	for i := range 8 {
		writers.Go(func() {
			for n := range 20 {
				f, err := atomicfile.Prepare(path, []byte(strings.Repeat(string(rune('a'+i)), 100_000+n)), 0o600)
				if err == nil {
					err = errors.Join(f.Commit(), f.Close())
				}
				if text, readErr := os.ReadFile(path); err != nil || readErr != nil || strings.Trim(string(text), string(text[:1])) != "" || len(text) < 100_000 {
					t.Errorf("%v, %v, %d bytes", err, readErr, len(text))
				}
			}
		})
	}
	writers.Wait()
	mustList(t, filepath.Dir(path), 1)
}

// TestFullDisk fills a disk of its own, which needs root and a namespace of mounts.
func TestFullDisk(t *testing.T) {
	const asChild = "CONFIGAPI_TEST_FULL_DISK"
	if dir := os.Getenv(asChild); dir != "" {
		onFullDisk(t, dir)
		return
	}
	dir := t.TempDir()
	script := fmt.Sprintf("mount -t tmpfs -o size=64k none '%s' && %s='%s' exec '%s' -test.run '^TestFullDisk$' -test.v", dir, asChild, dir, os.Args[0])
	out, err := exec.CommandContext(t.Context(), "unshare", "--user", "--map-root-user", "--mount", "sh", "-c", script).CombinedOutput()
	if !strings.Contains(string(out), "--- PASS: TestFullDisk") && !strings.Contains(string(out), "--- FAIL") {
		out, err = exec.CommandContext(t.Context(), "unshare", "--mount", "sh", "-c", script).CombinedOutput()
	}
	if strings.Contains(string(out), "--- PASS: TestFullDisk") && err == nil {
		return
	}
	if strings.Contains(string(out), "--- FAIL") {
		t.Fatalf("%v: %s", err, out)
	}
	t.Logf("this machine allows no namespace of mounts, so there is no full disk: %v: %s", err, out)
}

func onFullDisk(t *testing.T, dir string) {
	path := filepath.Join(dir, "app.conf")
	write(t, path, "old", 0o640)
	f, err := atomicfile.Prepare(path, make([]byte, 1<<20), 0o600)
	if !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("got %v, %v", f, err)
	}
	mustHave(t, path, "old", 0o640)
	mustList(t, dir, 1)
	mounted := filepath.Join(dir, "mounted")
	write(t, mounted, "old", 0o600)
	if err := exec.Command("mount", "--bind", mounted, mounted).Run(); err != nil {
		t.Fatal(err)
	}
	if f, err = atomicfile.Prepare(mounted, []byte("new"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := f.Commit(); err == nil || !strings.Contains(err.Error(), "mount its folder") {
		t.Errorf("got %v", err)
	}
	if err := f.Close(); err != nil {
		t.Error(err)
	}
	mustHave(t, mounted, "old", 0o600)
}
