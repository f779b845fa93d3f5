package clientconfig_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"configapi/internal/clientconfig"
)

const twoContexts = `# mine
current: a
contexts:
  # the first one
  a:
    url: https://a.example # by the window
  b:
    url: https://b.example
    confirm: true
`

func TestPath(t *testing.T) {
	for _, test := range []struct {
		env   map[string]string
		want  string
		named bool
	}{
		{map[string]string{"CONFIGAPI_CONFIG": "x.yaml", "HOME": "/h"}, "x.yaml", true},
		{map[string]string{"XDG_CONFIG_HOME": "/x", "HOME": "/h"}, "/x/configapi/config.yaml", false},
		{map[string]string{"XDG_CONFIG_HOME": "relative", "HOME": "/h"}, "/h/.config/configapi/config.yaml", false},
		{map[string]string{"HOME": "/h"}, "/h/.config/configapi/config.yaml", false},
		{map[string]string{}, "", false},
	} {
		got, named := clientconfig.Path(func(key string) string { return test.env[key] })
		if got != filepath.FromSlash(test.want) || named != test.named {
			t.Errorf("%v: got %q, %t, want %q, %t", test.env, got, named, test.want, test.named)
		}
	}
}

// TestWriteKeepsTheRest changes one context: comments and other contexts stay, and the new file is
// the user's alone.
func TestWriteKeepsTheRest(t *testing.T) {
	h := newHome(t, twoContexts)
	f, err := clientconfig.Read(h.getenv, true)
	if err != nil || !slices.Equal(f.Names(), []string{"a", "b"}) {
		t.Fatalf("got %v, %v", f, err)
	}
	if err := f.Set("b", clientconfig.Context{URL: "https://b.example", Prefix: "x", TokenCommand: []string{"pass", "show", "b c"}}); err != nil {
		t.Fatal(err)
	}
	f.Current = "b"
	if err := f.Write(); err != nil {
		t.Fatal(err)
	}
	const want = `# mine
current: b
contexts:
  # the first one
  a:
    url: https://a.example # by the window
  b:
    url: https://b.example
    token_command: [pass, show, b c]
    prefix: x
`
	path := h.path(".config/configapi/config.yaml")
	text, err := os.ReadFile(path)
	if err != nil || string(text) != want {
		t.Errorf("got %s, %v, want %s", text, err, want)
	}
	if _, err := clientconfig.Read(h.getenv, true); err != nil {
		t.Error(err)
	}
	left, err := filepath.Glob(h.path(".config/configapi/.*"))
	if err != nil || len(left) > 0 {
		t.Errorf("files were left behind: %v, %v", left, err)
	}
}

// TestFirstWrite makes the file and its folder, for the user alone.
func TestFirstWrite(t *testing.T) {
	h := newHome(t, "")
	f, err := clientconfig.Read(h.getenv, true)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(f.Set("a", clientconfig.Context{URL: "https://a.example"}), f.Write()); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]fs.FileMode{".config/configapi": 0o700, ".config/configapi/config.yaml": 0o600} {
		info, err := os.Stat(h.path(name))
		if err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: got %v, %v, want mode %v", name, info, err, want)
		}
	}
	if err := f.Set("a", clientconfig.Context{URL: "localhost"}); err == nil || !strings.Contains(err.Error(), "write a URL") {
		t.Errorf("a context without a URL: got %v", err)
	}
}

// TestWriteThroughALink: the file that a link leads to is written, and the link stays.
func TestWriteThroughALink(t *testing.T) {
	h := newHome(t, "")
	h.mustWrite("dotfiles/configapi.yaml", twoContexts)
	h.mustWrite(".config/configapi/other", "")
	link := h.path(".config/configapi/config.yaml")
	if err := os.Symlink(h.path("dotfiles/configapi.yaml"), link); err != nil {
		t.Fatal(err)
	}
	f, err := clientconfig.Read(h.getenv, true)
	if err != nil {
		t.Fatal(err)
	}
	f.Current = "b"
	if err := f.Write(); err != nil {
		t.Fatal(err)
	}
	info, err := os.Lstat(link)
	text, readErr := os.ReadFile(h.path("dotfiles/configapi.yaml"))
	if err != nil || info.Mode().Type() != fs.ModeSymlink || readErr != nil || !strings.Contains(string(text), "current: b\n") {
		t.Errorf("got %v, %v and %s, %v", info, err, text, readErr)
	}
}

// TestMissingFile: only a file that the environment names must be there, and not for a command that
// makes it.
func TestMissingFile(t *testing.T) {
	h := newHome(t, "")
	if _, err := clientconfig.Read(h.getenv, true); err != nil {
		t.Error(err)
	}
	h.env["CONFIGAPI_CONFIG"] = h.path("none.yaml")
	if _, err := clientconfig.Read(h.getenv, true); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v", err)
	}
	if _, err := clientconfig.Read(h.getenv, false); err != nil {
		t.Error(err)
	}
	f, err := clientconfig.Read(func(string) string { return "" }, true)
	if err != nil || f.Write() == nil {
		t.Errorf("without a home: got %v, %v", f, err)
	}
}
