package reports

import (
	"context"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"time"
)

// Fact is what a reader of figures needs to know: a date, a version, a machine.
type Fact struct{ Name, Value string }

// Facts are the head of a report.
type Facts []Fact

// NewFacts begins with the date and time.
func NewFacts() Facts { return Facts{{"date", time.Now().UTC().Format("2006-01-02 15:04 MST")}} }

// Add adds a fact.
func (f *Facts) Add(name, value string) { *f = append(*f, Fact{name, value}) }

// Table is the facts, each in a row.
func (f Facts) Table() Table {
	t := Table{Head: []string{"", ""}}
	for _, fact := range f {
		t.Add(fact.Name, fact.Value)
	}
	return t
}

// Commit is the one of a source tree, "unknown" when git does not know.
func Commit(ctx context.Context, tree string) string {
	return Output(ctx, "git", "-C", tree, "describe", "--always", "--dirty", "--abbrev=12")
}

// System is the name and version of the operating system.
func System(ctx context.Context) string { return Output(ctx, "uname", "-srm") }

// Output is what a command prints, "unknown" when it cannot be run.
func Output(ctx context.Context, name string, args ...string) string {
	text, err := exec.CommandContext(ctx, name, args...).Output()
	if err != nil {
		return "unknown"
	}
	return strings.TrimSpace(string(text))
}

// Processor is the name of the first CPU, or its architecture where there is no /proc.
func Processor() string {
	text, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return runtime.GOARCH
	}
	for line := range strings.Lines(string(text)) {
		if key, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(key) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return runtime.GOARCH
}
