package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"configapi/test/faults/fault"
	"configapi/test/reports"
)

// publish writes the report to stdout, and where the options say.
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

// summary is all rounds of one fault.
type summary struct {
	roundResult
	rounds, void int
}

// markdown is the report: where it was made, and a row for each fault.
func (r *result) markdown() string {
	var b strings.Builder
	head := r.Facts.Table()
	b.WriteString(head.String() + "\n")
	rows := reports.Table{Head: []string{"fault", "verdict", "rounds", "operations", "acknowledged writes", "unknown outcomes", "losses", "evidence", "recovery p50, p99"}}
	for _, s := range summarize(r.Rounds) {
		rows.Add(s.About, s.verdict(), fmt.Sprint(s.rounds), fmt.Sprint(s.Writes+s.Reads+s.Messages), fmt.Sprint(s.Acknowledged),
			fmt.Sprint(s.Unknown), fmt.Sprint(s.Losses), fault.Describe(s.Evidence), percentiles(s.Recoveries))
	}
	b.WriteString(rows.String())
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
		s.Recoveries = append(s.Recoveries, r.Recoveries...)
		for what, n := range r.Evidence {
			s.Evidence[what] += n
		}
	}
	return all
}

// percentiles are the median and the 99th percentile, by nearest rank.
func percentiles(list []time.Duration) string {
	if len(list) == 0 {
		return ""
	}
	sorted := slices.Sorted(slices.Values(list))
	return fmt.Sprintf("%v, %v", reports.Percentile(sorted, 50).Round(time.Millisecond), reports.Percentile(sorted, 99).Round(time.Millisecond))
}
