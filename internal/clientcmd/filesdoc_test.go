package clientcmd_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestFilesPage runs docs/files.md from its beginning to its end: the files that it shows are
// written into a folder, and its commands are run there and print what it says. Positions differ,
// so only their form is compared. A command that is to fail prints "configapi: ".
func TestFilesPage(t *testing.T) { runPage(t, "../../docs/files.md", 3, 6) }

// TestRenderPage runs docs/render.md in the same way.
func TestRenderPage(t *testing.T) { runPage(t, "../../docs/render.md", 3, 8) }

// runPage runs a page that has at least so many files and commands.
func runPage(t *testing.T, path string, leastFiles, leastCommands int) {
	t.Helper()
	page, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	s := newServer(t, nil)
	t.Chdir(t.TempDir())
	block := regexp.MustCompile("(?s)(?:`([^`\n]+)`:\n\n)?```(\\w+)\n(.*?)```")
	files, ran := 0, 0
	for _, match := range block.FindAllStringSubmatch(string(page), -1) {
		if match[2] != "console" {
			if match[1] == "" {
				t.Errorf("a block of %s has no name of a file before it", match[2])
				continue
			}
			if err := os.MkdirAll(filepath.Dir(match[1]), 0o700); err != nil {
				t.Fatal(err)
			}
			write(t, ".", match[1], match[3])
			files++
			continue
		}
		for _, example := range strings.Split("\n"+match[3], "\n$ configapi ")[1:] {
			command, want, _ := strings.Cut(example, "\n")
			runPageExample(t, s, command, strings.TrimSuffix(want, "\n"))
			ran++
		}
	}
	if files < leastFiles || ran < leastCommands {
		t.Errorf("%d files and %d commands: the page has lost its examples", files, ran)
	}
}

var (
	exampleWord = regexp.MustCompile(`'[^']*'|"[^"]*"|\S+`)
	anyPosition = regexp.MustCompile(`\b[0-9]+-[0-9a-f]{8}\b`)
)

// runPageExample runs a command of a page, and compares what it prints. want has no line feed at
// its end.
func runPageExample(t *testing.T, s *server, command, want string) {
	t.Helper()
	args := exampleWord.FindAllString(command, -1)
	for i, arg := range args {
		args[i] = strings.Trim(arg, `'"`)
	}
	got := s.run(t, args...)
	form := func(text string) string {
		return strings.TrimSuffix(anyPosition.ReplaceAllString(text, "POSITION"), "\n")
	}
	if fails := strings.Contains("\n"+want, "\nconfigapi: "); (got.code != 0) != fails || form(got.stderr+got.stdout) != form(want) && form(got.stdout+got.stderr) != form(want) {
		t.Errorf("configapi %s\n got %d %s%s\nwant %s", command, got.code, got.stderr, got.stdout, want)
	}
}

// TestExamplesOfHelpForFiles runs the examples that the help of the commands has, in a folder with
// the files that they name.
func TestExamplesOfHelpForFiles(t *testing.T) {
	s := newServer(t, nil)
	t.Chdir(t.TempDir())
	write(t, ".", ".env", "URL=x\n")
	write(t, ".", "settings.yaml", "a: x\n")
	write(t, ".", "app.properties", "a.b=x\n")
	write(t, "configs", "pay.yaml", "prefix: payments\nvalues:\n  URL: x\n")
	for _, command := range []string{"import", "export", "apply"} {
		_, examples, _ := strings.Cut(s.run(t, command, "--help").must(t, 0).stdout, "\nExamples:\n")
		ran := 0
		for line := range strings.Lines(examples) {
			line, is := strings.CutPrefix(strings.TrimSpace(line), "configapi ")
			if !is {
				continue
			}
			args := exampleWord.FindAllString(line, -1)
			for i, arg := range args {
				args[i] = strings.Trim(arg, `'"`)
			}
			s.run(t, args...).must(t, 0)
			ran++
		}
		if ran < 2 {
			t.Errorf("the help of %s has %d examples", command, ran)
		}
	}
}
