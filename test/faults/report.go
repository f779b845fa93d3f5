package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"configapi/test/faults/fault"
	"configapi/test/reports"
)

// publish writes the report to stdout and to the files that the options name.
func publish(r *result, o options, stdout io.Writer) error {
	if _, err := io.WriteString(stdout, r.markdown()); err != nil {
		return err
	}
	if o.Out != "" {
		if err := replaceSection(o.Out, faultsSection, r.markdown()); err != nil {
			return err
		}
	}
	if o.Result == "" {
		return nil
	}
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(o.Result, text, 0o644)
}

// summary adds up the rounds of one fault.
type summary struct {
	roundResult
	rounds, void int
}

// markdown returns the report: the facts of the run, and a row for each fault.
func (r *result) markdown() string {
	var b strings.Builder
	facts := r.Facts.Table()
	b.WriteString(facts.String() + "\n")
	table := reports.Table{Head: []string{"fault", "verdict", "rounds", "strikes", "operations", "acknowledged changes", "unknown outcomes", "losses", "acknowledged sets", "split sets", "evidence", "recovery p50, p99"}}
	for _, s := range summarize(r.Rounds) {
		table.Add(s.About, s.verdict(), fmt.Sprint(s.rounds), fmt.Sprint(s.Strikes), fmt.Sprint(s.Writes+s.Reads+s.Messages), fmt.Sprint(s.Acknowledged),
			fmt.Sprint(s.Unknown), fmt.Sprint(s.Losses), fmt.Sprint(s.Sets), fmt.Sprint(s.Split), fault.Describe(s.Evidence), percentiles(s.Recoveries))
	}
	b.WriteString(table.String())
	return b.String()
}

func (s *summary) verdict() string {
	switch {
	case len(s.Findings) > 0:
		return "**broken**: " + s.Findings[0].Promise
	case s.void > 0:
		return fmt.Sprintf("%d void: %s", s.void, s.Void[0])
	}
	return "held"
}

// summarize adds up the rounds of each fault, in the order of the first rounds.
func summarize(rounds []roundResult) []*summary {
	var all []*summary
	for _, r := range rounds {
		i := slices.IndexFunc(all, func(s *summary) bool { return s.Fault == r.Fault })
		if i < 0 {
			i = len(all)
			all = append(all, &summary{roundResult: roundResult{Fault: r.Fault, About: r.About, Evidence: map[string]int64{}}})
		}
		s := all[i]
		s.rounds++
		if len(r.Void) > 0 {
			s.void++
		}
		s.Void, s.Findings = append(s.Void, r.Void...), append(s.Findings, r.Findings...)
		s.Writes, s.Acknowledged, s.Unknown = s.Writes+r.Writes, s.Acknowledged+r.Acknowledged, s.Unknown+r.Unknown
		s.Losses, s.Reads, s.Messages = s.Losses+r.Losses, s.Reads+r.Reads, s.Messages+r.Messages
		s.Sets, s.Split, s.Strikes = s.Sets+r.Sets, s.Split+r.Split, s.Strikes+r.Strikes
		s.Recoveries = append(s.Recoveries, r.Recoveries...)
		for what, n := range r.Evidence {
			s.Evidence[what] += n
		}
	}
	return all
}

// percentiles formats the median and the 99th percentile, by nearest rank.
func percentiles(list []time.Duration) string {
	if len(list) == 0 {
		return ""
	}
	sorted := slices.Sorted(slices.Values(list))
	return fmt.Sprintf("%v, %v", reports.Percentile(sorted, 50).Round(time.Millisecond), reports.Percentile(sorted, 99).Round(time.Millisecond))
}

// describe returns what was tested, and where.
func describe(ctx context.Context, s *suite) (reports.Facts, error) {
	version, err := s.cluster.Database.Version(ctx)
	if err != nil {
		return nil, err
	}
	facts := reports.NewFacts()
	facts.Add("commit", reports.Commit(ctx, s.options.Tree))
	facts.Add("seed", strconv.FormatUint(s.options.Seed, 10))
	facts.Add("machine", fmt.Sprintf("%s, %d cores for everything, %s", reports.Processor(), runtime.NumCPU(), reports.System(ctx)))
	facts.Add("versions", runtime.Version()+", PostgreSQL "+version)
	facts.Add("servers also have", s.features.String())
	facts.Add("rounds", fmt.Sprintf("%d of each fault, each with %d strikes", s.options.Rounds, s.options.Strikes))
	return facts, nil
}

// The sections of docs/faults.md that the suite writes.
const (
	faultsSection  = "faults"
	mutantsSection = "mutants"
)

// replaceSection replaces the text between the two marks of a section of a file.
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
