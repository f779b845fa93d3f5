package postgres

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"time"

	"configapi/internal/eventstore"
)

// epoch is the year 2000, where PostgreSQL's times start, in microseconds since 1970.
const epoch = 946_684_800_000_000

func microseconds(t time.Time) int64 { return t.UnixMicro() - epoch }

// page collects records up to the limit of one read.
type page struct {
	limit   eventstore.Limit // without zero fields
	records []eventstore.Record
	bytes   int // of data
}

// take adds a row of events unless the page is full.
func (p *page) take(row [][]byte) (more bool, err error) {
	if p.bytes >= p.limit.Bytes {
		return false, nil
	}
	if len(p.records) == cap(p.records) {
		p.grow()
	}
	p.records = append(p.records, eventstore.Record{})
	r := &p.records[len(p.records)-1]
	p.bytes += len(row[6])
	return true, p.scan(r, row)
}

// basisPage is the page of a statement that begins with onBasis.
type basisPage struct {
	page
	onBasis bool
}

// take adds a row if it has a record.
func (p *basisPage) take(row [][]byte) (more bool, err error) {
	p.onBasis = holds(row)
	if row[0] == nil { // no record
		return true, nil
	}
	return p.page.take(row)
}

// holds returns the last column of a statement on a basis.
func holds(row [][]byte) bool {
	proof := row[len(row)-1]
	return proof[0] == 't' || proof[0] == 1 // in text or in binary format
}

// grow makes space for eight times as many records: most reads return either a few records or a
// full page. See the pages in BenchmarkStore.
func (p *page) grow() {
	n := min(max(16, 8*len(p.records)), max(p.limit.Records, 1))
	p.records = slices.Grow(p.records, n-len(p.records))
}

// scan reads a row with the columns of selectEvents.
func (p *page) scan(r *eventstore.Record, row [][]byte) error {
	r.Seq = eventstore.Seq(integer(row[0]))
	r.Name = string(row[2])
	r.Version = int(integer(row[3]))
	r.SchemaVersion = int(int32(binary.BigEndian.Uint32(row[5])))
	r.Data = string(row[6])
	r.RecordedAt = instant(row[9])
	r.ChangeSet = eventstore.Seq(integer(row[11]))
	r.Erased = row[14] == nil
	// Type, actor and reason are often those of the record before, whose strings are then used
	// again.
	var before eventstore.Record
	if n := len(p.records); n > 1 {
		before = p.records[n-2]
	}
	r.Type = before.Type
	if r.Type != string(row[4]) {
		r.Type = string(row[4])
	}
	r.Actor = nullable(before.Actor, row[7])
	r.Reason = nullable(before.Reason, row[8])
	if err := fill(r.Hash[:], row[1]); err != nil {
		return &eventstore.ChainError{Seq: r.Seq, Problem: "its hash: " + err.Error()}
	}
	if err := fill(r.AppendID[:], row[10]); err != nil {
		return &eventstore.ChainError{Seq: r.Seq, Problem: "its append id: " + err.Error()}
	}
	return scanDigest(r, row)
}

// scanDigest reads what the digests of a record are of, but for its data.
func scanDigest(r *eventstore.Record, row [][]byte) error {
	if err := fill(r.SaltWho[:], row[13]); err != nil {
		return &eventstore.ChainError{Seq: r.Seq, Problem: "its first salt: " + err.Error()}
	}
	if !r.Erased {
		if err := fill(r.SaltWhat[:], row[14]); err != nil {
			return &eventstore.ChainError{Seq: r.Seq, Problem: "its second salt: " + err.Error()}
		}
	}
	if err := fill(r.What[:], row[15]); err != nil {
		return &eventstore.ChainError{Seq: r.Seq, Problem: "its digest: " + err.Error()}
	}
	if row[12] == nil {
		return nil
	}
	reverts, err := eventstore.ParsePosition(string(row[12]))
	if err != nil {
		return &eventstore.ChainError{Seq: r.Seq, Problem: "the position that it reverts is malformed"}
	}
	r.Reverts = &reverts
	return nil
}

// headRow takes the row of selectHead.
type headRow struct {
	head  eventstore.Head
	found bool
}

var errNoHead = errors.New("the row of history_head is missing")

func (r *headRow) take(row [][]byte) (more bool, err error) {
	r.head = eventstore.Head{Seq: eventstore.Seq(integer(row[0])), RecordedAt: instant(row[2])}
	r.found = true
	return true, fill(r.head.Hash[:], row[1])
}

func (r *headRow) get() (eventstore.Head, error) {
	if !r.found {
		return eventstore.Head{}, errNoHead
	}
	return r.head, nil
}

func integer(b []byte) int64 { return int64(binary.BigEndian.Uint64(b)) }

func instant(b []byte) time.Time { return time.UnixMicro(integer(b) + epoch).UTC() }

func nullable(before *string, b []byte) *string {
	if b == nil {
		return nil
	}
	if before != nil && *before == string(b) {
		return before
	}
	text := string(b)
	return &text
}

func fill(dst, src []byte) error {
	if len(src) != len(dst) {
		return fmt.Errorf("%d bytes instead of %d", len(src), len(dst))
	}
	copy(dst, src)
	return nil
}
