package reports

import (
	"strings"
	"testing"
)

func TestTableIsPadded(t *testing.T) {
	rows := Table{Head: []string{"a", "long head"}}
	rows.Add("ü", "1")
	const want = "| a   | long head |\n| --- | --------- |\n| ü   | 1         |\n"
	if got := rows.String(); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

func TestFacts(t *testing.T) {
	facts := NewFacts()
	facts.Add("commit", Commit(t.Context(), t.TempDir()))
	facts.Add("CPU", Processor())
	table := facts.Table()
	got := table.String()
	if !strings.Contains(got, "\n| commit | unknown") || strings.Count(got, "\n") != 5 || Processor() == "" {
		t.Errorf("got %s", got)
	}
}
