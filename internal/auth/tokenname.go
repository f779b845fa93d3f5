package auth

import (
	"fmt"
	"strings"

	"configapi/internal/config"
)

// MaxTokenNameBytes is the longest name of a token, in bytes.
const MaxTokenNameBytes = 64

// Names that are the actors of callers without a token from [IssueToken].
const (
	// LocalName is the actor of commands that work directly on a store: see [Local].
	LocalName = "local"
	// BootstrapName is the name of the token that a server issues at its start: see
	// [BootstrapToken].
	BootstrapName = "bootstrap"
)

// TokenName is the name of a token: the actor of what is done with it. [ParseTokenName] makes only
// valid ones; the zero TokenName is not valid.
type TokenName struct{ text string }

// ParseTokenName checks a name: 1 to 64 bytes of ASCII letters, digits, `_`, `-` and `.`, but not
// `.` or `..`, which no path of a URL keeps. The error is a [*config.InvalidError] that names the
// broken rule.
func ParseTokenName(text string) (TokenName, error) {
	rule := ""
	switch {
	case text == "":
		rule = "is empty"
	case len(text) > MaxTokenNameBytes:
		rule = fmt.Sprintf("has %d bytes; at most %d are allowed", len(text), MaxTokenNameBytes)
	case text == "." || text == "..":
		rule = "may be neither . nor .."
	case strings.Trim(text, tokenNameBytes) != "":
		rule = "may hold only letters, digits, and _ - ."
	}
	if rule != "" {
		return TokenName{}, &config.InvalidError{Field: "name", Rule: rule}
	}
	return TokenName{text}, nil
}

const tokenNameBytes = "_-.0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

// String returns the name as it was parsed, or "" for the zero TokenName.
func (n TokenName) String() string { return n.text }

// tokenStreams begins the names of the streams of tokens in the history.
const tokenStreams = config.StreamPrefix + "token/"

// Stream returns the name of the stream in the history that has the token's events.
func (n TokenName) Stream() string { return TokenStream(n.text) }

// TokenStream returns the name of the stream that a token of some name has. The text need not be a
// valid name: the result is a bound for ranges of streams then.
func TokenStream(name string) string { return tokenStreams + name }

// IsTokenStream reports whether a stream in the history is that of a token.
func IsTokenStream(stream string) bool { return strings.HasPrefix(stream, tokenStreams) }
