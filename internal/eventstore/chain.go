package eventstore

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
)

// chainDomain begins the bytes of every hash, so that hashes of another format are different.
const chainDomain = "configapi1"

// nullLength takes the place of the length of a field that is null.
const nullLength = 0xFFFFFFFF

// Chain computes the hashes of records. The zero Chain is ready to use. A Chain keeps a buffer
// between calls (see BenchmarkHash), so it must not be used by several goroutines at once.
//
// A hash is SHA-256 over "configapi1", the previous record's hash, and each field after its length
// in 4 bytes, big endian: seq, name, version, type, schema version, data, actor, reason, time in
// µs since 1970, append id, change set. Numbers are 8 bytes, big endian. A null has the length
// 0xFFFFFFFF and no bytes.
type Chain struct{ buf []byte }

// Hash returns the hash of a record that follows the one with the hash previous. It ignores r.Hash.
func (c *Chain) Hash(previous Hash, r *Record) Hash {
	b := append(c.buf[:0], chainDomain...)
	b = append(b, previous[:]...)
	b = appendNumber(b, int64(r.Seq))
	b = appendField(b, r.Name)
	b = appendNumber(b, int64(r.Version))
	b = appendField(b, r.Type)
	b = appendNumber(b, int64(r.SchemaVersion))
	b = appendField(b, r.Data)
	b = appendNullable(b, r.Actor)
	b = appendNullable(b, r.Reason)
	b = appendNumber(b, r.RecordedAt.UnixMicro())
	b = binary.BigEndian.AppendUint32(b, uint32(len(r.AppendID)))
	b = append(b, r.AppendID[:]...)
	b = appendNumber(b, int64(r.ChangeSet))
	c.buf = b
	return sha256.Sum256(b)
}

// Seal makes records follow a head: it sets their seqs, hashes and append id, and makes each record
// whose ChangeSet is 0 a change set of its own. It returns the head that the records lead to. The
// caller sets version, time and all other fields before.
func (c *Chain) Seal(head Head, id AppendID, records []Record) Head {
	for i := range records {
		r := &records[i]
		r.Seq = head.Seq + 1
		r.AppendID = id
		if r.ChangeSet == 0 {
			r.ChangeSet = r.Seq
		}
		r.Hash = c.Hash(head.Hash, r)
		head = HeadOf(r)
	}
	return head
}

// Verify checks that records follow a head, one after the other: seqs, times and hashes. It returns
// the head that the records lead to. The error is a [*ChainError] about the first record that does
// not follow; then the head returned is that of the last record that does.
func (c *Chain) Verify(head Head, records []Record) (Head, error) {
	for i := range records {
		r := &records[i]
		switch {
		case r.Seq != head.Seq+1:
			return head, &ChainError{head.Seq + 1, fmt.Sprintf("the next record has position %d", r.Seq)}
		case r.RecordedAt.UnixMicro() <= head.RecordedAt.UnixMicro():
			return head, &ChainError{r.Seq, "its time is not after that of the record before"}
		case r.Hash != c.Hash(head.Hash, r):
			return head, &ChainError{r.Seq, "its hash does not match its contents and the hash before"}
		}
		head = HeadOf(r)
	}
	return head, nil
}

func appendField(b []byte, text string) []byte {
	b = binary.BigEndian.AppendUint32(b, uint32(len(text)))
	return append(b, text...)
}

func appendNumber(b []byte, n int64) []byte {
	b = binary.BigEndian.AppendUint32(b, 8)
	return binary.BigEndian.AppendUint64(b, uint64(n))
}

func appendNullable(b []byte, text *string) []byte {
	if text == nil {
		return binary.BigEndian.AppendUint32(b, nullLength)
	}
	return appendField(b, *text)
}
