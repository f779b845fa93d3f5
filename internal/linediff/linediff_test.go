package linediff_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"configapi/internal/linediff"
)

// text is a text of one line for each word. A word that ends with \ has no line feed.
func text(words string) string {
	var out strings.Builder
	for _, word := range strings.Fields(words) {
		if last, open := strings.CutSuffix(word, `\`); open {
			out.WriteString(last)
		} else {
			out.WriteString(word + "\n")
		}
	}
	return out.String()
}

func unified(from, to string, context int) (shown string) {
	for _, line := range linediff.Unified(from, to, context) {
		shown += strings.TrimPrefix(string(line.Kind), "@") + line.Text + "\n"
		if !line.Ended {
			shown += "\\ No newline at end of file\n"
		}
	}
	return shown
}

func TestUnified(t *testing.T) {
	for _, test := range []struct{ from, to, want string }{
		{"", "", ""},
		{"a b", "a b", ""},
		{"", "a", "@@ -0,0 +1,1 @@\n+a\n"},
		{"a", "", "@@ -1,1 +0,0 @@\n-a\n"},
		{"a b c d e", "a b x d e", "@@ -2,3 +2,3 @@\n b\n-c\n+x\n d\n"},
		{"a b c d e f g", "x b c d e f y", "@@ -1,2 +1,2 @@\n-a\n+x\n b\n@@ -6,2 +6,2 @@\n f\n-g\n+y\n"},
		{`a\`, "a", "@@ -1,1 +1,1 @@\n-a\n\\ No newline at end of file\n+a\n"},
	} {
		if diff := cmp.Diff(test.want, unified(text(test.from), text(test.to), 1)); diff != "" {
			t.Errorf("%q and %q (-want +got)\n%s", test.from, test.to, diff)
		}
	}
}

// random is a text of lines that occur often. A third of the texts has no line feed at its end.
func random(dice *rand.Rand, most int) string {
	var out strings.Builder
	for range dice.IntN(most) {
		out.WriteByte("abcd"[dice.IntN(4)])
		out.WriteByte('\n')
	}
	if dice.IntN(3) == 0 {
		return strings.TrimSuffix(out.String(), "\n")
	}
	return out.String()
}

// patched is what a comparison makes of the text that it begins with.
func patched(t *testing.T, from string, all []linediff.Line) string {
	t.Helper()
	left := strings.SplitAfter(from, "\n")
	taken := 0
	var out strings.Builder
	for _, line := range all {
		text := line.Text
		if line.Ended {
			text += "\n"
		}
		if line.Kind == '@' {
			var start, removed int
			if _, err := fmt.Sscanf(line.Text, "@@ -%d,%d", &start, &removed); err != nil {
				t.Fatalf("%q: %v", line.Text, err)
			}
			if removed > 0 {
				start-- // lines are counted from 1, and nothing stands behind a line
			}
			for ; taken < start; taken++ {
				out.WriteString(left[taken])
			}
			continue
		}
		if line.Kind != '+' {
			if left[taken] != text {
				t.Fatalf("%q: the line %q is not at %d", from, text, taken)
			}
			taken++
		}
		if line.Kind != '-' {
			out.WriteString(text)
		}
	}
	return out.String() + strings.Join(left[taken:], "")
}

// TestUnifiedMakesTheOtherText of random texts.
func TestUnifiedMakesTheOtherText(t *testing.T) {
	dice := rand.New(rand.NewPCG(1, 2))
	for range 5000 {
		from, to, context := random(dice, 14), random(dice, 14), dice.IntN(4)
		all := linediff.Unified(from, to, context)
		if got := patched(t, from, all); got != to || (len(all) == 0) != (from == to) {
			t.Fatalf("%q to %q with %d lines around: got %q of\n%s", from, to, context, got, unified(from, to, context))
		}
	}
}

// TestFarTextsDifferAsAWhole: texts with too many differences are not searched for the fewest.
func TestFarTextsDifferAsAWhole(t *testing.T) {
	var a, b strings.Builder
	for i := range 2000 {
		fmt.Fprintf(&a, "a%d\nsame\n", i)
		fmt.Fprintf(&b, "b%d\nsame\n", i)
	}
	kinds := map[byte]int{}
	for _, line := range linediff.Unified(a.String(), b.String(), 3) {
		kinds[line.Kind]++
	}
	if kinds['@'] != 1 || kinds['-'] != 3999 || kinds['+'] != 3999 || kinds[' '] != 1 {
		t.Errorf("got %v", kinds)
	}
}

func TestMerge(t *testing.T) {
	labels := linediff.Labels{Ours: "ours", Theirs: "theirs"}
	for _, test := range []struct {
		base, ours, theirs, want string
		conflicts                int
	}{
		{"a b c", "a b c", "a b c", "a b c", 0},
		{"a b c", "x b c", "a b c", "x b c", 0},
		{"a b c", "a b c", "a b y", "a b y", 0},
		{"a b c", "x b c", "a b y", "x b y", 0},
		{"a b c", "a x c", "a x c", "a x c", 0},
		{"a b c", "a c", "a c", "a c", 0},
		{"a b c", "b c", "a b", "b", 0},
		{"a b c", "n a b c", "a b c m", "n a b c m", 0},
		{"a b c", "a x c", "a y c", "a <<<<<<<_ours x ======= y >>>>>>>_theirs c", 1},
		{"a b c", "a c", "a y c", "a <<<<<<<_ours ======= y >>>>>>>_theirs c", 1},
		{"a b", "x b", "a y", "<<<<<<<_ours x b ======= a y >>>>>>>_theirs", 1}, // lines beside each other
		{"a b", "a m b", "a n b", "a <<<<<<<_ours m ======= n >>>>>>>_theirs b", 1},
		{"a b c d e", "x b c d z", "y b c d w", "<<<<<<<_ours x ======= y >>>>>>>_theirs b c d <<<<<<<_ours z ======= w >>>>>>>_theirs", 2},
		{"", "a", "b", "<<<<<<<_ours a ======= b >>>>>>>_theirs", 1},
		{"", "a", "", "a", 0},
		{`5\`, `6\`, `7\`, "<<<<<<<_ours 6 ======= 7 >>>>>>>_theirs", 1},
		{`a b\`, `x b\`, `a b\`, `x b\`, 0},
		{"a b c d e f", "a x c d e f", "a b c d y z f", "a x c d y z f", 0},
	} {
		want := strings.ReplaceAll(text(test.want), "_", " ")
		got, conflicts := linediff.Merge(text(test.base), text(test.ours), text(test.theirs), labels)
		if got != want || conflicts != test.conflicts {
			t.Errorf("%q, %q, %q: got %q with %d conflicts, want %q with %d", test.base, test.ours, test.theirs, got, conflicts, want, test.conflicts)
		}
		if _, back := linediff.Merge(text(test.base), text(test.theirs), text(test.ours), labels); back != test.conflicts {
			t.Errorf("%q, %q, %q the other way: got %d conflicts", test.base, test.ours, test.theirs, back)
		}
	}
}

// TestMergeKeepsBothChanges: a change alone is taken as it is, and a merge without a conflict does
// not depend on the order.
func TestMergeKeepsBothChanges(t *testing.T) {
	dice := rand.New(rand.NewPCG(3, 4))
	clean := 0
	for range 3000 {
		base, ours, theirs := random(dice, 9), random(dice, 9), random(dice, 9)
		if got, conflicts := linediff.Merge(base, ours, base, linediff.Labels{}); got != ours || conflicts > 0 {
			t.Fatalf("ours alone, %q to %q: got %q", base, ours, got)
		}
		if got, conflicts := linediff.Merge(base, base, theirs, linediff.Labels{}); got != theirs || conflicts > 0 {
			t.Fatalf("theirs alone, %q to %q: got %q", base, theirs, got)
		}
		if got, conflicts := linediff.Merge(base, ours, ours, linediff.Labels{}); got != ours || conflicts > 0 {
			t.Fatalf("the same change, %q to %q: got %q", base, ours, got)
		}
		one, conflicts := linediff.Merge(base, ours, theirs, linediff.Labels{})
		other, back := linediff.Merge(base, theirs, ours, linediff.Labels{})
		if conflicts != back || conflicts == 0 && one != other {
			t.Fatalf("%q, %q, %q: %q with %d and %q with %d", base, ours, theirs, one, conflicts, other, back)
		}
		if conflicts == 0 {
			clean++
		}
	}
	if clean == 0 {
		t.Error("every merge had a conflict")
	}
}
