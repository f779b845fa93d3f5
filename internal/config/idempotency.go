package config

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"slices"
)

// MaxIdempotencyKeyBytes is the longest idempotency key, in bytes.
const MaxIdempotencyKeyBytes = 64

// IdempotencyKey is a text that a client chooses to be able to send a request again: 1 to 64
// printable ASCII characters. The zero IdempotencyKey means that there is none.
type IdempotencyKey struct{ text string }

// ParseIdempotencyKey checks an idempotency key. The error is an [*InvalidError].
func ParseIdempotencyKey(text string) (IdempotencyKey, error) {
	if rule := brokenKeyRule(text); rule != "" {
		return IdempotencyKey{}, &InvalidError{Field: "idempotencyKey", Rule: rule}
	}
	return IdempotencyKey{text}, nil
}

// String returns the key as it was parsed, "" when there is none.
func (k IdempotencyKey) String() string { return k.text }

func brokenKeyRule(text string) string {
	switch {
	case text == "":
		return "is empty"
	case len(text) > MaxIdempotencyKeyBytes:
		return fmt.Sprintf("has %d bytes; at most %d are allowed", len(text), MaxIdempotencyKeyBytes)
	}
	for i := range len(text) {
		if text[i] < ' ' || text[i] > '~' {
			return "may hold only printable ASCII characters"
		}
	}
	return ""
}

// RequestHash returns a SHA-256 over all that a change set asks for, but not over its idempotency
// key: it distinguishes the set from any other with the same key. It is stored, so its format never
// changes: "configapi-request2", then each field after its length in 4 bytes, big endian, where
// 0xFFFFFFFF marks an absent field. Numbers are 8 bytes, big endian. The fields are:
//
//   - the kind: "changes", or "asked" when the set has Asked. After "asked" come only Asked and the
//     reason.
//   - the seq and the hash of AsSeenAt, absent or not, then the reason.
//   - for each change, in order: its kind, name, value, expected version, onlyIfChanged (1 byte),
//     the number of its conditions, and each condition as its String. The kind of a set with
//     RestoreDeleted is "set or restore".
func RequestHash(set *ChangeSet) [sha256.Size]byte {
	var space [512]byte // enough for most requests, which then allocate nothing
	b := append(space[:0], "configapi-request2"...)
	if set.Asked != nil {
		b = appendField(b, "asked")
		return sha256.Sum256(appendField(appendField(b, string(set.Asked)), set.Reason.text))
	}
	b = appendField(b, "changes")
	if seen := set.AsSeenAt; seen == nil {
		b = appendAbsent(appendAbsent(b))
	} else {
		b = appendField(appendNumber(b, seen.Seq), string(seen.Hash[:]))
	}
	b = appendField(b, set.Reason.text)
	if len(set.Changes) == 1 {
		return sha256.Sum256(appendChange(b, set.Changes[0].Command))
	}
	return hashChanges(slices.Clone(b), set.Changes) // a copy, so that b stays on the stack
}

// hashChanges hashes changes behind the bytes b.
func hashChanges(b []byte, changes []Change) [sha256.Size]byte {
	hash := sha256.New()
	for i := range changes {
		hash.Write(b)
		b = appendChange(b[:0], changes[i].Command)
	}
	hash.Write(b)
	return [sha256.Size]byte(hash.Sum(nil))
}

func appendChange(b []byte, cmd Command) []byte {
	var (
		kind          string
		value         *Value
		onlyIfChanged byte
	)
	switch c := cmd.(type) {
	case Set:
		kind, value = "set", &c.Value
		if c.OnlyIfChanged {
			onlyIfChanged = 1
		}
		if c.RestoreDeleted {
			kind = "set or restore"
		}
	case Delete:
		kind = "delete"
	case Restore:
		kind, value = "restore", c.Value
	}
	b = appendField(b, kind)
	b = appendField(b, cmd.Target().String())
	if value == nil {
		b = appendAbsent(b)
	} else {
		b = appendField(b, value.String())
	}
	if version := cmd.expected(); version == nil {
		b = appendAbsent(b)
	} else {
		b = appendNumber(b, int64(*version))
	}
	b = append(b, 0, 0, 0, 1, onlyIfChanged)
	b = appendNumber(b, int64(len(cmd.conditions())))
	for _, condition := range cmd.conditions() {
		b = appendField(b, condition.String())
	}
	return b
}

func appendNumber(b []byte, n int64) []byte {
	return binary.BigEndian.AppendUint64(append(b, 0, 0, 0, 8), uint64(n))
}

func appendField(b []byte, text string) []byte {
	return append(binary.BigEndian.AppendUint32(b, uint32(len(text))), text...)
}

func appendAbsent(b []byte) []byte { return binary.BigEndian.AppendUint32(b, 0xFFFFFFFF) }
