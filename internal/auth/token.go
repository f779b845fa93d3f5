package auth

import (
	"fmt"
	"slices"
	"time"

	"configapi/internal/config"
)

// The events that can happen to a token. Each has the whole state after it: see [Token].
const (
	TokenIssued        config.EventType = "TokenIssued"
	TokenRotated       config.EventType = "TokenRotated"
	TokenGrantsChanged config.EventType = "TokenGrantsChanged"
	TokenRevoked       config.EventType = "TokenRevoked"
)

// Token is the state of one token after its newest event. It never changes once it is made. nil is
// a token that was never issued.
type Token struct {
	Name    TokenName
	Version config.Version // counts the token's events from 1
	// Grants are what the token may do while it is in force.
	Grants *Grants
	// ReadSince is the time of the event since which the token may read the names that it may read
	// now.
	ReadSince time.Time
	ExpiresAt time.Time // zero: never
	CreatedAt time.Time // of the first event
	CreatedBy string    // "": by a caller that is not known
	// Secrets are one, or two after a rotation: the newest one last. A revoked token keeps them, so
	// that a leaked secret can be found.
	Secrets []TokenSecret
	Revoked bool
}

// TokenSecret is one secret of a token, as far as it is kept.
type TokenSecret struct {
	Credential
	CreatedAt time.Time
	ExpiresAt time.Time // zero: when the token does
}

// UsedSecret is a secret, and when it was used, which no event says.
type UsedSecret struct {
	TokenSecret
	// LastUsedAt is when a node saw it last, rounded down to the minute. Uses on other nodes are
	// known up to 2 minutes later. Zero: never, as far as is known.
	LastUsedAt time.Time
}

// ListedToken is a token as lists show it: with its secrets that are in force.
type ListedToken struct {
	*Token
	InForce []UsedSecret
}

// TokenEvent is one fact about one token, and the state after it.
type TokenEvent struct {
	Type  config.EventType
	Token *Token
}

// IsInForce reports whether the token was neither revoked by then nor has expired.
func (t *Token) IsInForce(at time.Time) bool {
	return t != nil && !t.Revoked && isBefore(at, t.ExpiresAt)
}

// SecretsAt returns the secrets that are in force at a time: none, one or two.
func (t *Token) SecretsAt(at time.Time) (good []TokenSecret) {
	if !t.IsInForce(at) {
		return nil
	}
	for _, s := range t.Secrets {
		if isBefore(at, s.ExpiresAt) {
			good = append(good, s)
		}
	}
	return good
}

// Caller returns the caller that the secret with an id identifies. ok is false if that secret is
// not in force at the time.
func (t *Token) Caller(id PublicID, at time.Time) (caller Caller, ok bool) {
	if !t.IsInForce(at) {
		return Caller{}, false
	}
	for i := range t.Secrets {
		if s := &t.Secrets[i]; s.ID == id && isBefore(at, s.ExpiresAt) {
			return Caller{Name: t.Name.text, Grants: t.Grants, Secret: id, ReadSince: t.ReadSince, ExpiresAt: earlier(t.ExpiresAt, s.ExpiresAt)}, true
		}
	}
	return Caller{}, false
}

// Secret returns what the token keeps of the secret that has an id, also one that is no longer in
// force.
func (t *Token) Secret(id PublicID) (s TokenSecret, ok bool) {
	i := slices.IndexFunc(t.Secrets, func(s TokenSecret) bool { return s.ID == id })
	if i < 0 {
		return TokenSecret{}, false
	}
	return t.Secrets[i], true
}

// Apply returns the state after an event. An event that does not follow the present state is an
// error: such a history is broken, and guessing would hide that.
func (t *Token) Apply(e TokenEvent) (*Token, error) {
	if !t.precedes(e) {
		var version config.Version
		if t != nil {
			version = t.Version
		}
		return nil, fmt.Errorf("applying %s, version %d of token %q: it cannot follow version %d", e.Type, e.Token.Version, e.Token.Name, version)
	}
	return e.Token, nil
}

func (t *Token) precedes(e TokenEvent) bool {
	after := e.Token
	if t == nil {
		return e.Type == TokenIssued && after.Version == 1 && !after.Revoked && len(after.Secrets) == 1 &&
			after.ReadSince.Equal(after.CreatedAt)
	}
	sameGrants := slices.EqualFunc(t.Grants.List(), after.Grants.List(), Grant.equal)
	sameSecrets := slices.Equal(t.Secrets, after.Secrets)
	readFits := after.ReadSince.Equal(t.ReadSince)
	if !after.Grants.Scope(Read).Equal(t.Grants.Scope(Read)) {
		readFits = after.ReadSince.After(t.ReadSince)
	}
	fits := false
	switch e.Type {
	case TokenRotated:
		_, known := t.Secret(after.newest().ID)
		fits = sameGrants && !known
	case TokenGrantsChanged:
		fits = sameSecrets
	case TokenRevoked:
		fits = sameGrants && sameSecrets
	}
	return fits && readFits && !t.Revoked && after.Revoked == (e.Type == TokenRevoked) &&
		after.Name == t.Name && after.Version == t.Version+1 &&
		after.ExpiresAt.Equal(t.ExpiresAt) && after.CreatedAt.Equal(t.CreatedAt) && after.CreatedBy == t.CreatedBy
}

func (t *Token) newest() TokenSecret { return t.Secrets[len(t.Secrets)-1] }

// isBefore reports whether a time is before an end; a zero end never comes.
func isBefore(at, end time.Time) bool { return end.IsZero() || at.Before(end) }

// earlier returns the end that comes first; a zero end never comes.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}
