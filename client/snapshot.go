package client

import (
	"iter"
	"strconv"
	"strings"
	"time"

	"configapi/client/rest"
)

// Config is a config at the position of a [Snapshot].
type Config struct {
	Name     string // without the prefix of its layer, with [Options.Layers]
	Value    string
	Version  int64  // how many changes the config has had
	Position string // of its newest change
	// Layer is the prefix of the layer that it is from. Without [Options.Layers] it is
	// [Options.Prefix].
	Layer     string
	UpdatedAt time.Time // when its newest change was made
}

// Snapshot is a set of configs at one position. It never changes, and is safe for concurrent use.
type Snapshot struct {
	position  string
	layers    *layers
	history   int // how many times the history was replaced before
	fromFile  bool
	token     string        // what the file has of the token with which the configs were read
	currentAt time.Time     // when the server last said that this is the newest state
	changed   chan struct{} // closed when a snapshot with other configs is there
	newer     chan struct{} // closed when any newer snapshot is there
}

// Position returns the position of the history at which the configs are. It moves on, too, when
// other configs change.
func (s *Snapshot) Position() string { return s.position }

// Lookup returns the config of a name, and whether there is one.
func (s *Snapshot) Lookup(name string) (Config, bool) {
	c := s.layers.merged.lookup(name)
	if c == nil {
		return Config{}, false
	}
	return *c, true
}

// All returns all configs, by name.
func (s *Snapshot) All() iter.Seq2[string, Config] {
	return func(yield func(string, Config) bool) {
		for c := range s.layers.merged.all() {
			if !yield(c.Name, *c) {
				return
			}
		}
	}
}

// Changed returns a channel that is closed when a snapshot with other configs has replaced this
// one. It is not closed when the position alone moves on.
func (s *Snapshot) Changed() <-chan struct{} { return s.changed }

// FromFile reports whether the configs are from [Options.File], and the server has not answered
// since.
func (s *Snapshot) FromFile() bool { return s.fromFile }

// CurrentAt returns when the server last said that this was the newest state.
func (s *Snapshot) CurrentAt() time.Time { return s.currentAt }

const deleted = "DELETED"

// configOf returns the config after a revision, nil when it is deleted.
func configOf(name, layer string, r *rest.Revision) *Config {
	if r.Operation == deleted || r.Value == nil {
		return nil
	}
	return &Config{Name: name, Value: *r.Value, Version: r.Version, Position: r.Position, Layer: layer, UpdatedAt: r.CommittedAt}
}

// isPosition reports whether a text has the form of a position: a number, and a part of a hash.
func isPosition(text string) bool {
	number, hash, found := strings.Cut(text, "-")
	n, err := strconv.ParseInt(number, 10, 64)
	return found && hash != "" && err == nil && n >= 0
}

// seq returns the number of a position, 0 when it is none. Of two positions of one history, that
// with the larger number is the later one.
func seq(position string) int64 {
	number, _, _ := strings.Cut(position, "-")
	n, err := strconv.ParseInt(number, 10, 64)
	if err != nil {
		return 0
	}
	return n
}
