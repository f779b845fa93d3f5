package clientcmd_test

import (
	"strings"
	"testing"
)

// TestFilesOfAContext: a context with a prefix has its names in files without the prefix, so what
// is exported in one context can be imported in another.
func TestFilesOfAContext(t *testing.T) {
	s := newServer(t, nil)
	p := process{env: contexts(t, "current: pay\ncontexts:\n  pay: {url: %q, prefix: payments}\n", s.URL)}
	folder := t.TempDir()
	p.run(t, "import", write(t, folder, "a.env", "URL=x\n"), "--prefix", "db").must(t, 0, "db/URL created")
	s.run(t, "set", "other/x", "1").must(t, 0)
	s.run(t, "set", "payments", "1").must(t, 0) // it is not below the prefix
	if got := p.run(t, "export").must(t, 0); got.stdout != "{\n  \"db/URL\": \"x\"\n}\n" {
		t.Errorf("got %s", got.stdout)
	}
	if got := p.run(t, "export", "db", "--format", "shell").must(t, 0); got.stdout != "export URL='x'\n" {
		t.Errorf("got %s", got.stdout)
	}
	declared := write(t, folder, "a.yaml", p.run(t, "export", "db", "--format", "yaml", "--declare").must(t, 0, "prefix: \"db\"\n").stdout)
	p.run(t, "set", "db/more", "1").must(t, 0)
	p.run(t, "apply", "-f", declared, "--prune", "--yes").must(t, 0, "1 config is below db in no file, of 2 that are there:\n  delete db/more\n", "db/more deleted")
	s.run(t, "list", "-o", "name").must(t, 0, "other/x\npayments\npayments/db/URL\n")
}

// TestSeveralSetsAreConfirmedOnce asks for the name of the context once, for all of them.
func TestSeveralSetsAreConfirmedOnce(t *testing.T) {
	s := newServer(t, nil)
	file := write(t, t.TempDir(), "a.env", manySettings(1500))
	p := process{env: contexts(t, "current: p\ncontexts:\n  p: {url: %q, confirm: true}\n", s.URL), stdin: "p\n", terminal: 80}
	got := p.run(t, "import", file).must(t, 0, "SETTING_0 created", "1500 changes, position 1500-")
	if n := strings.Count(got.stderr, "Type the name of the context"); n != 1 {
		t.Errorf("asked %d times: %s", n, got.stderr)
	}
	p.stdin, p.terminal = "", 0
	p.run(t, "import", file).must(t, 2, "give --confirm p")
	p.run(t, "import", file, "--confirm", "p").must(t, 0, "1500 configs have these values already")
}
