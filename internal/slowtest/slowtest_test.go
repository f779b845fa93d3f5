package slowtest

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestCIRunsSlowTests reads what `make ci` runs: without the variable, nobody would ever
// run them.
func TestCIRunsSlowTests(t *testing.T) {
	makefile, err := os.ReadFile("../../Makefile")
	if err != nil {
		t.Fatal(err)
	}
	_, race, _ := strings.Cut(string(makefile), "\nrace:")
	race, _, _ = strings.Cut(race, "\n\n")
	_, ci, _ := strings.Cut(string(makefile), "\nci:")
	ci, _, _ = strings.Cut(ci, "##")
	if !strings.Contains(race, "\t"+Env+"=1 ") || !slices.Contains(strings.Fields(ci), "race") {
		t.Errorf("make ci does not set %s: it runs %q, of which race is %q", Env, ci, race)
	}
}

// TestListedTestsExist keeps the list true.
func TestListedTestsExist(t *testing.T) {
	for folder, names := range Tests {
		var source strings.Builder
		files, _ := filepath.Glob(filepath.Join("../..", folder, "*.go"))
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			source.Write(text)
		}
		for _, name := range names {
			if !callsOnly(source.String(), name) {
				t.Errorf("%s: %s is no test that calls slowtest.Only", folder, name)
			}
		}
	}
}

// callsOnly reports whether a package has a test or, in a table of them, a subtest of that name
// that calls Only.
func callsOnly(source, name string) bool {
	if subtest := regexp.MustCompile(`\{"` + regexp.QuoteMeta(name) + `", (\w+)\}`).FindStringSubmatch(source); subtest != nil {
		name = subtest[1]
	}
	_, body, found := strings.Cut(source, "\nfunc "+name+"(t *testing.T")
	body, _, _ = strings.Cut(body, "\n}\n")
	return found && strings.Contains(body, "\tslowtest.Only(t)\n")
}

// TestWhatIsLeftOutIsCounted has `make test` count the lines of the list right.
func TestWhatIsLeftOutIsCounted(t *testing.T) {
	makefile, err := os.ReadFile("../../Makefile")
	if err != nil {
		t.Fatal(err)
	}
	_, test, _ := strings.Cut(string(makefile), "\ntest:")
	test, _, _ = strings.Cut(test, "\n\n")
	_, pattern, _ := strings.Cut(test, "grep -c '")
	pattern, _, found := strings.Cut(pattern, "' internal/slowtest/slowtest.go")
	list, err := os.ReadFile("slowtest.go")
	if err != nil || !found {
		t.Fatalf("make test counts nothing: %s, %v", test, err)
	}
	want := 0
	for _, names := range Tests {
		want += len(names)
	}
	if got := len(regexp.MustCompile("(?m)"+pattern).FindAllIndex(list, -1)); got != want {
		t.Errorf("make test counts %d slow tests, want %d", got, want)
	}
}
