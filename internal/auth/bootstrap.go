package auth

import (
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
)

// MaxBootstrapBytes is the longest file of a first token, in bytes.
const MaxBootstrapBytes = 4 << 10

// bootstrapHeader begins the file of a first token.
const bootstrapHeader = "# The first token of a server, for configapi serve --bootstrap-token-file. It has no secret.\n"

// digestMark stands between the id and the digest in the file of a first token.
const digestMark = " sha256:"

// BootstrapText returns the content of the file from which a server issues its first token: see
// [BootstrapToken]. It has no secret.
func BootstrapText(c Credential) string {
	return fmt.Sprintf("%s%s%s%s%x\n", bootstrapHeader, secretPrefix, c.ID, digestMark, c.Digest)
}

// ParseBootstrap reads the content of the file of a first token: one line, besides empty ones and
// comments. The error is the rest of a sentence about the file. It does not repeat the line, since
// that may be a secret.
func ParseBootstrap(text string) (Credential, error) {
	if len(text) > MaxBootstrapBytes {
		return Credential{}, fmt.Errorf("has more than %d bytes", MaxBootstrapBytes)
	}
	var found []string
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
			found = append(found, line)
		}
	}
	if len(found) != 1 {
		return Credential{}, fmt.Errorf("has %d tokens, not one", len(found))
	}
	id, digest, _ := strings.Cut(found[0], digestMark)
	if _, err := ParseSecret(strings.TrimSpace(id)); err == nil {
		return Credential{}, errors.New("has a secret; keep that elsewhere")
	}
	var c Credential
	var err error
	if c.ID, err = ParsePublicID(id); err != nil {
		return Credential{}, errors.New("must have one line, cfg_ID sha256:DIGEST")
	}
	if len(digest) != hex.EncodedLen(len(c.Digest)) {
		return Credential{}, errNoDigest
	}
	if _, err := hex.Decode(c.Digest[:], []byte(digest)); err != nil {
		return Credential{}, errNoDigest
	}
	return c, nil
}

var errNoDigest = errors.New("must have a digest of 64 hex digits")
