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

func TestPercentile(t *testing.T) {
	hundred := make([]int, 100)
	for i := range hundred {
		hundred[i] = i + 1
	}
	for _, test := range []struct {
		sorted []int
		p      int
		want   int
	}{
		{hundred, 1, 1},
		{hundred, 50, 50},
		{hundred, 95, 95},
		{hundred, 99, 99},
		{hundred, 100, 100},
		{[]int{7}, 1, 7},
		{[]int{7}, 99, 7},
		{[]int{1, 2}, 50, 1},
		{[]int{1, 2}, 51, 2},
		{[]int{1, 2, 3}, 50, 2},
		{[]int{1, 2, 3}, 95, 3},
		{hundred[:20], 95, 19}, // exactly 95 of 100 are not greater
		{hundred[:21], 95, 20},
	} {
		if got := Percentile(test.sorted, test.p); got != test.want {
			t.Errorf("percentile %d of %d values: got %d, want %d", test.p, len(test.sorted), got, test.want)
		}
	}
}
