package eventstore

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
)

// chainDomain, whoDomain and whatDomain begin the hashed bytes, so that hashes of another format,
// and digests of another kind, are different.
const (
	chainDomain = "configapi2"
	whoDomain   = "who"
	whatDomain  = "what"
)

// nullLength takes the place of the length of a field that is null.
const nullLength = 0xFFFFFFFF

// Chain computes the hashes of records. The zero Chain is ready to use. A Chain keeps a buffer
// between calls (see BenchmarkHash), so it must not be used by several goroutines at once.
//
// A hash is the SHA-256 of "configapi2", the previous record's hash, and seq, time, change set and
// two digests of the record:
//
//   - who is the SHA-256 of "who", SaltWho, append id, seq, name, version, type, schema version,
//     actor, reason, and the text of reverts. It is not stored.
//   - what is the SHA-256 of "what", SaltWhat and Data. It is [Record].What.
//
// So a value can be erased, and a copy can leave out names, and the hashes still verify. Each field
// but the domain texts and the previous hash follows its length in 4 bytes, big endian. Numbers are
// 8 bytes, big endian; times are in µs since 1970. A null has the length 0xFFFFFFFF and no bytes.
type Chain struct {
	buf   []byte
	salts []byte // random bytes that no record has got yet
	drawn int    // for how many records salts were drawn last
}

// Hash returns the hash of a record that follows the one with the hash previous. It ignores r.Hash,
// and does not compare r.What with the data: see [Chain.What].
func (c *Chain) Hash(previous Hash, r *Record) Hash {
	who := c.Who(r)
	b := c.begin(chainDomain)
	b = append(b, previous[:]...)
	b = appendNumber(b, int64(r.Seq))
	b = appendNumber(b, r.RecordedAt.UnixMicro())
	b = appendNumber(b, int64(r.ChangeSet))
	b = appendBytes(b, who[:])
	b = appendBytes(b, r.What[:])
	c.buf = b
	return sha256.Sum256(b)
}

// Who returns the digest that covers the author, the config and the reason of a change.
func (c *Chain) Who(r *Record) Digest {
	b := c.begin(whoDomain)
	b = appendBytes(b, r.SaltWho[:])
	b = appendBytes(b, r.AppendID[:])
	b = appendNumber(b, int64(r.Seq))
	b = appendText(b, r.Name)
	b = appendNumber(b, int64(r.Version))
	b = appendText(b, r.Type)
	b = appendNumber(b, int64(r.SchemaVersion))
	b = appendNullable(b, r.Actor)
	b = appendNullable(b, r.Reason)
	if r.Reverts == nil {
		b = binary.BigEndian.AppendUint32(b, nullLength)
	} else {
		b = appendText(b, r.Reverts.String())
	}
	c.buf = b
	return sha256.Sum256(b)
}

// What returns the digest of a record's data. That of an erased record is no longer computable.
func (c *Chain) What(r *Record) Digest {
	b := c.begin(whatDomain)
	b = appendBytes(b, r.SaltWhat[:])
	if len(r.Data) > hashedPiece {
		return c.inPieces(b, r.Data)
	}
	b = appendText(b, r.Data)
	c.buf = b
	return sha256.Sum256(b)
}

// hashedPiece is how many bytes of a text are hashed at a time, so that the buffer stays small.
const hashedPiece = 8 << 10

// inPieces returns the digest of what is in the buffer b and of a long text after it.
func (c *Chain) inPieces(b []byte, text string) (sum Digest) {
	h := sha256.New()
	h.Write(binary.BigEndian.AppendUint32(b, uint32(len(text)))) // never fails
	for len(text) > 0 {
		n := min(hashedPiece, len(text))
		b = append(b[:0], text[:n]...)
		h.Write(b)
		text = text[n:]
	}
	c.buf = b
	h.Sum(sum[:0])
	return sum
}

// begin returns the buffer with the text that begins what is hashed. The bytes of most records fit
// in it, so that it does not grow step by step.
func (c *Chain) begin(domain string) []byte {
	if c.buf == nil {
		c.buf = make([]byte, 0, 512)
	}
	return append(c.buf[:0], domain...)
}

// Seal makes records follow a head: it sets their seqs, salts, digests, hashes and append id, and
// makes each record whose ChangeSet is 0 a change set of its own. It returns the head that the
// records lead to. The caller sets version, time and all other fields before.
func (c *Chain) Seal(head Head, id AppendID, records []Record) Head {
	for i := range records {
		r := &records[i]
		r.Seq = head.Seq + 1
		r.AppendID = id
		if r.ChangeSet == 0 {
			r.ChangeSet = r.Seq
		}
		c.salt(r, len(records)-i)
		r.What = c.What(r)
		r.Hash = c.Hash(head.Hash, r)
		head = HeadOf(r)
	}
	return head
}

// maxDrawn is for how many records salts are drawn at once.
const maxDrawn = 1024

// salt gives a record its salts. The first of them that the Chain draws are for so many records as
// are to come, and then for twice as many as before: a single draw costs as much as a hash.
func (c *Chain) salt(r *Record, toCome int) {
	const bytes = len(r.SaltWho) + len(r.SaltWhat)
	if len(c.salts) == 0 {
		c.drawn = min(max(2*c.drawn, toCome), maxDrawn)
		c.salts = make([]byte, c.drawn*bytes)
		_, _ = rand.Read(c.salts) // never fails: crypto/rand ends the program first
	}
	r.SaltWho = Salt(c.salts)
	r.SaltWhat = Salt(c.salts[len(r.SaltWho):])
	c.salts = c.salts[bytes:]
}

// Verify checks that records follow a head, one after the other: seqs, times, digests and hashes.
// It returns the head that the records lead to. The error is a [*ChainError] about the first record
// that does not follow; then the head returned is that of the last record that does.
//
// Verify accepts an erased record. The caller checks that a later event says so.
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
		case r.Erased && (r.Data != "" || r.SaltWhat != Salt{}):
			return head, &ChainError{r.Seq, "it has only a part of its data"}
		case !r.Erased && r.What != c.What(r):
			return head, &ChainError{r.Seq, "its data does not match its digest"}
		}
		head = HeadOf(r)
	}
	return head, nil
}

func appendText(b []byte, text string) []byte {
	b = binary.BigEndian.AppendUint32(b, uint32(len(text)))
	return append(b, text...)
}

func appendBytes(b, field []byte) []byte {
	b = binary.BigEndian.AppendUint32(b, uint32(len(field)))
	return append(b, field...)
}

func appendNumber(b []byte, n int64) []byte {
	b = binary.BigEndian.AppendUint32(b, 8)
	return binary.BigEndian.AppendUint64(b, uint64(n))
}

func appendNullable(b []byte, text *string) []byte {
	if text == nil {
		return binary.BigEndian.AppendUint32(b, nullLength)
	}
	return appendText(b, *text)
}
