package postgrestest

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"configapi/internal/slowtest"
)

func TestClusterIsDurableAndComesBackAfterEveryKindOfStop(t *testing.T) {
	slowtest.Only(t)
	t.Parallel()
	c := NewCluster(t)
	dsn := c.DSN("postgres")
	const settings = `select string_agg(setting, ' ' order by name) from pg_settings where name in ('fsync', 'full_page_writes', 'synchronous_commit')`
	if got := mustQuery(t, dsn, settings); got != "on on on" {
		t.Errorf("settings that make writes durable: got %q", got)
	}
	if err := c.Start(t.Context()); err == nil {
		t.Errorf("starting a server that runs: got no error")
	}
	mustRun(t, dsn, `create table counts (n int)`)
	for i, how := range []Shutdown{Fast, Immediate, Kill} {
		mustRun(t, c.TCPDSN("postgres"), `insert into counts values (1)`)
		if err := c.Stop(how); err != nil {
			t.Fatal(err)
		}
		c.Settings = []string{"work_mem=" + strconv.Itoa(100+i)}
		if err := c.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		want := strconv.Itoa(i+1) + " " + strconv.Itoa(100+i) + "kB"
		if got := mustQuery(t, dsn, `select count(*) || ' ' || current_setting('work_mem') from counts`); got != want {
			t.Errorf("rows and work_mem after signal %d and another start: got %q, want %q", how, got, want)
		}
	}
}

func TestServerThatDoesNotStartSaysWhyAndLeavesNoFiles(t *testing.T) {
	base := openTempDir(t)
	t.Setenv("TMPDIR", base)
	c, err := New(t.Context(), "no_such_setting=1")
	if err == nil {
		c.Close()
	}
	if err == nil || !strings.Contains(err.Error(), `unrecognized configuration parameter "no_such_setting"`) {
		t.Errorf("got error %v, want the server's", err)
	}
	if left, err := os.ReadDir(base); err != nil || len(left) > 0 {
		t.Errorf("files that are left: %v, %v", left, err)
	}
}

func TestServerEndsWithAProcessThatIsKilledAndItsFilesAreSweptUp(t *testing.T) {
	t.Setenv("TMPDIR", openTempDir(t))
	child := exec.Command(os.Args[0])
	child.Env = append(os.Environ(), envHang+"=1")
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	var dir string
	_, err = fmt.Fscan(out, &dir)
	// The server removes this file when it ends. Its process would say less: an orphan stays until
	// it is collected.
	running := filepath.Join(dir, dataName, "postmaster.pid")
	if err == nil {
		_, err = os.Stat(running)
	}
	if err := errors.Join(err, child.Process.Kill()); err != nil {
		t.Fatal(err)
	}
	child.Wait()
	for deadline := time.Now().Add(10 * time.Second); err == nil; _, err = os.Stat(running) {
		if time.Now().After(deadline) {
			t.Fatal("the server still runs")
		}
	}
	if _, err := os.Stat(dir); err != nil {
		t.Fatalf("this test takes the files to be there still: %v", err)
	}
	h, err := newHome(baseDir(nil), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer h.remove()
	if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the files of the killed process: got %v, want none", err)
	}
	removeDead(filepath.Dir(h.dir))
	if _, err := os.Stat(h.dir); err != nil {
		t.Errorf("the files of a process that still runs: %v", err)
	}
}

// startAndHang is the process that is killed: it starts a server, writes the server's directory,
// and never ends.
func startAndHang() {
	c, err := New(context.Background())
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(c.home.dir)
	select {}
}

// openTempDir returns a temporary directory that the user that runs servers can reach, unlike
// t.TempDir.
func openTempDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp(baseDir(nil), "postgrestest-*")
	if err == nil {
		err = os.Chmod(dir, 0o755)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

func TestStockClusterHasTheSettingsOfInitdb(t *testing.T) {
	t.Parallel()
	c, err := NewStock(t.Context(), openTempDir(t))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	const settings = `select string_agg(name || '=' || setting, ' ') from pg_settings
		where source not in ('default', 'configuration file', 'client', 'override', 'environment variable') and name not in ('listen_addresses', 'port', 'unix_socket_directories')`
	if got := mustQuery(t, c.TCPDSN("postgres"), `select coalesce((`+settings+`), 'none')`); got != "none" {
		t.Errorf("settings of its own: got %s, want none", got)
	}
	if got := mustQuery(t, c.TCPDSN("postgres"), `show wal_segment_size`); got != "16MB" {
		t.Errorf("wal_segment_size: got %s", got)
	}
}
