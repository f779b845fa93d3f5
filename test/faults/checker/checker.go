// Package checker compares what clients have seen with the history that exists in the end.
//
// Each check is a pure function of the recorded answers and the history. It returns the promises
// that were broken. No check relies on another check, or on code of the product.
package checker

import (
	"fmt"
	"slices"
	"time"

	"configapi/test/faults/history"
	"configapi/test/faults/record"
)

// Finding is a broken promise.
type Finding struct{ Promise, Text string }

func (f Finding) String() string { return f.Promise + ": " + f.Text }

// Seen is all that clients have seen in one round.
type Seen struct {
	// Base is the seq at which the round began.
	Base    int64
	Writes  []*record.Write
	Reads   []*record.Read
	Streams []*record.Stream
}

// Verdict is the result of the checks.
type Verdict struct {
	Findings []Finding
	// Losses counts acknowledged writes that the history does not have.
	Losses int
	// Split counts the change sets that are not together in the history.
	Split int
	// Undecided lists the names whose linearizability was not decided in time.
	Undecided []string
}

// Check runs all checks. The check of linearizability ends after patience.
func Check(h *history.History, seen Seen, patience time.Duration) Verdict {
	claims := claim(h, seen)
	v := Verdict{Findings: claims.findings, Losses: claims.losses, Split: claims.split}
	v.Findings = slices.Concat(v.Findings, order(seen.Writes, claims), reads(h, seen), sessions(seen), streams(h, seen))
	illegal, undecided := linearizable(seen, claims, patience)
	v.Findings = append(v.Findings, illegal...)
	v.Undecided = undecided
	return v
}

// findings collects violations of one promise, at most mostFindings of them in full.
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
