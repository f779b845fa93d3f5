// Package checker judges what clients have seen by the history that there is in the end. Each check is pure: it gets what was
// recorded and the history, and returns what is wrong. The checks do not trust one another, nor the product.
package checker

import (
	"fmt"
	"slices"
	"time"

	"configapi/test/faults/history"
	"configapi/test/faults/record"
)

// Finding is a promise that was broken.
type Finding struct{ Promise, Text string }

func (f Finding) String() string { return f.Promise + ": " + f.Text }

// Seen is all that clients have seen in one round.
type Seen struct {
	// Base is the position at which the round began.
	Base    int64
	Writes  []*record.Write
	Reads   []*record.Read
	Streams []*record.Stream
}

// Verdict is what the checks came to.
type Verdict struct {
	Findings []Finding
	// Losses are acknowledged writes that the history does not have.
	Losses int
	// Undecided are names of which linearizability could not be decided in time.
	Undecided []string
}

// Check runs all checks, the one of linearizability for at most a given time.
func Check(h *history.History, seen Seen, patience time.Duration) Verdict {
	claims := claim(h, seen)
	v := Verdict{Findings: claims.findings, Losses: claims.losses}
	v.Findings = slices.Concat(v.Findings, order(seen.Writes, claims), reads(h, seen), sessions(seen), streams(h, seen))
	illegal, undecided := linearizable(seen, claims, patience)
	v.Findings = append(v.Findings, illegal...)
	v.Undecided = undecided
	return v
}

// findings collects what is wrong with one promise, but not more than anybody reads.
type findings struct {
	promise string
	found   []Finding
	more    int
}

const mostFindings = 5

func (f *findings) add(format string, args ...any) {
	if len(f.found) == mostFindings {
		f.more++
		return
	}
	f.found = append(f.found, Finding{f.promise, fmt.Sprintf(format, args...)})
}

func (f *findings) all() []Finding {
	if f.more > 0 {
		return append(f.found, Finding{f.promise, fmt.Sprintf("… and %d more", f.more)})
	}
	return f.found
}
