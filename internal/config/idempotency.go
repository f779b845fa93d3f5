package config

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
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

// RequestHash returns a SHA-256 over all of a command except its idempotency key: it distinguishes
// the command from any other with the same key. It is stored, so its format never changes:
// "configapi-request1", then each field after its length in 4 bytes, big endian, where 0xFFFFFFFF
// marks an absent field. The fields are kind, name, value, expected version (8 bytes),
// onlyIfChanged (1 byte), reason, and each condition as its String. The kind of a set with
// RestoreDeleted is "set or restore".
func RequestHash(cmd Command) [sha256.Size]byte {
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
	b := append(make([]byte, 0, 512), "configapi-request1"...)
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
		b = binary.BigEndian.AppendUint64(append(b, 0, 0, 0, 8), uint64(*version))
	}
	b = append(b, 0, 0, 0, 1, onlyIfChanged)
	b = appendField(b, cmd.Why().String())
	for _, condition := range cmd.conditions() {
		b = appendField(b, condition.String())
	}
	return sha256.Sum256(b)
}

func appendField(b []byte, text string) []byte {
	return append(binary.BigEndian.AppendUint32(b, uint32(len(text))), text...)
}

func appendAbsent(b []byte) []byte { return binary.BigEndian.AppendUint32(b, 0xFFFFFFFF) }
