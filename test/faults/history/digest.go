package history

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
)

// longest is how long a value may be for its digest to be the value itself.
const longest = 120

// Digest is a short text that stands for a value: itself, or of a long one its beginning, its length and its SHA-256. So the
// suite can remember what it has seen of large values, and says so legibly.
func Digest(value string) string {
	if len(value) <= longest {
		return value
	}
	sum := sha256.Sum256([]byte(value))
	return fmt.Sprintf("%s…%d bytes, %s", value[:40], len(value), hex.EncodeToString(sum[:8]))
}
