package client_test

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"configapi/client"
	"configapi/client/clienttest"
)

// keptFile returns the options of a client with a file, and a server that is stopped. The file has
// some configs.
func keptFile(t *testing.T, o func(*client.Options)) (client.Options, *clienttest.Server) {
	t.Helper()
	server := clienttest.New(t)
	server.Issue("one", "")
	server.Set("a/x", "1")
	server.Set("a/y", "two\nlines <&> \u2028 é")
	server.Set("b/x", "3")
	options := server.Options()
	options.File = filepath.Join(t.TempDir(), "configs")
	options.Token = "one"
	if o != nil {
		o(&options)
	}
	c := mustOpen(t, options)
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	server.Stop()
	return options, server
}

// TestFileIsWhole cuts the file at every byte, and changes every byte: what is not whole is not
// used, and the error says so.
func TestFileIsWhole(t *testing.T) {
	o, _ := keptFile(t, nil)
	whole, err := os.ReadFile(o.File)
	if err != nil {
		t.Fatal(err)
	}
	c := mustOpen(t, o)
	want := namesOf(c.Snapshot())
	_ = c.Close()
	if want != "a/x=1 a/y=two\nlines <&> \u2028 é b/x=3" || !c.Snapshot().FromFile() {
		t.Fatalf("got %q", want)
	}
	refused := func(what string, n int, content []byte) {
		t.Helper()
		mustWrite(t, o.File, string(content))
		c, err := client.Open(t.Context(), o)
		if err == nil {
			_ = c.Close()
			t.Fatalf("%s at byte %d of %d: it is used: %q", what, n, len(whole), namesOf(c.Snapshot()))
		}
		if text := err.Error(); !strings.Contains(text, "is not used") || !strings.Contains(text, "connection refused") {
			t.Fatalf("%s at byte %d: got %v", what, n, err)
		}
	}
	for n := range whole {
		refused("cut", n, whole[:n])
		changed := bytes.Clone(whole)
		changed[n] ^= 1
		refused("changed", n, changed)
	}
	refused("longer", len(whole), append(bytes.Clone(whole), '\n'))
	refused("twice", len(whole), append(bytes.Clone(whole), whole...))
}

// TestFileIsBound opens the file of other configs, of another token and of another server.
func TestFileIsBound(t *testing.T) {
	o, _ := keptFile(t, nil)
	for want, change := range map[string]func(*client.Options){
		"with another token":      func(o *client.Options) { o.Token = "two" },
		"read with another token": func(o *client.Options) { o.Token = "" },
		"of the server":           func(o *client.Options) { o.URL += ":81" },
		`the configs of [""]`:     func(o *client.Options) { o.Prefix = "a" },
		`configs of [""]`:         func(o *client.Options) { o.Layers = []string{"a"} },
		"MaxBytes allows":         func(o *client.Options) { o.MaxBytes = 10 },
		"there is no file":        func(o *client.Options) { o.File += "2" },
		"is no file":              func(o *client.Options) { o.File = filepath.Dir(o.File) },
	} {
		other := o
		change(&other)
		if c, err := client.Open(t.Context(), other); err == nil {
			_ = c.Close()
			t.Errorf("%s: it is used", want)
		} else if !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := client.Open(ctx, o); !errors.Is(err, context.Canceled) {
		t.Errorf("with a context that has ended: got %v", err)
	}
}

// TestFileMode finds that nobody else may read the file, and that one that others may write is not
// used.
func TestFileMode(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("Windows has no such modes")
	}
	o, server := keptFile(t, nil)
	info, err := os.Stat(o.File)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("got %v, %v", info.Mode(), err)
	}
	if err := os.Chmod(o.File, 0o666); err != nil {
		t.Fatal(err)
	}
	if _, err := client.Open(t.Context(), o); err == nil || !strings.Contains(err.Error(), "give it the mode 0600") {
		t.Errorf("got %v", err)
	}
	leftover := filepath.Join(filepath.Dir(o.File), ".configs.new-1")
	mustWrite(t, leftover, "x")
	if err := os.Chtimes(leftover, time.Time{}, time.Now().Add(-time.Hour)); err != nil {
		t.Fatal(err)
	}
	server.Start()
	_ = mustOpen(t, o).Close()
	if info, err := os.Stat(o.File); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("written again: got %v, %v", info.Mode(), err)
	}
	left, err := os.ReadDir(filepath.Dir(o.File))
	if err != nil || len(left) != 1 {
		t.Errorf("there are %v, %v", left, err)
	}
}

// TestFileIsTooOld sets the clock forward and back, in a bubble whose time begins in 2000.
func TestFileIsTooOld(t *testing.T) {
	folder := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		var reported errorList
		o, server := keptFile(t, func(o *client.Options) {
			o.File, o.MaxStale, o.OnError = filepath.Join(folder, "configs"), time.Hour, reported.add
		})
		time.Sleep(59 * time.Minute)
		c := mustOpen(t, o)
		if stale, since := c.Stale(); !stale || time.Since(since) != 59*time.Minute {
			t.Errorf("got %t since %v", stale, since)
		}
		_ = c.Close()
		time.Sleep(2 * time.Minute)
		if _, err := client.Open(t.Context(), o); err == nil || !strings.Contains(err.Error(), "MaxStale allows 1h0m0s") {
			t.Errorf("got %v", err)
		}
		text, err := os.ReadFile(o.File)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Contains(text, []byte(`"currentAt":"2000-01-01T00:00:0`)) {
			t.Errorf("the file is %s", text)
		}
		server.Start()
		time.Sleep(24 * time.Hour)
		c = mustOpen(t, o)
		time.Sleep(2 * time.Hour) // nothing changes, but the file is known to be current
		server.Stop()
		_ = c.Close()
		c = mustOpen(t, o)
		if !c.Snapshot().FromFile() {
			t.Error("it is not from the file")
		}
		_ = c.Close()
	})
	// The time of this process is decades later than that of the file, and then decades before it.
	o, _ := keptFile(t, nil)
	text, err := os.ReadFile(o.File)
	if err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		server := clienttest.New(t)
		server.Stop()
		future := server.Options()
		future.File, future.Token, future.MaxStale = o.File, o.Token, time.Hour
		if _, err := client.Open(t.Context(), future); err == nil || !strings.Contains(err.Error(), "MaxStale allows") {
			t.Errorf("a file of the future: got %v", err)
		}
		future.MaxStale = 0
		mustWrite(t, o.File, string(text))
		_ = mustOpen(t, future).Close()
	})
}

// TestFileIsWrittenSeldom makes many changes: the file is written once a second, and when the
// client is closed.
func TestFileIsWrittenSeldom(t *testing.T) {
	path := filepath.Join(t.TempDir(), "configs")
	synctest.Test(t, func(t *testing.T) {
		server := clienttest.New(t)
		o := server.Options()
		o.File = path
		c := mustOpen(t, o)
		contents := map[string]bool{} // :: content of the file → it was seen
		for range 1000 {
			mustWait(t, c, server.Set("a", time.Now().String()))
			time.Sleep(10 * time.Millisecond)
			if text, err := os.ReadFile(path); err == nil {
				contents[string(text)] = true
			}
		}
		if len(contents) < 9 || len(contents) > 12 {
			t.Errorf("in 10 s the file was written %d times", len(contents))
		}
		mustWait(t, c, server.Set("a", "last"))
		_ = c.Close()
		if text, err := os.ReadFile(path); err != nil || !strings.Contains(string(text), `"value":"last"`) {
			t.Errorf("after Close the file is %s, %v", text, err)
		}
	})
}

// TestRefusalsAreNoOutage opens a client whose server answers, though not with configs.
func TestRefusalsAreNoOutage(t *testing.T) {
	o, _ := keptFile(t, nil)
	for status, started := range map[int]bool{401: false, 403: false, 404: false, 400: false, 200: false, 301: false, 429: true, 500: true, 502: true, 503: true} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(status)
			_, _ = w.Write([]byte("<html>"))
		}))
		other := o
		other.Dial = nil
		other.URL = server.URL
		text, err := os.ReadFile(o.File)
		if err != nil {
			t.Fatal(err)
		}
		other.File = filepath.Join(t.TempDir(), "configs")
		mustWrite(t, other.File, strings.Replace(string(text), o.URL, server.URL, 1))
		c, err := client.Open(t.Context(), other)
		if err == nil {
			_ = c.Close()
		}
		// The file was changed, so that it cannot be used: here it matters that it is looked at.
		if looked := err != nil && strings.Contains(err.Error(), "is not used"); looked != started {
			t.Errorf("status %d: got %v, want that the file is looked at: %t", status, err, started)
		}
		server.Close()
	}
}

// TestServerThatIsLate opens a client while no server answers. Without a file it waits for one.
func TestServerThatIsLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := clienttest.New(t)
		server.Stop()
		began := time.Now()
		if _, err := client.Open(t.Context(), server.Options()); err == nil || time.Since(began) > 5*time.Second || time.Since(began) < 2*time.Second {
			t.Errorf("after %v: got %v", time.Since(began), err)
		}
		time.AfterFunc(3*time.Second, server.Start)
		_ = mustOpen(t, server.Options()).Close()
	})
}

// TestFileOfAnotherHistory starts from a file while the server is unreachable, which comes back
// with an older backup.
func TestFileOfAnotherHistory(t *testing.T) {
	folder := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		var reported errorList
		server := clienttest.New(t)
		at := server.Set("a", "1")
		server.Set("a", "2")
		o := server.Options()
		o.File, o.OnError = filepath.Join(folder, "configs"), reported.add
		_ = mustOpen(t, o).Close()
		server.Stop()
		server.Rewind(at)
		server.Set("b", "3") // of the same number as the position of the file
		c := mustOpen(t, o)
		defer c.Close()
		if got := namesOf(c.Snapshot()); got != "a=2" || !c.Snapshot().FromFile() {
			t.Errorf("from the file: got %q", got)
		}
		server.Start()
		time.Sleep(time.Minute)
		if got := namesOf(c.Snapshot()); got != "a=1 b=3" || c.Snapshot().FromFile() || !reported.has(client.ErrHistoryReplaced) {
			t.Errorf("of the server: got %q", got)
		}
	})
}

// TestFileThatCannotBeWritten removes the folder of the file: Close says that there is none for the
// next start.
func TestFileThatCannotBeWritten(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "folder")
	if err := os.Mkdir(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		server := clienttest.New(t)
		o := server.Options()
		o.File = filepath.Join(folder, "configs")
		c := mustOpen(t, o)
		synctest.Wait()
		if err := os.RemoveAll(folder); err != nil {
			t.Fatal(err)
		}
		mustWait(t, c, server.Set("a", "1"))
		if err := c.Close(); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("got %v, want that the folder does not exist", err)
		}
	})
}
