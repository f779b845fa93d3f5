package cli_test

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"configapi/internal/processtest"
)

// TestServiceManager runs a server as systemd does with Type=notify: it reports when it answers,
// that it is alive, a reload with its end, and that it stops. Without a certificate SIGHUP ends
// nothing.
func TestServiceManager(t *testing.T) {
	dir := shortDir(t)
	path := filepath.Join(dir, "notify")
	manager, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = manager.Close() })
	if err := manager.SetReadDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	next := func() string { // the next report that is no sign of life
		t.Helper()
		buffer := make([]byte, 4096)
		for {
			n, err := manager.Read(buffer)
			if err != nil {
				t.Fatal(err)
			}
			if text := string(buffer[:n]); text != "WATCHDOG=1" {
				return text
			}
		}
	}

	cmd := exec.Command(os.Args[0], "serve", "--store", "sqlite:"+filepath.Join(dir, "configapi.db"), "--log", "json", "--listen", "127.0.0.1:0")
	cmd.Env = append(os.Environ(), asProgram+"=1", "NOTIFY_SOCKET="+path, "WATCHDOG_USEC=100000")
	p, err := processtest.Start(cmd, filepath.Join(dir, "log"), syscall.SIGKILL)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Kill)
	reports := []string{next()}
	server := process{&processtest.Server{Process: p}}
	if !server.IsReady(t.Context()) {
		t.Error("READY=1 was sent by a server that is not ready")
	}
	for _, signal := range []syscall.Signal{syscall.SIGHUP, syscall.SIGHUP, syscall.SIGTERM} {
		if err := cmd.Process.Signal(signal); err != nil {
			t.Fatal(err)
		}
		report, _, _ := strings.Cut(next(), "\nMONOTONIC_USEC=")
		if reports = append(reports, report); report == "RELOADING=1" {
			reports = append(reports, next())
		}
	}
	want := []string{"READY=1\nSTATUS=serving", "RELOADING=1", "READY=1", "RELOADING=1", "READY=1", "STOPPING=1"}
	if !slices.Equal(reports, want) {
		t.Errorf("got %q, want %q", reports, want)
	}
}

// TestWrongServiceManager: a server that cannot notify its service manager says so, and does not
// start, since the service manager would end it later.
func TestWrongServiceManager(t *testing.T) {
	got := runBriefly(t, map[string]string{"NOTIFY_SOCKET": "nowhere"}, "serve", "--store", "memory", "--listen", "127.0.0.1:0")
	if got.code == 0 || !strings.Contains(got.stderr, "NOTIFY_SOCKET must be an absolute path") {
		t.Errorf("got %+v, want an error that names NOTIFY_SOCKET", got)
	}
}
