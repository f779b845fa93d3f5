package main

import (
	"fmt"
	"os"
	"strings"
)

// The parts of docs/faults.md that are written by runs.
const (
	faultsSection  = "faults"
	mutantsSection = "mutants"
)

// replaceSection replaces what stands in a file between the two marks of a section.
func replaceSection(path, name, text string) error {
	document, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	begin, end := "<!-- "+name+": begin -->\n", "<!-- "+name+": end -->"
	before, rest, found := strings.Cut(string(document), begin)
	_, after, closed := strings.Cut(rest, end)
	if !found || !closed {
		return fmt.Errorf("%s has no section %q", path, name)
	}
	return os.WriteFile(path, []byte(before+begin+"\n"+text+"\n"+end+after), 0o644)
}
