package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"configapi/test/faults/checker"
	"configapi/test/faults/client"
	"configapi/test/faults/cluster"
	"configapi/test/faults/fault"
	"configapi/test/faults/history"
	"configapi/test/faults/rights"
	"configapi/test/reports"
)

// result is the result of a run.
type result struct {
	Facts  reports.Facts
	Rounds []roundResult
	// Found is the time until the first broken promise; 0: none was broken.
	Found time.Duration
}

// roundResult is the result of one round.
type roundResult struct {
	Fault, About string
	Void         []string // why the round proves nothing
	Findings     []checker.Finding
	Writes       int
	Acknowledged int
	Unknown      int
	Losses       int
	Sets         int // acknowledged change sets
	Split        int // change sets that are not together in the history
	Strikes      int // of the fault
	Reads        int
	Messages     int
	Evidence     map[string]int64
	Recoveries   []time.Duration
	// FirstAcknowledged are the times from the end of a primary to the first write that the next
	// one acknowledged.
	FirstAcknowledged []time.Duration
	// Taken are the times until the next primary was ready.
	Taken []time.Duration
	// Rights: the round was one of rights. Streams and Figures are of it: how many there were, and
	// how long things took.
	Rights  bool
	Streams int
	Figures []rights.Figure
	Took    time.Duration
}

// brokenError reports a broken promise.
type brokenError struct{ first checker.Finding }

func (e *brokenError) Error() string { return "a promise was broken: " + e.first.String() }

// verdict returns an error unless every promise held and no round is void.
func (r *result) verdict() error {
	var void error
	for _, round := range r.Rounds {
		if len(round.Findings) > 0 {
			return &brokenError{round.Findings[0]}
		}
		if len(round.Void) > 0 {
			void = fmt.Errorf("a round of %s is void: %s", round.Fault, strings.Join(round.Void, "; "))
		}
	}
	return void
}

// suite is a running suite.
type suite struct {
	options  options
	cluster  *cluster.Cluster
	features client.Features
	history  *history.History
	rand     *rand.Rand
	progress io.Writer
}

// runFaults runs all faults in turn. When it returns, no process runs any more and all data are
// removed. With an error the result has the completed rounds. A round of rights has a cluster of
// its own, and comes after the others.
func runFaults(ctx context.Context, o options, progress io.Writer) (*result, error) {
	fmt.Fprintf(progress, "seed %d\n", o.Seed)
	r, begin := &result{}, time.Now()
	var shared, alone []fault.Fault
	for _, f := range o.Faults {
		if f.Rights {
			alone = append(alone, f)
		} else {
			shared = append(shared, f)
		}
	}
	if len(shared) > 0 {
		if err := r.run(ctx, o, slices.Repeat(shared, o.Rounds), begin, progress); err != nil {
			return r, err
		}
	}
	for _, f := range slices.Repeat(alone, o.Rounds) {
		if r.Found > 0 {
			break
		}
		if err := r.run(ctx, o, []fault.Fault{f}, begin, progress); err != nil {
			return r, err
		}
	}
	return r, nil
}

// run runs rounds of faults on a new cluster, until one finds something.
func (r *result) run(ctx context.Context, o options, faults []fault.Fault, begin time.Time, progress io.Writer) (err error) {
	c, err := cluster.Open(ctx, o.Tree)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	s := &suite{options: o, cluster: c, history: history.New(), rand: rand.New(rand.NewPCG(o.Seed, 0)), progress: progress}
	if s.features, err = client.Probe(ctx, c.Nodes[0]); err != nil {
		return err
	}
	if r.Facts, err = describe(ctx, s); err != nil {
		return err
	}
	for _, f := range faults {
		number := len(r.Rounds)
		var round roundResult
		if f.Rights {
			round, err = s.rightsRound(ctx, number, f)
		} else {
			round, err = s.round(ctx, number, f)
		}
		if err != nil {
			return fmt.Errorf("a round of %s: %w", f.Name, err)
		}
		r.Rounds = append(r.Rounds, round)
		s.print(round)
		if len(round.Findings) > 0 { // later rounds would report the same history
			r.Found = time.Since(begin)
			return nil
		}
	}
	return s.verify(ctx, r)
}

// rightsRound runs the parts of package rights.
func (s *suite) rightsRound(ctx context.Context, number int, f fault.Fault) (roundResult, error) {
	begin := time.Now()
	got, err := rights.Run(ctx, rights.Options{
		Cluster: s.cluster, Seed: s.options.Seed + uint64(number), Tokens: s.options.Tokens, Progress: s.progress,
	})
	for i, n := range s.cluster.Nodes {
		if n.Died() {
			got.Findings = append(got.Findings, checker.Finding{Promise: "a server goes on whatever happens around it",
				Text: fmt.Sprintf("node %d has ended by itself: %s", i, n.LastLines())})
		}
	}
	return roundResult{
		Fault: f.Name, About: f.About, Findings: got.Findings, Void: got.Void, Evidence: got.Evidence,
		Rights: true, Figures: got.Figures, Streams: got.Streams, Messages: got.Changes, Took: time.Since(begin),
	}, err
}

// verify runs the verification of the product over the whole history.
func (s *suite) verify(ctx context.Context, r *result) error {
	if err := s.cluster.Verify(ctx); err != nil {
		last := &r.Rounds[len(r.Rounds)-1]
		last.Findings = append(last.Findings, checker.Finding{Promise: "the chain of hashes is whole", Text: err.Error()})
	}
	return ctx.Err()
}

// print writes one line about a round, and one about each problem.
func (s *suite) print(r roundResult) {
	word := "ok"
	if len(r.Void) > 0 {
		word = "void"
	}
	if len(r.Findings) > 0 {
		word = "BROKEN"
	}
	fmt.Fprintf(s.progress, "%-18s %-6s %5.1fs  %s\n", r.Fault, word, r.Took.Seconds(), r.counts())
	if len(r.FirstAcknowledged) > 0 {
		fmt.Fprintf(s.progress, "    first acknowledgement of the new primary after %s, of which it was made for %s\n",
			durations(r.FirstAcknowledged), durations(r.Taken))
	}
	for _, f := range r.Figures {
		fmt.Fprintf(s.progress, "    %v\n", f)
	}
	for _, why := range r.Void {
		fmt.Fprintln(s.progress, "    void:", why)
	}
	for _, f := range r.Findings {
		fmt.Fprintf(s.progress, "    %.2000s\n", f)
	}
}

// counts says how much was done in a round.
func (r *roundResult) counts() string {
	if r.Rights {
		return fmt.Sprintf("%d streams, %d changes; %s", r.Streams, r.Messages, fault.Describe(r.Evidence))
	}
	return fmt.Sprintf("%d writes, %d acknowledged, %d unknown, %d lost; %d sets, %d split; %d reads, %d messages; %s; recovered in %s",
		r.Writes, r.Acknowledged, r.Unknown, r.Losses, r.Sets, r.Split, r.Reads, r.Messages, fault.Describe(r.Evidence), durations(r.Recoveries))
}

func durations(list []time.Duration) string {
	var texts []string
	for _, d := range list {
		texts = append(texts, d.Round(time.Millisecond).String())
	}
	return strings.Join(texts, " ")
}
