package clientcmd_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"configapi/internal/fault"
)

func TestExport(t *testing.T) {
	s := newServer(t, nil)
	folder := t.TempDir()
	s.run(t, "import", write(t, folder, "a.json", `{"pay/db/url": "postgres://a", "pay/text": "it's\ntwo", "pay/price": "5$", "other": "x"}`)).must(t, 0)
	for _, row := range []struct {
		args []string
		want string
	}{
		{[]string{}, "{\n  \"other\": \"x\",\n  \"pay/db/url\": \"postgres://a\",\n  \"pay/price\": \"5$\",\n  \"pay/text\": \"it's\\ntwo\"\n}\n"},
		{[]string{"pay/", "--format", "yaml"}, "pay/db/url: \"postgres://a\"\npay/price: \"5$\"\npay/text: |-\n  it's\n  two\n"},
		{[]string{"pay", "--format", "yaml", "--declare"}, "prefix: \"pay\"\nvalues:\n  db/url: \"postgres://a\"\n  price: \"5$\"\n  text: |-\n    it's\n    two\n"},
		{[]string{"pay", "--format", "dotenv"}, "DB_URL='postgres://a'\nPRICE='5$'\nTEXT=\"it's\ntwo\"\n"},
		{[]string{"pay", "--format", "shell", "--separator", "__", "--map", "pay/text=T"}, "export DB__URL='postgres://a'\nexport PRICE='5$'\nexport T='it'\\''s\ntwo'\n"},
		{[]string{"pay/db", "--format", "docker-env"}, "URL=postgres://a\n"},
	} {
		if got := s.run(t, append([]string{"export"}, row.args...)...); got.code != 0 || got.stdout != row.want {
			t.Errorf("%q: got %+v, want %q", row.args, got, row.want)
		}
	}
	s.run(t, "set", "pay/db/url", "postgres://b").must(t, 0)
	s.run(t, "export", "pay/db", "--at", "4-"+positionHash(t, s, 4)).must(t, 0, "postgres://a")
}

// positionHash returns the digits behind the dash of a position.
func positionHash(t *testing.T, s *server, seq int) string {
	t.Helper()
	position := s.run(t, "log", "-o", "name").must(t, 0).stdout
	for line := range strings.Lines(position) {
		if hash, is := strings.CutPrefix(strings.TrimSpace(line), fmt.Sprintf("%d-", seq)); is {
			return hash
		}
	}
	t.Fatalf("no position %d in %s", seq, position)
	return ""
}

func TestExportToAFile(t *testing.T) {
	s := newServer(t, nil)
	folder := t.TempDir()
	s.run(t, "set", "a", "1").must(t, 0)
	file := write(t, folder, "out.env", "old")
	if err := os.Chmod(file, 0o644); err != nil {
		t.Fatal(err)
	}
	s.run(t, "export", "--file", file).must(t, 0, "1 config was written to "+file)
	info, err := os.Stat(file)
	text, _ := os.ReadFile(file)
	if err != nil || info.Mode() != 0o600 || string(text) != "A='1'\n" {
		t.Errorf("got %v, %v, %q", info, err, text)
	}
	link := filepath.Join(folder, "link.env")
	if err := os.Symlink(file, link); err != nil {
		t.Fatal(err)
	}
	s.run(t, "export", "--file", link).must(t, fault.ExitUsage, "it is no regular file; leave --file out and redirect the output")
	s.run(t, "export", "--file", filepath.Join(folder, "none", "a.env")).must(t, fault.ExitUsage, "writing the file")
	if left, _ := filepath.Glob(filepath.Join(folder, ".configapi-export-*")); len(left) > 0 {
		t.Errorf("%q are left", left)
	}
}

// TestExportOfNothing: a mistyped prefix leaves the file as it was.
func TestExportOfNothing(t *testing.T) {
	s := newServer(t, nil)
	s.run(t, "export").must(t, 0, "{}")
	file := write(t, t.TempDir(), "out.env", "A=1")
	s.run(t, "export", "nothing", "--file", file).must(t, 3, "there is no config nothing, and none below it")
	if text, err := os.ReadFile(file); err != nil || string(text) != "A=1" {
		t.Errorf("got %q, %v", text, err)
	}
}

func TestWhatExportRefuses(t *testing.T) {
	s := newServer(t, nil)
	folder := t.TempDir()
	s.run(t, "import", write(t, folder, "a.json", `{"p": "x", "p/a.b": "x", "p/a/b": "x", "p/lines": "x\ny", "p/path": "\u001b[31m"}`)).must(t, 0)
	for _, row := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"--format", "dotenv"}, fault.ExitInvalid, "no file was written, since the format cannot hold all of it:\n  \"p/a/b\" and \"p/a.b\" both make the variable P_A_B; give one of them another with --map p/a/b=VARIABLE"},
		{[]string{"p/lines", "--format", "docker-env"}, fault.ExitInvalid, `"LINES" has a value of several lines`},
		{[]string{"p/path", "--format", "shell"}, fault.ExitInvalid, `"PATH" has a meaning to shells`},
		{[]string{"p", "--format", "json", "--declare"}, fault.ExitInvalid, "p is a config itself"},
		{[]string{"--declare"}, fault.ExitUsage, "--declare needs PREFIX and the format json or yaml"},
		{[]string{"p", "--declare", "--format", "shell"}, fault.ExitUsage, "--declare needs PREFIX"},
		{[]string{"--map", "p=P"}, fault.ExitUsage, "--map gives variables, and json has names as they are"},
		{[]string{"--format", "consul"}, fault.ExitUsage, `there is no format "consul" here`},
		{[]string{"--file", "a.properties"}, fault.ExitUsage, `there is no format "properties" here`},
		{[]string{"--file", "a.txt"}, fault.ExitUsage, "the name of the file does not say its format"},
	} {
		s.run(t, append([]string{"export"}, row.args...)...).must(t, row.code, row.want)
	}
	s.runIn(t, process{terminal: 80}, "export", "p/path", "--format", "dotenv").must(t, fault.ExitUsage, "a value has control characters, which a terminal would carry out")
	s.runIn(t, process{terminal: 80}, "export", "p/path").must(t, 0, `"p/path": "\u001b[31m"`)
}

// TestExportsAreImportedAgain: what is written of awkward values is read with the same ones.
func TestExportsAreImportedAgain(t *testing.T) {
	s := newServer(t, nil)
	folder := t.TempDir()
	const values = `{"A": "it's \"x\" $HOME #y", "B": "", "C": " x ", "D": "a\nb\n", "E": "yes", "F": "\\n", "G": "é"}`
	s.run(t, "import", write(t, folder, "a.json", values), "--prefix", "from").must(t, 0)
	want := s.run(t, "export", "from").must(t, 0).stdout
	for _, format := range []string{"json", "yaml", "dotenv-node", "dotenv-compose", "shell"} {
		file := write(t, folder, format, s.run(t, "export", "from", "--format", format).must(t, 0).stdout)
		prefix := "to-" + format
		args := []string{"import", file, "--format", format}
		if format == "json" || format == "yaml" {
			args = append(args, "--map", "from/="+prefix+"/")
		} else {
			args = append(args, "--prefix", prefix)
		}
		s.run(t, args...).must(t, 0, "7 changes")
		if got := s.run(t, "export", prefix).must(t, 0).stdout; got != strings.ReplaceAll(want, "from/", prefix+"/") {
			t.Errorf("%s: got %s, want %s", format, got, want)
		}
	}
}
