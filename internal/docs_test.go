package internal_test

import (
	"go/ast"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestDocsNameTestsThatExist: a promise is held by the test that stands beside it.
func TestDocsNameTestsThatExist(t *testing.T) {
	tests := map[string]bool{} // :: name → there is such a test
	for _, file := range goFiles(t) {
		for _, declaration := range file.tree.Decls {
			if function, is := declaration.(*ast.FuncDecl); is {
				tests[function.Name.Name] = true
			}
		}
	}
	pattern := regexp.MustCompile("`(Test[A-Za-z0-9_]+)`")
	named := 0
	for name, text := range documents(t) {
		for _, match := range pattern.FindAllStringSubmatch(text, -1) {
			named++
			if !tests[match[1]] {
				t.Errorf("%s names %s, which is no test", name, match[1])
			}
		}
	}
	if named == 0 {
		t.Error("no document names a test")
	}
}

// TestLinksOfDocsLeadSomewhere looks at links within the project, without their anchors.
func TestLinksOfDocsLeadSomewhere(t *testing.T) {
	pattern := regexp.MustCompile(`\]\(([^)#:\s]+)(#[^)]*)?\)`)
	for name, text := range documents(t) {
		for _, match := range pattern.FindAllStringSubmatch(text, -1) {
			if _, err := os.Stat(filepath.Join("..", path.Dir(name), match[1])); err != nil {
				t.Errorf("%s links to %s: %v", name, match[1], err)
			}
		}
	}
}

// TestDecisionsAreListed: the list of decisions is complete, in order, and has their titles.
func TestDecisionsAreListed(t *testing.T) {
	docs := documents(t)
	decision := regexp.MustCompile(`^docs/adr/0*(\d+)-.+\.md$`)
	for name, text := range docs {
		match := decision.FindStringSubmatch(name)
		if match == nil {
			continue
		}
		heading, _, _ := strings.Cut(text, "\n")
		title, numbered := strings.CutPrefix(heading, "# "+match[1]+". ")
		line := "\n" + match[1] + ". [" + title + "](" + path.Base(name) + ")\n"
		if !numbered || !strings.Contains(docs["docs/adr/README.md"]+"\n", line) {
			t.Errorf("%s has the heading %q, and docs/adr/README.md no line%s", name, heading, line)
		}
	}
}

// documents returns the texts of README.md and of all documents below docs, by their paths in the
// project.
func documents(t *testing.T) map[string]string {
	t.Helper()
	files := []string{"../README.md"}
	for _, pattern := range []string{"../docs/*.md", "../docs/adr/*.md"} {
		found, err := filepath.Glob(pattern)
		if err != nil || len(found) == 0 {
			t.Fatalf("%s: %d files, %v", pattern, len(found), err)
		}
		files = append(files, found...)
	}
	texts := map[string]string{} // :: path → text
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		texts[filepath.ToSlash(strings.TrimPrefix(file, ".."+string(filepath.Separator)))] = string(text)
	}
	return texts
}
