package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"configapi/test/reports"
)

// mutant is a bug that is kept as a patch, and planted into a copy of the tree. The lines above the
// patch describe it:
//
//	Bug: acknowledge before commit
//	Faults: postgres-kill,postgres-immediate
//
// A bug that no fault is needed for says which test must find it instead:
//
//	Test: ./internal/configstore TestNoninterference/memory
type mutant struct {
	name   string
	bug    string
	faults string // those that must find it
	test   string // the package and the name of the test that must find it, in place of faults
	patch  string // its file
}

// Bounds of the search for a planted bug.
const (
	mutantRounds   = 5
	mutantDeadline = 5 * time.Minute
)

// finding is how a mutant was found.
type finding struct {
	mutant
	by    string // the fault
	what  string // the promise
	after time.Duration
}

// tryMutants plants each bug into a copy of the tree and runs the suite of the copy. It returns an
// error for a patch that does not apply, for a bug that does not build, and for one that is not
// found.
func tryMutants(ctx context.Context, o options, stdout, progress io.Writer) error {
	mutants, err := readMutants(filepath.Join(o.Tree, "test", "faults", "mutants"))
	if err != nil {
		return err
	}
	if o.Planted != "" {
		mutants = slices.DeleteFunc(mutants, func(m mutant) bool { return m.name != o.Planted })
	}
	if len(mutants) == 0 {
		return fmt.Errorf("there is no planted bug %q", o.Planted)
	}
	var found []finding
	for _, m := range mutants {
		f, err := tryMutant(ctx, o, m, progress)
		if err != nil {
			return fmt.Errorf("the planted bug %s: %w", m.name, err)
		}
		fmt.Fprintf(progress, "%-24s found by %s in %.1fs: %s\n", m.name, f.by, f.after.Seconds(), f.what)
		found = append(found, f)
	}
	text := fmt.Sprintf("Seed %d, commit %s.\n\n%s", o.Seed, reports.Commit(ctx, o.Tree), mutantTable(found))
	if o.Out != "" {
		if err := replaceSection(o.Out, mutantsSection, text); err != nil {
			return err
		}
	}
	_, err = io.WriteString(stdout, text)
	return err
}

func mutantTable(found []finding) string {
	table := reports.Table{Head: []string{"planted bug", "found by", "broken promise", "after"}}
	for _, f := range found {
		table.Add(f.bug, f.by, f.what, fmt.Sprintf("%.1f s", f.after.Seconds()))
	}
	return table.String()
}

func readMutants(dir string) ([]mutant, error) {
	patches, err := filepath.Glob(filepath.Join(dir, "*.patch"))
	if err != nil {
		return nil, err
	}
	var mutants []mutant
	for _, patch := range patches {
		text, err := os.ReadFile(patch)
		if err != nil {
			return nil, err
		}
		m := mutant{name: strings.TrimSuffix(filepath.Base(patch), ".patch"), patch: patch}
		for line := range strings.Lines(string(text)) {
			if bug, is := strings.CutPrefix(line, "Bug: "); is {
				m.bug = strings.TrimSpace(bug)
			}
			if faults, is := strings.CutPrefix(line, "Faults: "); is {
				m.faults = strings.TrimSpace(faults)
			}
			if test, is := strings.CutPrefix(line, "Test: "); is {
				m.test = strings.TrimSpace(test)
			}
		}
		if m.bug == "" || (m.faults == "") == (m.test == "") {
			return nil, fmt.Errorf("%s does not say what bug it is, and which faults or which test is to find it", patch)
		}
		mutants = append(mutants, m)
	}
	return mutants, nil
}

func tryMutant(ctx context.Context, o options, m mutant, progress io.Writer) (finding, error) {
	copied, err := os.MkdirTemp("", "cfg-mutant-*")
	if err != nil {
		return finding{}, err
	}
	defer os.RemoveAll(copied)
	if err := copyTree(ctx, o.Tree, copied); err != nil {
		return finding{}, err
	}
	if err := command(ctx, copied, "git", "apply", m.patch); err != nil {
		return finding{}, fmt.Errorf("its patch does not apply any more: %w", err)
	}
	if m.test != "" {
		return runTest(ctx, copied, m)
	}
	suite := filepath.Join(copied, "test", "faults")
	program, file := filepath.Join(copied, "faults"), filepath.Join(copied, "result.json")
	if err := command(ctx, suite, "go", "build", "-o", program, "."); err != nil {
		return finding{}, err
	}
	run := exec.CommandContext(ctx, program, "-tree", copied, "-only", m.faults, "-seed", strconv.FormatUint(o.Seed, 10),
		"-rounds", strconv.Itoa(mutantRounds), "-tokens", strconv.Itoa(shortTokens), "-result", file, "-deadline", mutantDeadline.String())
	run.Cancel = func() error { return run.Process.Signal(os.Interrupt) } // the suite then cleans up
	run.WaitDelay = time.Minute
	run.Stderr = progress
	err = run.Run()
	var exit *exec.ExitError
	switch {
	case err == nil:
		return finding{}, fmt.Errorf("it was not found in %d rounds of each of %s", mutantRounds, m.faults)
	case !errors.As(err, &exit) || exit.ExitCode() != exitBroken:
		return finding{}, err
	}
	return readFinding(m, file)
}

// runTest runs the test that must find a bug, in the copy that has the bug.
func runTest(ctx context.Context, copied string, m mutant) (finding, error) {
	folder, name, _ := strings.Cut(m.test, " ")
	if err := command(ctx, copied, "go", "vet", folder); err != nil {
		return finding{}, fmt.Errorf("it does not build: %w", err)
	}
	began := time.Now()
	run := exec.CommandContext(ctx, "go", "test", "-count=1", "-timeout", mutantDeadline.String(), "-run", "^"+name+"$", folder)
	run.Dir = copied
	output, err := run.CombinedOutput()
	switch {
	case err == nil:
		return finding{}, fmt.Errorf("it was not found by %s", m.test)
	case !bytes.Contains(output, []byte("--- FAIL: ")):
		return finding{}, fmt.Errorf("%s: %w\n%s", m.test, err, output)
	}
	return finding{m, "a test", name, time.Since(began)}, nil
}

func readFinding(m mutant, file string) (finding, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return finding{}, err
	}
	var r result
	if err := json.Unmarshal(text, &r); err != nil {
		return finding{}, err
	}
	for _, round := range r.Rounds {
		if len(round.Findings) > 0 {
			return finding{m, round.Fault, round.Findings[0].Promise, r.Found}, nil
		}
	}
	return finding{}, errors.New("the result has no finding")
}

// copyTree copies the files of a tree that git tracks, or would track, as they are now.
func copyTree(ctx context.Context, from, to string) error {
	list := exec.CommandContext(ctx, "git", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
	list.Dir = from
	names, err := list.Output()
	if err != nil {
		return fmt.Errorf("listing the files of %s: %w", from, err)
	}
	all := strings.Split(strings.TrimSuffix(string(names), "\x00"), "\x00")
	for _, name := range slices.Compact(all) {
		text, err := os.ReadFile(filepath.Join(from, name))
		if errors.Is(err, fs.ErrNotExist) {
			continue // deleted, but still tracked
		}
		if err != nil {
			return err
		}
		if err := os.MkdirAll(filepath.Dir(filepath.Join(to, name)), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(to, name), text, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// command runs a command. Its output is part of the error.
func command(ctx context.Context, dir, name string, args ...string) error {
	c := exec.CommandContext(ctx, name, args...)
	c.Dir = dir
	if out, err := c.CombinedOutput(); err != nil {
		return fmt.Errorf("%s %s: %w\n%s", name, strings.Join(args, " "), err, bytes.TrimSpace(out))
	}
	return nil
}
