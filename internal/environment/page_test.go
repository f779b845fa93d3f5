package environment_test

import (
	"os"
	"strings"
	"testing"

	"configapi/internal/environment"
)

// TestListOfThePage: the page about run has all reserved variables.
func TestListOfThePage(t *testing.T) {
	page, err := os.ReadFile("../../docs/run.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, g := range environment.Listed() {
		for name := range strings.FieldsSeq(g[1]) {
			if !strings.Contains(strings.ReplaceAll(string(page), "\n", " "), "`"+name+"`") {
				t.Errorf("the page lacks `%s`, which %s", name, g[0])
			}
		}
	}
}
