package auth

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"hash/crc32"
	"math/big"
	"regexp"
	"strings"
)

// A secret is the text that proves who calls:
//
//	cfg_ + public id + _ + key + checksum
//
// The public id has 22 digits for 128 random bits, the key 43 digits for 256 random bits, and the
// checksum 6 digits for the CRC-32 (IEEE) of all text before it. The digits are 0-9, a-z and A-Z,
// the most significant one first. So a mistyped secret is recognised without a look-up, scanners
// find leaked ones, and a double click selects the whole text.
const (
	secretPrefix = "cfg_"
	idDigits     = 22
	keyDigits    = 43
	sumDigits    = 6
	secretLength = len(secretPrefix) + idDigits + len("_") + keyDigits + sumDigits
)

// Reasons why a caller is not known. [ErrMalformed], [ErrNotValid] and [ErrNoToken] show nothing of
// the tokens of a server.
var (
	// ErrMalformed says that a text is no secret: the history need not be asked.
	ErrMalformed = errors.New("the token is mistyped or cut off; give it as it was shown: cfg_ and 72 more characters")
	// ErrNotValid says that a secret is none of a token that is in force. It does not say whether
	// it is unknown, was revoked or has expired.
	ErrNotValid = errors.New("the token is not valid; ask for another one")
	// ErrRevoked says that a stream has ended because its token was revoked, or its secret
	// replaced.
	ErrRevoked = errors.New("the token was revoked, or its secret was replaced; use another one")
	// ErrExpired says that a stream has ended because its token or its secret has expired.
	ErrExpired = errors.New("the token has expired; use another one")
	// ErrChanged says that a stream has ended, or does not go on from a position, because what its
	// caller may read has changed.
	ErrChanged = errors.New("what you may read has changed; read it anew, and drop what is no longer there")
	// ErrNoToken says that a request without a token has come to a server that needs one.
	ErrNoToken = errors.New("a token is needed; send it as `Authorization: Bearer cfg_…`")
)

// secretText matches what begins like a secret, also one that is mistyped or cut off, and one with
// the escapes of a URL.
var secretText = regexp.MustCompile(`(cfg(?:_|%5[Ff])[0-9A-Za-z]{22})(?:_|%5[Ff])[0-9A-Za-z]+`)

// HideSecrets returns a text for a log or for a message, in which of each secret its public id is
// left alone.
func HideSecrets(text string) string {
	if !strings.Contains(text, "cfg") { // most texts
		return text
	}
	return secretText.ReplaceAllString(text, "${1}_***")
}

// PublicID is the part of a secret that may be shown: a leaked secret is found by it. It is unique
// among all secrets, and "" is none.
type PublicID string

// ParsePublicID reads a public id, with or without the prefix cfg_, or takes it from a whole
// secret. The error is [ErrMalformed].
func ParsePublicID(text string) (PublicID, error) {
	if c, err := ParseSecret(text); err == nil {
		return c.ID, nil
	}
	text = strings.TrimPrefix(text, secretPrefix)
	if len(text) != idDigits || !areDigits(text) {
		return "", ErrMalformed
	}
	return PublicID(text), nil
}

// Credential is what a server keeps of a secret. The secret cannot be computed from it.
type Credential struct {
	ID PublicID
	// Digest is the SHA-256 of the secret's text. The secret is random, so that a slow hash would
	// add nothing.
	Digest [sha256.Size]byte
}

// NewSecret returns the text of a new secret, for its owner, and the credential that a server
// keeps. The text must not be stored.
func NewSecret() (text string, kept Credential) {
	text = secretPrefix + randomDigits(16, idDigits) + "_" + randomDigits(32, keyDigits)
	text += checksum(text)
	return text, credentialOf(text)
}

// ParseSecret checks the form of a secret, and returns what a server keeps of it. The error is
// [ErrMalformed]. Nothing here depends on secrets of the server, so the time that it takes shows
// nothing.
func ParseSecret(text string) (Credential, error) {
	rest, ok := strings.CutPrefix(text, secretPrefix)
	if !ok || len(text) != secretLength || rest[idDigits] != '_' || !areDigits(rest[:idDigits]) || !areDigits(rest[idDigits+1:]) {
		return Credential{}, ErrMalformed
	}
	if summed := len(text) - sumDigits; text[summed:] != checksum(text[:summed]) {
		return Credential{}, ErrMalformed
	}
	return credentialOf(text), nil
}

// Matches reports whether both are of the same secret. How long it takes does not depend on the
// digests.
func (c Credential) Matches(other Credential) bool {
	return c.ID == other.ID && subtle.ConstantTimeCompare(c.Digest[:], other.Digest[:]) == 1
}

func credentialOf(secret string) Credential {
	id := strings.Clone(secret[len(secretPrefix):][:idDigits]) // a part would keep the secret in memory
	return Credential{PublicID(id), sha256.Sum256([]byte(secret))}
}

func checksum(text string) string {
	return digits(new(big.Int).SetUint64(uint64(crc32.ChecksumIEEE([]byte(text)))), sumDigits)
}

func randomDigits(bytes, n int) string {
	random := make([]byte, bytes)
	_, _ = rand.Read(random) // never fails: crypto/rand ends the program first
	return digits(new(big.Int).SetBytes(random), n)
}

// digits writes a number as n digits of base 62.
func digits(number *big.Int, n int) string { return fmt.Sprintf("%0*s", n, number.Text(62)) }

func areDigits(text string) bool {
	for _, b := range []byte(text) {
		if (b < '0' || b > '9') && (b < 'a' || b > 'z') && (b < 'A' || b > 'Z') {
			return false
		}
	}
	return true
}
