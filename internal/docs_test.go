package internal_test

import (
	"io/fs"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestDocsNameTestsThatExist: a document names the test that holds its promise.
func TestDocsNameTestsThatExist(t *testing.T) {
	declared := regexp.MustCompile(`(?m)^func ((?:Test|Fuzz|Benchmark)\w+)\(`)
	tests := map[string]bool{} // :: name → the test exists
	for _, text := range texts(t, "_test.go") {
		for _, match := range declared.FindAllStringSubmatch(text, -1) {
			tests[match[1]] = true
		}
	}
	named := regexp.MustCompile("`((?:Test|Fuzz|Benchmark)[A-Z]\\w+)`")
	found := 0
	for name, text := range documents(t) {
		for _, match := range named.FindAllStringSubmatch(text, -1) {
			found++
			if !tests[match[1]] {
				t.Errorf("%s names %s, and no test has that name", name, match[1])
			}
		}
	}
	if found == 0 {
		t.Error("no document names a test")
	}
}

// TestDocsNamePathsThatExist covers the files and folders of the tree that stand in backticks.
func TestDocsNamePathsThatExist(t *testing.T) {
	quoted := regexp.MustCompile("`((?:cmd|internal|graph|web|docs|test|bench|examples|clients|\\.ci)" +
		"/[\\w./-]+)`")
	found := 0
	for name, text := range documents(t) {
		for _, match := range quoted.FindAllStringSubmatch(text, -1) {
			found++
			if _, err := fs.Stat(tree, strings.TrimSuffix(match[1], "/")); err != nil {
				t.Errorf("%s names %s: %v", name, match[1], err)
			}
		}
	}
	if found == 0 {
		t.Error("no document names a path")
	}
}

// TestLinksOfDocsLeadSomewhere follows the links within the project to the file and to its heading.
func TestLinksOfDocsLeadSomewhere(t *testing.T) {
	docs := documents(t)
	link := regexp.MustCompile(`\]\(([^)#:\s]*)(?:#([^)]*))?\)`)
	for name, text := range docs {
		for _, match := range link.FindAllStringSubmatch(text, -1) {
			target := name
			if match[1] != "" {
				target = path.Join(path.Dir(name), match[1])
			}
			if _, err := fs.Stat(tree, target); err != nil {
				t.Errorf("%s links to %s: %v", name, match[1], err)
			}
			if match[2] != "" && !slices.Contains(anchors(docs[target]), match[2]) {
				t.Errorf("%s links to %s, which has no heading #%s", name, target, match[2])
			}
		}
	}
}

// anchors returns what links call the headings of a document.
func anchors(text string) []string {
	var found []string
	for _, match := range regexp.MustCompile(`(?m)^#+ (.*)$`).FindAllStringSubmatch(text, -1) {
		words := regexp.MustCompile(`[^\w -]`).ReplaceAllString(strings.ToLower(match[1]), "")
		found = append(found, strings.ReplaceAll(words, " ", "-"))
	}
	return found
}

// TestDecisionsAreListed: the list of decisions has each one, with its title and what was decided.
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
		row := "| " + match[1] + " | [" + title + "](" + path.Base(name) + ") | "
		if !numbered || !strings.Contains(docs["docs/adr/README.md"], "\n"+row) {
			t.Errorf("%s begins with %q, and docs/adr/README.md has no row %q", name, heading, row)
		}
	}
}

// TestFaultsAreReported: the report of the fault suite has a row for each fault and planted bug.
func TestFaultsAreReported(t *testing.T) {
	report := documents(t)["docs/faults.md"]
	for pattern, suffix := range map[string]string{ // :: what a row is about → files
		`About: "([^"]+)"`: ".go",
		`(?m)^Bug: (.+)$`:  ".patch",
	} {
		found := 0
		for name, text := range texts(t, suffix) {
			if !strings.HasPrefix(name, "test/faults/") || strings.HasSuffix(name, "_test.go") {
				continue
			}
			for _, match := range regexp.MustCompile(pattern).FindAllStringSubmatch(text, -1) {
				found++
				if !strings.Contains(report, "| "+match[1]+" ") {
					t.Errorf("docs/faults.md has no row for %q of %s", match[1], name)
				}
			}
		}
		if found == 0 {
			t.Errorf("no file of test/faults matches %s", pattern)
		}
	}
}

// tree is the folder of the project.
var tree = os.DirFS("..")

// documents returns all Markdown files of the project, by their paths.
func documents(t *testing.T) map[string]string {
	t.Helper()
	docs := texts(t, ".md")
	for _, name := range []string{"README.md", "docs/operations.md", "test/faults/README.md"} {
		if docs[name] == "" {
			t.Fatalf("no %s among %d documents", name, len(docs))
		}
	}
	return docs
}

// texts returns the files of the project whose path ends with suffix, by their paths. Files that
// tools write, and those that tests read, are left out.
func texts(t *testing.T, suffix string) map[string]string {
	t.Helper()
	found := map[string]string{} // :: path → text
	skipped := []string{"node_modules", "testdata", ".git", "bin", "data"}
	err := fs.WalkDir(tree, ".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && slices.Contains(skipped, path.Base(name)):
			return fs.SkipDir
		case entry.IsDir() || !strings.HasSuffix(name, suffix):
			return nil
		}
		text, err := fs.ReadFile(tree, name)
		found[name] = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}
