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
	// ExpiresAt is when the grants end by themselves. Zero: never.
	ExpiresAt time.Time
}

// Anonymous is the caller on a server that is open because no token was ever issued: it may do
// everything.
var Anonymous = Caller{Grants: Everything}

// Local is the caller of commands that work directly on a store: it may do everything.
var Local = Caller{Name: LocalName, Grants: Everything}

// IsAnonymous reports whether nothing is known of the caller: not even its name.
func (c Caller) IsAnonymous() bool { return c.Name == "" && c.Secret == "" }

// At returns the caller with its rights at a time. A caller with a secret has those of token, which
// is the one that has this secret now, nil when none has it. An anonymous caller has those that are
// given once the server is closed. The error is [ErrNotValid]: the caller's secret is not in force.
func (c Caller) At(now time.Time, token *Token, closed bool, anonymous *Grants) (Caller, error) {
	switch {
	case c.Secret != "":
		present, inForce := token.Caller(c.Secret, now)
		if !inForce {
			return Caller{}, ErrNotValid
		}
		return present, nil
	case c.IsAnonymous() && closed:
		return Caller{Grants: anonymous}, nil
	}
	return c, nil
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
