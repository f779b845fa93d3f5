//go:build unix

package clientcmd

import (
	"os"
	"path/filepath"
	"testing"
)

// TestCursorIsNotWrittenThroughALink: another user who may write to the folder of a cursor could
// have a watch empty a file of its user.
func TestCursorIsNotWrittenThroughALink(t *testing.T) {
	folder := t.TempDir()
	mine, path := filepath.Join(folder, "mine"), filepath.Join(folder, "cursor")
	if err := os.WriteFile(mine, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(mine, path+".new"); err != nil {
		t.Fatal(err)
	}
	c := cursor{path: path, URL: "http://localhost:4000"}
	if err := c.write("1-00c0ffee"); err != nil {
		t.Fatal(err)
	}
	if text, err := os.ReadFile(mine); err != nil || string(text) != "precious" {
		t.Errorf("got %q, %v", text, err)
	}
	kept := cursor{path: path, URL: c.URL}
	if position, err := kept.read(); err != nil || position != "1-00c0ffee" {
		t.Errorf("got %q, %v", position, err)
	}
}
