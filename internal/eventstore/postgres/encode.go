package postgres

import (
	"encoding/binary"
	"time"

	"github.com/jackc/pgx/v5/pgtype"

	"configapi/internal/eventstore"
)

// maxKeptBytes is how large a buffer may be to be kept for the next append.
const maxKeptBytes = 1 << 20

// binaryFormat says that all parameters, or all columns, are in PostgreSQL's binary format.
var binaryFormat = []int16{pgtype.BinaryFormatCode}

// encoder writes the parameters of an append in PostgreSQL's binary format. It is written by hand
// because every write uses it: see BenchmarkStore.
type encoder struct {
	eventOID, receiptOID uint32 // of the types event_input and idempotency_input
	buf                  []byte
	ends                 []int
	out                  [7][]byte
}

// append returns the parameters of an append: those about records only if there are records, and
// those about receipts only if there are receipts. They are valid until the next call.
func (e *encoder) append(expected eventstore.Head, records []eventstore.Record, receipts []eventstore.Receipt) [][]byte {
	if cap(e.buf) > maxKeptBytes {
		e.buf = nil
	}
	e.buf, e.ends = e.buf[:0], e.ends[:0]
	e.number(int64(expected.Seq))
	e.end()
	e.buf = append(e.buf, expected.Hash[:]...)
	e.end()
	if n := len(records); n > 0 {
		last := &records[n-1]
		e.number(int64(expected.Seq) + int64(n))
		e.end()
		e.buf = append(e.buf, last.Hash[:]...)
		e.end()
		e.number(microseconds(last.RecordedAt))
		e.end()
		e.array(e.eventOID, n, func(i int) { e.event(&records[i]) })
		e.end()
	}
	if n := len(receipts); n > 0 {
		e.array(e.receiptOID, n, func(i int) { e.receipt(&receipts[i]) })
		e.end()
	}
	start := 0
	for i, end := range e.ends { // only now: the buffer moves while it grows
		e.out[i] = e.buf[start:end:end]
		start = end
	}
	return e.out[:len(e.ends)]
}

// array writes an array of n elements of a type.
func (e *encoder) array(oid uint32, n int, element func(i int)) {
	const dimensions, mayHoldNulls, lowerBound = 1, 0, 1
	for _, field := range []uint32{dimensions, mayHoldNulls, oid, uint32(n), lowerBound} {
		e.buf = binary.BigEndian.AppendUint32(e.buf, field)
	}
	for i := range n {
		at := len(e.buf)
		e.buf = append(e.buf, 0, 0, 0, 0)
		element(i)
		binary.BigEndian.PutUint32(e.buf[at:], uint32(len(e.buf)-at-4))
	}
}

// event writes the columns of one event_input: their number, then type, length and bytes of each.
func (e *encoder) event(r *eventstore.Record) {
	e.buf = binary.BigEndian.AppendUint32(e.buf, 15)
	e.bytes(r.Hash[:])
	e.text(r.Name)
	e.bigint(int64(r.Version))
	e.text(r.Type)
	e.integer(r.SchemaVersion)
	if r.Erased {
		e.header(pgtype.TextOID, -1)
	} else {
		e.text(r.Data)
	}
	e.nullable(r.Actor)
	e.nullable(r.Reason)
	e.instant(r.RecordedAt)
	e.bytes(r.AppendID[:])
	e.bigint(int64(r.ChangeSet))
	if r.Reverts == nil {
		e.header(pgtype.TextOID, -1)
	} else {
		e.text(r.Reverts.String())
	}
	e.bytes(r.SaltWho[:])
	if r.Erased {
		e.header(pgtype.ByteaOID, -1)
	} else {
		e.bytes(r.SaltWhat[:])
	}
	e.bytes(r.What[:])
}

// receipt writes the columns of one idempotency_input.
func (e *encoder) receipt(r *eventstore.Receipt) {
	e.buf = binary.BigEndian.AppendUint32(e.buf, 7)
	e.text(r.Actor)
	e.text(r.Text)
	e.bytes(r.RequestHash[:])
	e.bigint(int64(r.First))
	e.integer(r.EventCount)
	e.instant(r.CreatedAt)
	e.text(eventstore.JoinNames(r.Unchanged))
}

func (e *encoder) header(oid uint32, length int) {
	e.buf = binary.BigEndian.AppendUint32(e.buf, oid)
	e.buf = binary.BigEndian.AppendUint32(e.buf, uint32(length)) // -1: null
}

func (e *encoder) bytes(b []byte) {
	e.header(pgtype.ByteaOID, len(b))
	e.buf = append(e.buf, b...)
}

func (e *encoder) text(s string) {
	e.header(pgtype.TextOID, len(s))
	e.buf = append(e.buf, s...)
}

func (e *encoder) nullable(s *string) {
	if s == nil {
		e.header(pgtype.TextOID, -1)
		return
	}
	e.text(*s)
}

func (e *encoder) integer(n int) {
	e.header(pgtype.Int4OID, 4)
	e.buf = binary.BigEndian.AppendUint32(e.buf, uint32(n))
}

func (e *encoder) instant(t time.Time) {
	e.header(pgtype.TimestamptzOID, 8)
	e.number(microseconds(t))
}

func (e *encoder) bigint(n int64) {
	e.header(pgtype.Int8OID, 8)
	e.number(n)
}

func (e *encoder) number(n int64) { e.buf = binary.BigEndian.AppendUint64(e.buf, uint64(n)) }

func (e *encoder) end() { e.ends = append(e.ends, len(e.buf)) }
