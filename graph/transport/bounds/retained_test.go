package bounds

import "testing"

func TestCountNames(t *testing.T) {
	for document, want := range map[string]int{
		"": 0, "{a b c}": 3, "{a:b_1(c:$d,e:12)}": 6, "{a#b c\nd}": 2, "{a}#b c": 1, "#a": 0, "é": 0,
	} {
		if got := countNames(document); got != want {
			t.Errorf("%q: got %d names, want %d", document, got, want)
		}
	}
}
