package checker

import (
	"math"
	"slices"
	"time"

	"configapi/test/faults/history"
	"configapi/test/faults/record"
)

// Branch is one of the histories that there were one after the other: each begins as the one before
// it, whose tail it lacks.
type Epoch struct {
	History *history.History
	// Begin is before anybody could be told of what only this branch has, End after the last that
	// could; 0: it has not ended.
	Begin, End time.Duration
}

// has tells whether a position is on the branch.
func (b Epoch) has(p record.Position) bool { return b.History.Has(p.Seq, p.Hash) }

// touched tells whether something that took a time may have met the branch.
func (b Epoch) touched(s record.Span) bool {
	return s.Return >= b.Begin && (b.End == 0 || s.Call <= b.End)
}

// Split divides what clients have seen among branches: what tells of a position belongs to a branch
// that has it. What was under way while one branch took the place of another, and says nothing of
// the branch, is believed less.
func Split(branches []Epoch, seen Seen) []Seen {
	parts := make([]Seen, len(branches))
	for i := range parts {
		parts[i].Base = seen.Base
	}
	for _, w := range seen.Writes {
		splitWrite(branches, parts, w)
	}
	for _, r := range seen.Reads {
		i, sure := epochOf(branches, r)
		copied := *r
		if !sure {
			copied.Incarnation, copied.AtLeast, copied.Linearizable = record.Unsure, 0, false
		}
		if copied.AtLeastHash != "" && !branches[i].has(record.Position{Seq: copied.AtLeast, Hash: copied.AtLeastHash}) {
			copied.AtLeast = 0
		}
		parts[i].Reads = append(parts[i].Reads, &copied)
	}
	for _, s := range seen.Streams {
		i := len(branches) - 1
		if last := s.Last(); s.Refused && last != nil {
			i = max(0, slices.IndexFunc(branches, func(b Epoch) bool { return b.has(*last) }))
		}
		parts[i].Streams = append(parts[i].Streams, s)
	}
	return parts
}

// splitWrite gives a write to the branches that it may be on. On a branch that does not have the
// position that was acknowledged it may have been made all the same, and then was tried again.
func splitWrite(branches []Epoch, parts []Seen, w *record.Write) {
	last := -1 // the last branch that it has touched
	only := 0  // how many it has
	known := false
	for i, b := range branches {
		if b.touched(w.Span) {
			last, only = i, only+1
		}
		known = known || b.has(w.Position)
	}
	for i, b := range branches {
		doubted := *w
		doubted.Outcome, doubted.Refusal = record.Unknown, 0
		switch {
		case w.Outcome == record.Done && (b.has(w.Position) || !known && i == len(branches)-1):
			parts[i].Writes = append(parts[i].Writes, w)
		case w.Outcome == record.Unknown || w.Outcome == record.Done:
			if w.Outcome == record.Done && w.Tries == 1 && !b.touched(w.Span) || b.End != 0 && w.Call > b.End {
				continue
			}
			parts[i].Writes = append(parts[i].Writes, &doubted)
		case i == last && only == 1:
			parts[i].Writes = append(parts[i].Writes, w)
		case i == last:
			refused := *w
			refused.Outcome, refused.Refusal = record.NotWritten, 0
			parts[i].Writes = append(parts[i].Writes, &refused)
		case b.touched(w.Span):
			parts[i].Writes = append(parts[i].Writes, &doubted)
		}
	}
}

// branchOf is the branch that a read is of, and whether it surely was the newest one that the node
// knew.
func epochOf(branches []Epoch, r *record.Read) (branch int, sure bool) {
	newest := len(branches) - 1
	if r.Final {
		return newest, true
	}
	branch = -1
	candidates := 0
	for i, b := range branches {
		if b.has(r.Position) && b.touched(r.Span) {
			branch, candidates = i, candidates+1
		}
	}
	if branch >= 0 {
		return branch, candidates == 1
	}
	for i, b := range branches {
		if b.has(r.Position) {
			branch = i
		}
	}
	if branch < 0 {
		return newest, true
	}
	return branch, false
}

// Left are the acknowledged writes that only branches before the last have.
func LeftBehind(branches []Epoch, writes []*record.Write) (left []*record.Write) {
	newest := branches[len(branches)-1]
	for _, w := range writes {
		elsewhere := slices.ContainsFunc(branches, func(b Epoch) bool { return b.has(w.Position) })
		if w.Outcome == record.Done && elsewhere && !newest.has(w.Position) {
			left = append(left, w)
		}
	}
	return left
}

// Flaps finds answers of a branch that the same life of a node had left, as it had told before.
func Reversions(branches []Epoch, seen Seen) []Finding {
	found := findings{promise: "no node goes back to a history that it has left"}
	type answer struct {
		record.Where
		record.Span
		position record.Position
	}
	var answers []answer
	for _, w := range seen.Writes {
		if w.Outcome == record.Done && w.Node != record.Nowhere {
			answers = append(answers, answer{w.Where, w.Span, w.Position})
		}
	}
	for _, r := range seen.Reads {
		answers = append(answers, answer{r.Where, r.Span, r.Position})
	}
	for i := 1; i < len(branches); i++ {
		older, newer := branches[i-1], branches[i]
		first := map[record.Where]time.Duration{} // :: where → when it first told of the newer one
		for _, a := range answers {
			if newer.has(a.position) && !older.has(a.position) {
				if before, ok := first[a.Where]; !ok || a.Return < before {
					first[a.Where] = a.Return
				}
			}
		}
		for _, a := range answers {
			since, ok := first[a.Where]
			if ok && a.Incarnation != record.Unsure && a.Call > since && older.has(a.position) && !newer.has(a.position) {
				found.add("node %d told of position %s %v after it had told of the history that took its place", a.Node, a.position, (a.Call - since).Round(time.Millisecond))
			}
		}
	}
	return found.all()
}

// FirstAcknowledgement is how long after a branch began the first write was acknowledged that only
// it has; false when none was.
func FirstAcknowledgement(before, b Epoch, writes []*record.Write) (time.Duration, bool) {
	first := time.Duration(math.MaxInt64)
	for _, w := range writes {
		if w.Outcome == record.Done && w.Node != record.Nowhere && b.has(w.Position) && !before.has(w.Position) {
			first = min(first, w.Return)
		}
	}
	return first - b.Begin, first != math.MaxInt64
}

// CheckBranches runs all checks on each branch with its part of what was seen. Losses are
// acknowledged writes that no branch has.
func CheckEpochs(branches []Epoch, seen Seen, patience time.Duration) Verdict {
	v := Verdict{Findings: append(staleReads(branches, seen), wronglyRefused(branches, seen)...)}
	for i, part := range Split(branches, seen) {
		verdict := Check(branches[i].History, part, patience)
		v.Findings = append(v.Findings, verdict.Findings...)
		v.Undecided = append(v.Undecided, verdict.Undecided...)
		v.Losses += verdict.Losses
	}
	v.Findings = append(v.Findings, Reversions(branches, seen)...)
	return v
}

// late finds linearizable reads that began after a branch had ended and tell of what only it has.
func staleReads(branches []Epoch, seen Seen) []Finding {
	found := findings{promise: "no read is older than was asked for"}
	for _, r := range seen.Reads {
		for i, b := range branches[:len(branches)-1] {
			if r.Linearizable && r.Call > b.End && b.has(r.Position) && !branches[i+1].has(r.Position) {
				found.add("a linearizable read on node %d is of %s, %v after that history had ended", r.Node, r.Position, r.Call-b.End)
			}
		}
	}
	return found.all()
}

// refusedTooMuch finds streams whose position was refused although no failover took it away.
func wronglyRefused(branches []Epoch, seen Seen) []Finding {
	found := findings{promise: "a position that was handed out is known as long as it is in the history"}
	newest := branches[len(branches)-1]
	for _, s := range seen.Streams {
		if last := s.Last(); s.Refused && last != nil && newest.has(*last) {
			found.add("%s: position %s was refused", s.Name, last)
		}
	}
	return found.all()
}
