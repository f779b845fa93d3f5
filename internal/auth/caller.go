// Package auth says who calls, and what a caller may do.
//
// It is pure: it decides nothing. The config store does, for every edge alike.
package auth

import (
	"time"

	"configapi/internal/config"
)

// Caller is the one that a read or a write is made for. Every method of the config store that acts
// for somebody takes a Caller, so that it cannot be forgotten. The zero Caller may do nothing.
type Caller struct {
	// Name goes into the history as the actor of what the caller changes. Empty: the caller is not
	// known.
	Name string
	// Grants are what the caller may do. nil: nothing.
	Grants *Grants
	// Secret is the secret with which the caller has proved to have the token Name. "": with none.
	Secret PublicID
	// ReadSince is since when the caller may read the names that it may read now. What it read
	// before may be other names. Zero: always, as far as is known.
	ReadSince time.Time
	// ExpiresAt is when the grants end by themselves. Zero: never.
	ExpiresAt time.Time
	// AsOf stands for the tokens among which Grants were looked up. nil: they were not.
	AsOf *Stamp
}

// Stamp stands for the states of all tokens at a moment: as long as it stays the same one, no token
// has changed. It says nothing else, and keeps no token in memory.
type Stamp struct{ _ byte } // with a size, so that no two have the same address

// Anonymous is the caller on a server that is open because no token was ever issued: it may do
// everything.
var Anonymous = Caller{Grants: Everything}

// Local is the caller of commands that work directly on a store: it may do everything.
var Local = Caller{Name: LocalName, Grants: Everything}

// IsAnonymous reports whether nothing is known of the caller: not even its name.
func (c Caller) IsAnonymous() bool { return c.Name == "" && c.Secret == "" }

// HasExpired reports whether the grants have ended by themselves at a time.
func (c Caller) HasExpired(at time.Time) bool { return !isBefore(at, c.ExpiresAt) }

// OnClosed returns the caller as it is on a server that was closed at a time: an anonymous one may
// then do what is given, any other one what it could do before. The zero time says that it is not
// known when.
func (c Caller) OnClosed(anonymous *Grants, at time.Time) Caller {
	if !c.IsAnonymous() {
		return c
	}
	closed := Caller{Grants: anonymous}
	if !closed.Scope(Read).All() {
		closed.ReadSince = at
	}
	return closed
}

// fixedName is the name of callers that are not of one token. No token can have it.
const fixedName = "several:"

// Fixed returns a caller that has the present rights of c, also when c's token changes later. It is
// for reads that are made for several callers at once.
func (c Caller) Fixed() Caller { return Caller{Name: fixedName, Grants: c.Grants} }

// Actor returns the caller's name for the history, nil when it is not known.
func (c Caller) Actor() *string {
	if c.Name == "" {
		return nil
	}
	return &c.Name
}

// May reports whether the caller may do something to a name.
func (c Caller) May(a Action, n config.Name) bool { return c.Grants.Scope(a).Has(n) }

// Scope returns the names to which the caller may do something.
func (c Caller) Scope(a Action) config.Prefixes { return c.Grants.Scope(a) }
