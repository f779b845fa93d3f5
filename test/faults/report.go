package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"configapi/test/faults/fault"
	"configapi/test/faults/rights"
	"configapi/test/reports"
)

// publish writes the report to stdout and to the files that the options name. Only the sections
// whose rounds were run are replaced.
func publish(r *result, o options, stdout io.Writer) error {
	var shared, alone []roundResult
	for _, round := range r.Rounds {
		if round.Rights {
			alone = append(alone, round)
		} else {
			shared = append(shared, round)
		}
	}
	for _, section := range []struct {
		name   string
		rounds []roundResult
		text   func([]roundResult) string
	}{{faultsSection, shared, r.markdown}, {rightsSection, alone, r.rightsMarkdown}} {
		if len(section.rounds) == 0 {
			continue
		}
		text := section.text(section.rounds)
		if _, err := io.WriteString(stdout, text+"\n"); err != nil {
			return err
		}
		if o.Out == "" {
			continue
		}
		if err := replaceSection(o.Out, section.name, text); err != nil {
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

// markdown returns the report about rounds: the facts of the run, and a row for each fault.
func (r *result) markdown(rounds []roundResult) string {
	var b strings.Builder
	facts := r.Facts.Table()
	b.WriteString(facts.String() + "\n")
	table := reports.Table{Head: []string{"fault", "verdict", "rounds", "strikes", "operations", "acknowledged changes", "unknown outcomes", "losses", "acknowledged sets", "split sets", "evidence", "recovery p50, p99"}}
	for _, s := range summarize(rounds) {
		table.Add(s.About, s.verdict(), fmt.Sprint(s.rounds), fmt.Sprint(s.Strikes), fmt.Sprint(s.Writes+s.Reads+s.Messages), fmt.Sprint(s.Acknowledged),
			fmt.Sprint(s.Unknown), fmt.Sprint(s.Losses), fmt.Sprint(s.Sets), fmt.Sprint(s.Split), fault.Describe(s.Evidence), percentiles(s.Recoveries))
	}
	b.WriteString(table.String())
	return b.String()
}

// rightsMarkdown returns the report about rounds of rights: the facts of the run, what was done,
// and a row for each kind of time.
func (r *result) rightsMarkdown(rounds []roundResult) string {
	s := summarize(rounds)[0]
	facts := slices.Clone(r.Facts)
	facts.Add(s.About, s.verdict())
	facts.Add("streams", fmt.Sprintf("%d, which received %d changes", s.Streams, s.Messages))
	for _, what := range slices.Sorted(maps.Keys(s.Evidence)) {
		facts.Add(what, fmt.Sprint(s.Evidence[what]))
	}
	table := reports.Table{Head: []string{"what", "how often", "p50", "p99", "longest"}}
	for _, f := range s.Figures {
		p50, p99, longest := f.Rounded()
		table.Add(f.What, fmt.Sprint(len(f.Times)), p50.String(), p99.String(), longest.String())
	}
	heads := facts.Table()
	return heads.String() + "\n" + table.String()
}

// joinFigures adds up the times of two rounds.
func joinFigures(one, other []rights.Figure) []rights.Figure {
	joined := slices.Clone(one)
	for _, f := range other {
		i := slices.IndexFunc(joined, func(g rights.Figure) bool { return g.What == f.What })
		if i < 0 {
			joined = append(joined, f)
			continue
		}
		joined[i].Times = slices.Sorted(slices.Values(slices.Concat(joined[i].Times, f.Times)))
	}
	return joined
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
		s.Streams, s.Figures = s.Streams+r.Streams, joinFigures(s.Figures, r.Figures)
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
	rightsSection  = "rights"
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
