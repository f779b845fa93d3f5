package object

import (
	"encoding/base64"
	"errors"
	"strings"

	"configapi/internal/config"
	"configapi/internal/eventstore"
)

// A global id is the base64url of a letter that says what it is of, a colon, and what names that thing.
const (
	configKind   = "c:"
	revisionKind = "r:"
)

// ErrMalformedID is that a text is no global id.
var ErrMalformedID = errors.New("this is not an id that this server gave")

// ConfigID is the global id of a config, also of one that does not exist yet.
func ConfigID(name config.Name) string { return encode(configKind + name.String()) }

// RevisionID is the global id of the revision at a position.
func RevisionID(at eventstore.Position) string { return encode(revisionKind + at.String()) }

// ParseID reads a global id: the name of a config, or, when that is the zero Name, the position of a revision. The error is
// [ErrMalformedID].
func ParseID(id string) (config.Name, eventstore.Position, error) {
	text, err := base64.RawURLEncoding.Strict().DecodeString(id)
	if err != nil {
		return config.Name{}, eventstore.Position{}, ErrMalformedID
	}
	if name, is := strings.CutPrefix(string(text), configKind); is {
		if name, err := config.ParseName(name); err == nil {
			return name, eventstore.Position{}, nil
		}
	}
	if position, is := strings.CutPrefix(string(text), revisionKind); is {
		if at, err := eventstore.ParsePosition(position); err == nil {
			return config.Name{}, at, nil
		}
	}
	return config.Name{}, eventstore.Position{}, ErrMalformedID
}

func encode(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }
