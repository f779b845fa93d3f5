package checker

import (
	"math"
	"slices"
	"time"

	"configapi/test/faults/history"
	"configapi/test/faults/record"
)

// Epoch is the time of one primary, with its history. The history of each epoch but the first lacks
// the newest events of the epoch before it.
type Epoch struct {
	History *history.History
	// Begin is before the first answer that only this epoch can give, End after the last one; End
	// is 0 while the epoch has not ended.
	Begin, End time.Duration
}

// has reports whether the history of the epoch contains a position.
func (e Epoch) has(p record.Position) bool { return e.History.Has(p.Seq, p.Hash) }

// touched reports whether a request with this span may have been served in the epoch.
func (e Epoch) touched(s record.Span) bool {
	return s.Return >= e.Begin && (e.End == 0 || s.Call <= e.End)
}

// Split assigns what clients have seen to epochs. An answer with a position belongs to an epoch
// that contains the position. A request during a change of epochs, whose answer does not identify
// its epoch, is checked less strictly.
func Split(epochs []Epoch, seen Seen) []Seen {
	parts := make([]Seen, len(epochs))
	for i := range parts {
		parts[i].Base = seen.Base
	}
	for _, w := range seen.Writes {
		splitWrite(epochs, parts, w)
	}
	for _, r := range seen.Reads {
		i, sure := epochOf(epochs, r)
		copied := *r
		if !sure {
			copied.Incarnation, copied.AtLeast, copied.Linearizable = record.Unsure, 0, false
		}
		if copied.AtLeastHash != "" && !epochs[i].has(record.Position{Seq: copied.AtLeast, Hash: copied.AtLeastHash}) {
			copied.AtLeast = 0
		}
		parts[i].Reads = append(parts[i].Reads, &copied)
	}
	for _, s := range seen.Streams {
		i := len(epochs) - 1
		if last := s.Last(); s.Refused && last != nil {
			i = max(0, slices.IndexFunc(epochs, func(e Epoch) bool { return e.has(*last) }))
		}
		parts[i].Streams = append(parts[i].Streams, s)
	}
	return parts
}

// splitWrite assigns a write to the epochs in which it may have been made. An epoch may have the
// write although it does not contain the acknowledged position: the client may have sent the write
// again.
func splitWrite(epochs []Epoch, parts []Seen, w *record.Write) {
	last := -1 // the last epoch that the write touched
	only := 0  // how many epochs it touched
	known := false
	for i, e := range epochs {
		if e.touched(w.Span) {
			last, only = i, only+1
		}
		known = known || e.has(w.Position)
	}
	for i, e := range epochs {
		uncertain := *w
		uncertain.Outcome, uncertain.Refusal = record.Unknown, 0
		switch {
		case w.Outcome == record.Done && (e.has(w.Position) || !known && i == len(epochs)-1):
			parts[i].Writes = append(parts[i].Writes, w)
		case w.Outcome == record.Unknown || w.Outcome == record.Done:
			if w.Outcome == record.Done && w.Tries == 1 && !e.touched(w.Span) || e.End != 0 && w.Call > e.End {
				continue
			}
			parts[i].Writes = append(parts[i].Writes, &uncertain)
		case i == last && only == 1:
			parts[i].Writes = append(parts[i].Writes, w)
		case i == last:
			refused := *w
			refused.Outcome, refused.Refusal = record.NotWritten, 0
			parts[i].Writes = append(parts[i].Writes, &refused)
		case e.touched(w.Span):
			parts[i].Writes = append(parts[i].Writes, &uncertain)
		}
	}
}

// epochOf returns the epoch of a read. The result sure reports whether that epoch was certainly the
// newest one that the node knew.
func epochOf(epochs []Epoch, r *record.Read) (epoch int, sure bool) {
	newest := len(epochs) - 1
	if r.Final {
		return newest, true
	}
	epoch = -1
	candidates := 0
	for i, e := range epochs {
		if e.has(r.Position) && e.touched(r.Span) {
			epoch, candidates = i, candidates+1
		}
	}
	if epoch >= 0 {
		return epoch, candidates == 1
	}
	for i, e := range epochs {
		if e.has(r.Position) {
			epoch = i
		}
	}
	if epoch < 0 {
		return newest, true
	}
	return epoch, false
}

// LeftBehind returns the acknowledged writes that the last epoch does not have.
func LeftBehind(epochs []Epoch, writes []*record.Write) (left []*record.Write) {
	newest := epochs[len(epochs)-1]
	for _, w := range writes {
		anywhere := slices.ContainsFunc(epochs, func(e Epoch) bool { return e.has(w.Position) })
		if w.Outcome == record.Done && anywhere && !newest.has(w.Position) {
			left = append(left, w)
		}
	}
	return left
}

// Reversions finds answers from an older epoch by a process that had answered from a newer one.
func Reversions(epochs []Epoch, seen Seen) []Finding {
	found := findings{promise: "no node goes back to a history that it has left"}
	type answer struct {
		record.Where
		record.Span
		position record.Position
	}
	var answers []answer
	for _, w := range seen.Writes {
		if w.Outcome == record.Done {
			answers = append(answers, answer{w.Where, w.Span, w.Position})
		}
	}
	for _, r := range seen.Reads {
		answers = append(answers, answer{r.Where, r.Span, r.Position})
	}
	for i := 1; i < len(epochs); i++ {
		older, newer := epochs[i-1], epochs[i]
		first := map[record.Where]time.Duration{} // :: process → its first answer from the newer epoch
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
				found.add("node %d answered with position %s %v after it had answered from the history that took its place", a.Node, a.position, (a.Call - since).Round(time.Millisecond))
			}
		}
	}
	return found.all()
}

// FirstAcknowledgement returns the time from the beginning of an epoch to the first acknowledged
// write that only this epoch has. It returns false when there was no such write.
func FirstAcknowledgement(before, e Epoch, writes []*record.Write) (time.Duration, bool) {
	first := time.Duration(math.MaxInt64)
	for _, w := range writes {
		if w.Outcome == record.Done && e.has(w.Position) && !before.has(w.Position) {
			first = min(first, w.Return)
		}
	}
	return first - e.Begin, first != math.MaxInt64
}

// CheckEpochs runs all checks on each epoch with the answers that belong to it. Losses are
// acknowledged writes that no epoch has.
func CheckEpochs(epochs []Epoch, seen Seen, patience time.Duration) Verdict {
	v := Verdict{Findings: append(staleReads(epochs, seen), wronglyRefused(epochs, seen)...)}
	for i, part := range Split(epochs, seen) {
		verdict := Check(epochs[i].History, part, patience)
		v.Findings = append(v.Findings, verdict.Findings...)
		v.Undecided = append(v.Undecided, verdict.Undecided...)
		v.Losses += verdict.Losses
		v.Split += verdict.Split
	}
	v.Findings = append(v.Findings, Reversions(epochs, seen)...)
	return v
}

// staleReads finds linearizable reads that began after the end of an epoch and returned a position
// that only this epoch has.
func staleReads(epochs []Epoch, seen Seen) []Finding {
	found := findings{promise: "no read is older than was asked for"}
	for _, r := range seen.Reads {
		for i, e := range epochs[:len(epochs)-1] {
			if r.Linearizable && r.Call > e.End && e.has(r.Position) && !epochs[i+1].has(r.Position) {
				found.add("a linearizable read on node %d is of %s, %v after that history had ended", r.Node, r.Position, r.Call-e.End)
			}
		}
	}
	return found.all()
}

// wronglyRefused finds streams whose position was refused although the newest history contains it.
func wronglyRefused(epochs []Epoch, seen Seen) []Finding {
	found := findings{promise: "a position that was handed out is known as long as it is in the history"}
	newest := epochs[len(epochs)-1]
	for _, s := range seen.Streams {
		if last := s.Last(); s.Refused && last != nil && newest.has(*last) {
			found.add("%s: position %s was refused", s.Name, last)
		}
	}
	return found.all()
}
