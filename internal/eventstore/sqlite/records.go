package sqlite

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"time"

	"configapi/internal/eventstore"
)

func (r *reader) readHead() (eventstore.Head, error) {
	s := r.prepared[headQuery]
	defer r.reset(s)
	found, err := r.step(s)
	if err != nil {
		return eventstore.Head{}, err
	}
	if !found {
		return eventstore.Head{}, errors.New("history_head has no row")
	}
	return r.head(s)
}

// head reads a head from the columns of headQuery.
func (r *reader) head(s statement) (eventstore.Head, error) {
	head := eventstore.Head{Seq: eventstore.Seq(r.integer(s, 0))}
	if head.Seq == 0 {
		return eventstore.Head{}, nil
	}
	head.RecordedAt = time.UnixMicro(r.integer(s, 2)).UTC()
	return head, fill(head.Hash[:], r.bytes(s, 1))
}

const (
	// Most reads return few records; those at start return full pages. A read of more than
	// fewRecords gets the memory of a page at once: see BenchmarkStore.
	fewRecords, pageRecords = 32, 1024
	// checkEvery is how many records are read between two checks of the context.
	checkEvery = 256
)

// onBasis calls read if the history contains the basis. One read transaction sees both, and all
// that read reads: it begins with the first step of a statement and ends when all statements are
// reset.
func (r *reader) onBasis(basis eventstore.Head, read func() error) error {
	if basis.Seq == 0 { // every history contains it
		return r.inSnapshot(read)
	}
	found, err := r.readOne(basisQuery, basis.Seq, func(s statement) error {
		if !bytes.Equal(r.bytes(s, 0), basis.Hash[:]) {
			return diverged(basis)
		}
		return read()
	})
	if err == nil && !found {
		err = diverged(basis)
	}
	return err
}

func diverged(basis eventstore.Head) error {
	return fmt.Errorf("%w: it does not have %s", eventstore.ErrDiverged, basis.Position())
}

// inSnapshot calls read in one read transaction.
func (r *reader) inSnapshot(read func() error) error {
	s := r.prepared[snapshotQuery]
	defer r.reset(s)
	if _, err := r.step(s); err != nil {
		return err
	}
	return read()
}

// recordPage collects the records of a read.
type recordPage struct {
	limit   eventstore.Limit
	records []eventstore.Record
	bytes   int // of their data
}

func newRecordPage(limit eventstore.Limit) recordPage { return recordPage{limit: limit.WithDefaults()} }

// full reports whether the page has reached its limit.
func (p *recordPage) full() bool { return p.left() <= 0 || p.bytes >= p.limit.Bytes }

// left returns how many more records the limit allows.
func (p *recordPage) left() int { return p.limit.Records - len(p.records) }

// addRecord adds the row that a statement is at.
func (r *reader) addRecord(s statement, p *recordPage) error {
	if len(p.records) == fewRecords {
		p.records = slices.Grow(p.records, min(p.limit.Records, pageRecords)-fewRecords)
	}
	p.records = append(p.records, eventstore.Record{})
	last := &p.records[len(p.records)-1]
	if err := r.readRecord(s, last); err != nil {
		return err
	}
	p.bytes += len(last.Data)
	if len(last.Data) >= largeData {
		runtime.Gosched()
	}
	return nil
}

func (r *reader) readRecords(ctx context.Context, q pageQuery) ([]eventstore.Record, error) {
	s := r.prepared[q.query]
	defer r.reset(s)
	if err := r.bind(s, q.args); err != nil {
		return nil, err
	}
	for p := newRecordPage(q.limit); ; {
		if p.full() {
			return p.records, nil
		}
		if len(p.records)%checkEvery == 0 && ctx.Err() != nil {
			return nil, ctx.Err()
		}
		found, err := r.step(s)
		if err != nil {
			return nil, err
		}
		if !found {
			return p.records, nil
		}
		if err := r.addRecord(s, &p); err != nil {
			return nil, err
		}
	}
}

// largeData is how many bytes of data make a record so slow to read that other goroutines get the
// processor before the next one. SQLite runs in this process and never yields by itself: see
// test/hostile.
const largeData = 16 << 10

// recordColumns is how many columns selectEvents has.
const recordColumns = 16

// readRecord reads a record from the columns of selectEvents.
func (r *reader) readRecord(s statement, into *eventstore.Record) error {
	into.Seq = eventstore.Seq(r.integer(s, 0))
	into.Name = string(r.bytes(s, 2))
	into.Version = int(r.integer(s, 3))
	into.Type = r.typeOf(r.bytes(s, 4))
	into.SchemaVersion = int(r.integer(s, 5))
	into.Data = string(r.bytes(s, 6))
	into.Erased = r.null(s, 14)
	into.Actor = r.nullable(s, 7)
	into.Reason = r.nullable(s, 8)
	into.RecordedAt = time.UnixMicro(r.integer(s, 9)).UTC()
	into.ChangeSet = eventstore.Seq(r.integer(s, 11))
	if err := fill(into.Hash[:], r.bytes(s, 1)); err != nil {
		return &eventstore.ChainError{Seq: into.Seq, Problem: "its hash has " + err.Error()}
	}
	if err := fill(into.AppendID[:], r.bytes(s, 10)); err != nil {
		return &eventstore.ChainError{Seq: into.Seq, Problem: "its append id has " + err.Error()}
	}
	return r.readDigest(s, into)
}

// readDigest reads what the digests of a record are of, but for its data.
func (r *reader) readDigest(s statement, into *eventstore.Record) error {
	if err := fill(into.SaltWho[:], r.bytes(s, 13)); err != nil {
		return &eventstore.ChainError{Seq: into.Seq, Problem: "its first salt has " + err.Error()}
	}
	if !into.Erased {
		if err := fill(into.SaltWhat[:], r.bytes(s, 14)); err != nil {
			return &eventstore.ChainError{Seq: into.Seq, Problem: "its second salt has " + err.Error()}
		}
	}
	if err := fill(into.What[:], r.bytes(s, 15)); err != nil {
		return &eventstore.ChainError{Seq: into.Seq, Problem: "its digest has " + err.Error()}
	}
	if r.null(s, 12) {
		return nil
	}
	reverts, err := eventstore.ParsePosition(string(r.bytes(s, 12)))
	if err != nil {
		return &eventstore.ChainError{Seq: into.Seq, Problem: "the position that it reverts is malformed"}
	}
	into.Reverts = &reverts
	return nil
}

// typeOf returns a type as a string. Nearly all records have the type of the record before, so that
// string is used again.
func (r *reader) typeOf(text []byte) string {
	if string(text) != r.lastType {
		r.lastType = string(text)
	}
	return r.lastType
}

func (r *reader) nullable(s statement, column int32) *string {
	if r.null(s, column) {
		return nil
	}
	text := string(r.bytes(s, column))
	return &text
}

func fill(dst, src []byte) error {
	if len(src) != len(dst) {
		return fmt.Errorf("%d bytes instead of %d", len(src), len(dst))
	}
	copy(dst, src)
	return nil
}
