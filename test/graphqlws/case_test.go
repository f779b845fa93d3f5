package graphqlws

import (
	"flag"
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the table of rules into README.md")

// TestReadme compares the table in README.md with the cases.
func TestReadme(t *testing.T) {
	raw, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	const heading = "| case | source | rule | needs |\n|---|---|---|---|\n"
	before, _, _ := strings.Cut(string(raw), heading)
	var want strings.Builder
	want.WriteString(before + heading)
	for _, c := range Cases() {
		fmt.Fprintf(&want, "| %s | %s | %s | %s |\n", c.Name, c.Source, strings.ReplaceAll(c.Rule, "<id>", "&lt;id&gt;"), strings.Join(c.Needs, ", "))
	}
	if *update {
		if err := os.WriteFile("README.md", []byte(want.String()), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if string(raw) != want.String() {
		t.Error("README.md has another table of rules: run the test with -update")
	}
}

func TestCasesAreSound(t *testing.T) {
	names := map[string]bool{}
	for _, c := range Cases() {
		if names[c.Name] {
			t.Errorf("%s: there are two of this name", c.Name)
		}
		names[c.Name] = true
		if !strings.HasSuffix(c.Rule, ".") {
			t.Errorf("%s: %q is no sentence", c.Name, c.Rule)
		}
		for _, field := range c.Needs {
			if _, is := reflect.TypeFor[Target]().FieldByName(field); !is {
				t.Errorf("%s needs %s, which is no field of Target", c.Name, field)
			}
		}
	}
}

func TestCaseThatDoesNotApply(t *testing.T) {
	c := Case{Name: "some/rule", Needs: []string{"Query", "MaxStreams", "NoCompression"}}
	const why = "the target has no MaxStreams and no NoCompression"
	if got := c.Applies(Target{Query: "{a}"}); got != why {
		t.Errorf("got %q, want %q", got, why)
	}
	if err := c.Try(t.Context(), Target{Query: "{a}"}); err == nil || !strings.Contains(err.Error(), why) {
		t.Errorf("got %v, want %q", err, why)
	}
}
