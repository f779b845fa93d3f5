package object

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"strings"

	"configapi/internal/auth"
	"configapi/internal/config"
	"configapi/internal/eventstore"
)

// A global id is base64url of a letter for the type of the object, a colon, and the object's name
// or position. Revisions of dry runs, which do not exist, have a random text instead.
const (
	configKind   = "c:"
	revisionKind = "r:"
	tokenKind    = "t:"
	plannedKind  = "d:"
)

// ErrMalformedID refuses a text that is no global id.
var ErrMalformedID = errors.New("this is not an id that this server gave")

// ConfigID returns the global id of a config, which need not exist.
func ConfigID(name config.Name) string { return encode(configKind + name.String()) }

// RevisionID returns the global id of the revision at a position.
func RevisionID(at eventstore.Position) string { return encode(revisionKind + at.String()) }

// plannedID returns the id of a revision that does not exist. [ParseID] refuses it.
func plannedID() string { return encode(plannedKind + rand.Text()) }

// TokenID returns the global id of a token.
func TokenID(name auth.TokenName) string { return encode(tokenKind + name.String()) }

// Identified is what a global id names: one of its fields is not zero.
type Identified struct {
	Config   config.Name
	Revision eventstore.Position
	Token    auth.TokenName
}

// ParseID reads a global id. The error is [ErrMalformedID].
func ParseID(id string) (Identified, error) {
	text, err := base64.RawURLEncoding.Strict().DecodeString(id)
	if err != nil || encode(string(text)) != id { // base64 skips line ends
		return Identified{}, ErrMalformedID
	}
	if name, is := strings.CutPrefix(string(text), configKind); is {
		if name, err := config.ParseName(name); err == nil {
			return Identified{Config: name}, nil
		}
	}
	if position, is := strings.CutPrefix(string(text), revisionKind); is {
		if at, err := eventstore.ParsePosition(position); err == nil {
			return Identified{Revision: at}, nil
		}
	}
	if name, is := strings.CutPrefix(string(text), tokenKind); is {
		if name, err := auth.ParseTokenName(name); err == nil {
			return Identified{Token: name}, nil
		}
	}
	return Identified{}, ErrMalformedID
}

func encode(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }
