package eventstore

import (
	"errors"
	"fmt"
	"math/bits"

	"configapi/internal/config"
)

// Erasures are the erased events of a history, as its events show them, one after the other from
// its first event on. An erased event is explained once a later event of the same history says that
// it erases it; until then the history may have been changed. The zero Erasures is that of an empty
// history. It takes a bit for each event at most.
type Erasures struct {
	erased      seqSet // that an event says it erases
	unexplained seqSet // that were erased, and that no event so far says it erases
}

// Check returns an error if revisions, which follow those added so far, say that they erase what is
// not before them. The error is a [*ChainError].
func (e *Erasures) Check(revisions []*Revision) error {
	for _, r := range revisions {
		if r.Stream == nil {
			continue
		}
		for _, seq := range r.Stream.Erases {
			if seq < 1 || Seq(seq) >= r.Seq {
				return &ChainError{r.Seq, fmt.Sprintf("it erases position %d, which is not before it", seq)}
			}
		}
	}
	return nil
}

// Add adds revisions that [Erasures.Check] accepts.
func (e *Erasures) Add(revisions []*Revision) {
	for _, r := range revisions {
		if r.Erased {
			e.unexplained.add(r.Seq)
		}
		if r.Stream == nil {
			continue
		}
		for _, seq := range r.Stream.Erases {
			e.erased.add(Seq(seq))
			e.unexplained.remove(Seq(seq))
		}
	}
}

// AddRecords is [Erasures.Check] and [Erasures.Add] for records that need not be decoded. It
// ignores events of kinds that the codec does not know.
func (e *Erasures) AddRecords(codec config.Codec, records []Record) error {
	for i := range records {
		r := &records[i]
		revision := &Revision{Seq: r.Seq, Event: config.Event{Erased: r.Erased}}
		if config.IsStream(r.Name) {
			decoded, err := DecodeFacts(codec, records[i:i+1])
			var unknown *config.UnknownEventError
			switch {
			case err == nil:
				revision = decoded[0]
			case !errors.As(err, &unknown):
				return err
			}
		}
		if !revision.Erased && revision.Stream == nil {
			continue
		}
		one := []*Revision{revision}
		if err := e.Check(one); err != nil {
			return err
		}
		e.Add(one)
	}
	return nil
}

// Erased reports whether an event says that it erases the one at a seq.
func (e *Erasures) Erased(seq Seq) bool { return e.erased.has(seq) }

// Explain removes events from those that need an event which says that it erases them, if it is
// known in another way that there is one.
func (e *Erasures) Explain(isErased func(Seq) bool) {
	for number, block := range e.unexplained {
		for i := range Seq(1 << 12) {
			if seq := number<<12 | i; block[i>>6]>>(i&63)&1 == 1 && isErased(seq) {
				e.unexplained.remove(seq)
			}
		}
	}
}

// Unexplained returns a [*ChainError] about the first erased event that no event says it erases, or
// nil if there is none. It is for the end of a history.
func (e *Erasures) Unexplained() error {
	if seq, found := e.unexplained.first(); found {
		return &ChainError{seq, "its data is missing, and no later event says that it was erased"}
	}
	return nil
}

// seqSet is a set of seqs. A block of it has a bit for each of 4096 seqs.
type seqSet map[Seq]*[64]uint64 // :: seq / 4096 → bits

func (s *seqSet) add(seq Seq) {
	if *s == nil {
		*s = make(seqSet)
	}
	block := (*s)[seq>>12]
	if block == nil {
		block = new([64]uint64)
		(*s)[seq>>12] = block
	}
	block[seq>>6&63] |= 1 << (seq & 63)
}

func (s *seqSet) remove(seq Seq) {
	block := (*s)[seq>>12]
	if block == nil {
		return
	}
	if block[seq>>6&63] &^= 1 << (seq & 63); *block == [64]uint64{} {
		delete(*s, seq>>12)
	}
}

func (s *seqSet) has(seq Seq) bool {
	block := (*s)[seq>>12]
	return block != nil && block[seq>>6&63]>>(seq&63)&1 == 1
}

// first returns the smallest seq of the set. No block is empty.
func (s *seqSet) first() (first Seq, found bool) {
	for number, block := range *s {
		for i, word := range block {
			if word == 0 {
				continue
			}
			if seq := number<<12 | Seq(i<<6|bits.TrailingZeros64(word)); !found || seq < first {
				first, found = seq, true
			}
			break
		}
	}
	return first, found
}
