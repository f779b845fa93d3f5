package eventstore

import (
	"cmp"
	"slices"
	"strings"

	"configapi/internal/config"
)

// MaxExamined is how many records one [Store.ReadBack] examines at most, and how many there may be
// between the two seqs of a [Store.ReadNames].
const MaxExamined = 10_000

// Back says what [Store.ReadBack] returns: the records of configs between two seqs that meet all
// conditions. Streams of the server, whose names begin with $, are not configs.
type Back struct {
	After, Before Seq // neither is itself included
	// Names must all be different, at most [config.MaxFilterNames] of them. nil: any name.
	Names      []string
	Prefix     string             // whole leading segments, without the last slash; "": any
	Actor      *string            // nil: any, also none
	Operations []config.Operation // nil: any
	// Examine is how many records are examined at most, 1 to [MaxExamined]; 0 means [MaxExamined].
	// Examined are the records of the names, if there are names, at least one of each; else those
	// of the actor, if there is one; else all.
	Examine int
}

// Selects reports whether a record meets the conditions.
func (q *Back) Selects(r *Record) bool {
	return r.Seq > q.After && r.Seq < q.Before && !config.IsStream(r.Name) &&
		(q.Names == nil || slices.Contains(q.Names, r.Name)) && q.isBelow(r.Name) &&
		(q.Actor == nil || r.Actor != nil && *r.Actor == *q.Actor) &&
		(q.Operations == nil || slices.Contains(q.Operations, operationOf(r)))
}

func (q *Back) isBelow(name string) bool {
	rest, ok := strings.CutPrefix(name, q.Prefix)
	return q.Prefix == "" || ok && (rest == "" || rest[0] == '/')
}

func operationOf(r *Record) config.Operation {
	return config.Event{Type: config.EventType(r.Type), Version: config.Version(r.Version)}.Operation()
}

// Enough returns how many records a page has to examine, of each name if there are names: no more
// than it can hold when all that are examined are selected.
func (q *Back) Enough(limit Limit) int {
	n := cmp.Or(q.Examine, MaxExamined)
	if len(q.Names) > 0 {
		n = max(1, n/len(q.Names))
	}
	if q.Prefix == "" && q.Operations == nil && (q.Names == nil || q.Actor == nil) {
		return min(n, limit.WithDefaults().Records)
	}
	return n
}

// OperationBits are the operations as a set of bits, in the order of their constants: CREATED is 1,
// UPDATED 2, DELETED 4, RESTORED 8. -1: any, also those that this program does not know.
func (q *Back) OperationBits() int64 {
	if q.Operations == nil {
		return -1
	}
	var bits int64
	for i, o := range []config.Operation{config.Created, config.Updated, config.Deleted, config.Restored} {
		if slices.Contains(q.Operations, o) {
			bits |= 1 << i
		}
	}
	return bits
}
