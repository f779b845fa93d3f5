package object

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"strings"

	"configapi/internal/config"
	"configapi/internal/eventstore"
)

// A global id is base64url of a letter for the type of the object, a colon, and the object's name
// or position. Revisions of dry runs, which do not exist, have a random text instead.
const (
	configKind   = "c:"
	revisionKind = "r:"
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

// ParseID reads a global id. It returns the name of a config, or the zero Name and the position of
// a revision. The error is [ErrMalformedID].
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
