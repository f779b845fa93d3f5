package slowtest

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestTheCheckRunsSlowTests reads what `make check` runs: without the variable, nobody would ever
// run them.
func TestTheCheckRunsSlowTests(t *testing.T) {
	makefile, err := os.ReadFile("../../Makefile")
	if err != nil {
		t.Fatal(err)
	}
	_, race, _ := strings.Cut(string(makefile), "\nrace:")
	race, _, _ = strings.Cut(race, "\n\n")
	_, check, _ := strings.Cut(string(makefile), "\ncheck:")
	check, _, _ = strings.Cut(check, "##")
	if !strings.Contains(race, "\t"+Env+"=1 ") || !slices.Contains(strings.Fields(check), "race") {
		t.Errorf("make check does not set %s: it runs %q, of which race is %q", Env, check, race)
	}
}

// TestListedTestsExist keeps the list true.
func TestListedTestsExist(t *testing.T) {
	for folder, names := range Tests {
		var source strings.Builder
		files, _ := filepath.Glob(filepath.Join("../..", folder, "*_test.go"))
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			source.Write(text)
		}
		for _, name := range names {
			_, body, found := strings.Cut(source.String(), "\nfunc "+name+"(t *testing.T) {\n")
			body, _, _ = strings.Cut(body, "\n}\n")
			if !found || !strings.Contains(body, "\tslowtest.Only(t)\n") {
				t.Errorf("%s: %s is no test that calls slowtest.Only", folder, name)
			}
		}
	}
}
