package main

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"configapi/test/faults/checker"
	"configapi/test/faults/fault"
	"configapi/test/faults/rights"
)

func TestOptions(t *testing.T) {
	o, err := parseOptions([]string{"-short", "-seed", "7"}, io.Discard)
	if err != nil || len(o.Faults) != len(short) || o.Rounds != 1 || o.Strikes != 1 || o.Seed != 7 || o.Tokens != shortTokens {
		t.Errorf("the profile of CI: got %+v, %v", o, err)
	}
	o, err = parseOptions([]string{"-only", "node-kill,everything"}, io.Discard)
	if err != nil || len(o.Faults) != 2 || o.Faults[0].Name != "node-kill" || o.Seed == 0 {
		t.Errorf("two faults: got %+v, %v", o, err)
	}
	if o, err = parseOptions(nil, io.Discard); err != nil || len(o.Faults) != len(fault.All()) || o.Tokens != usualTokens {
		t.Errorf("all faults: got %+v, %v", o, err)
	}
	for _, args := range [][]string{{"-only", "earthquake"}, {"-rounds", "0"}, {"-strikes", "0"}, {"-tokens", "-1"}, {"word"}, {"-no-such"}} {
		if _, err := parseOptions(args, io.Discard); err == nil {
			t.Errorf("%q: got no error", args)
		}
	}
}

func TestVerdictOfARun(t *testing.T) {
	good := roundResult{Fault: "node-kill"}
	void := roundResult{Fault: "disk-full", Void: []string{"it needs root"}}
	bad := roundResult{Fault: "node-stop", Findings: []checker.Finding{{Promise: "exactly one effect", Text: "two"}}}
	if err := (&result{Rounds: []roundResult{good, good}}).verdict(); err != nil {
		t.Errorf("got %v, want none", err)
	}
	var broken *brokenError
	if err := (&result{Rounds: []roundResult{good, void}}).verdict(); err == nil || errors.As(err, &broken) || !strings.Contains(err.Error(), "needs root") {
		t.Errorf("a void round: got %v, want an error that says why", err)
	}
	if err := (&result{Rounds: []roundResult{void, bad}}).verdict(); !errors.As(err, &broken) || !strings.Contains(err.Error(), "exactly one effect") {
		t.Errorf("a broken promise: got %v, want it", err)
	}
}

func TestRoundsOfAFaultAreAddedUp(t *testing.T) {
	sums := summarize([]roundResult{
		{Fault: "a", About: "A", Writes: 1, Reads: 2, Messages: 3, Acknowledged: 1, Unknown: 5, Losses: 1, Evidence: map[string]int64{"cuts": 1}, Recoveries: []time.Duration{1}},
		{Fault: "b", Void: []string{"no traffic"}},
		{Fault: "a", Writes: 10, Reads: 20, Messages: 30, Acknowledged: 10, Evidence: map[string]int64{"cuts": 2, "kills": 1}, Recoveries: []time.Duration{2, 3}},
	})
	if len(sums) != 2 {
		t.Fatalf("got %d sums, want 2", len(sums))
	}
	a := sums[0]
	if a.rounds != 2 || a.Writes != 11 || a.Reads != 22 || a.Messages != 33 || a.Acknowledged != 11 || a.Unknown != 5 || a.Losses != 1 || len(a.Recoveries) != 3 {
		t.Errorf("got %+v", a)
	}
	if got := fault.Describe(a.Evidence); got != "3 cuts, 1 kills" {
		t.Errorf("evidence: got %q", got)
	}
	if got := sums[0].verdict() + "; " + sums[1].verdict(); got != "held; 1 void: no traffic" {
		t.Errorf("verdicts: got %q", got)
	}
}

func TestRoundsOfRightsAreAddedUp(t *testing.T) {
	r := &result{Rounds: []roundResult{
		{Fault: "rights", Rights: true, Streams: 2, Messages: 5, Figures: []rights.Figure{{What: "end", Times: []time.Duration{1e6, 9e6}}}},
		{Fault: "rights", Rights: true, Streams: 2, Messages: 5, Figures: []rights.Figure{{What: "end", Times: []time.Duration{2e6}}, {What: "use", Times: []time.Duration{7e6}}}},
	}}
	text := r.rightsMarkdown(r.Rounds)
	for _, want := range []string{"4, which received 10 changes", "| end  | 3         | 2ms | 9ms | 9ms     |", "| use  | 1         | 7ms | 7ms | 7ms     |"} {
		if !strings.Contains(text, want) {
			t.Errorf("got\n%s\nwant %q in it", text, want)
		}
	}
}

// A run of some rounds must not overwrite what is written about others.
func TestOnlySectionsOfTheRunAreReplaced(t *testing.T) {
	path := filepath.Join(t.TempDir(), "report.md")
	const document = "<!-- faults: begin -->\nkept\n<!-- faults: end -->\n<!-- rights: begin -->\nold\n<!-- rights: end -->\n"
	if err := os.WriteFile(path, []byte(document), 0o644); err != nil {
		t.Fatal(err)
	}
	r := &result{Rounds: []roundResult{{Fault: "rights", Rights: true, Streams: 77}}}
	if err := publish(r, options{Out: path}, io.Discard); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil || !strings.Contains(string(text), "kept") || strings.Contains(string(text), "old") || !strings.Contains(string(text), "77") {
		t.Errorf("got %q, %v", text, err)
	}
}

func TestPercentilesAreByNearestRank(t *testing.T) {
	var list []time.Duration
	for i := range 100 {
		list = append(list, time.Duration(100-i)*time.Millisecond)
	}
	for n, want := range map[int]string{0: "", 1: "100ms, 100ms", 2: "99ms, 100ms", 100: "50ms, 99ms"} {
		if got := percentiles(list[:n]); got != want {
			t.Errorf("of %d: got %q, want %q", n, got, want)
		}
	}
}

func TestOnlyTheSectionIsReplaced(t *testing.T) {
	path := filepath.Join(t.TempDir(), "report.md")
	const before = "# Title\n\n<!-- faults: begin -->\nold\n<!-- faults: end -->\n\n<!-- mutants: begin -->\nkept\n<!-- mutants: end -->\n"
	if err := os.WriteFile(path, []byte(before), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := replaceSection(path, faultsSection, "new\n"); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if want := strings.Replace(before, "old\n", "\nnew\n\n", 1); err != nil || string(text) != want {
		t.Errorf("got %q, %v, want %q", text, err, want)
	}
	if err := replaceSection(path, "absent", "new"); err == nil {
		t.Error("a section that is not there: got no error")
	}
}

// A planted bug whose patch does not apply would never be tried.
func TestPlantedBugsApplyToTheTree(t *testing.T) {
	tree, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	mutants, err := readMutants("mutants")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range mutants {
		patch, err := filepath.Abs(m.patch)
		if err != nil {
			t.Fatal(err)
		}
		if err := command(t.Context(), tree, "git", "apply", "--check", patch); err != nil {
			t.Errorf("%s: %v", m.name, err)
		}
		if m.test != "" {
			mustBeATest(t, tree, m)
		} else if _, err := fault.Pick(strings.Split(m.faults, ",")); err != nil {
			t.Errorf("%s: %v", m.name, err)
		}
	}
}

// mustBeATest fails unless a package has the test that must find a bug.
func mustBeATest(t *testing.T, tree string, m mutant) {
	folder, name, _ := strings.Cut(m.test, " ")
	name, _, _ = strings.Cut(name, "/")
	files, _ := filepath.Glob(filepath.Join(tree, folder, "*_test.go"))
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(text), "\nfunc "+name+"(t *testing.T) {") {
			return
		}
	}
	t.Errorf("%s: there is no test %s", m.name, m.test)
}

func TestPatchMustSayWhatItPlants(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "one.patch"), []byte("Bug: one\n\ndiff --git\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := readMutants(dir); err == nil {
		t.Error("a patch without faults: got no error")
	}
}
