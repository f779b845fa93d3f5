package auth

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"configapi/internal/config"
)

// MaxSecrets is how many secrets a token has at most: a rotation ends all but the newest one.
const MaxSecrets = 2

// MaxOverlap is how long the secret before is good at most after a rotation.
const MaxOverlap = 30 * 24 * time.Hour

// TokenCommand asks for a change of one token: an [IssueToken], a [BootstrapToken], a
// [RotateToken], a [ChangeGrants] or a [RevokeToken]. Those of the last three with an
// ExpectedVersion that is not nil are refused unless the token has that version.
type TokenCommand interface {
	// Target is the name of the token.
	Target() TokenName
	// check returns what is wrong with the command on any state: a [*config.InvalidError], or a
	// [*MissingError] when the caller may not ask for that.
	check(by Caller) error
	// decide returns the event without the fields that [Token.Decide] sets.
	decide(t *Token, by Caller, at time.Time) (config.EventType, Token, error)
}

// IssueToken makes a token. Its name must never have been that of another one.
type IssueToken struct {
	Name      TokenName
	Grants    *Grants   // one at least
	ExpiresAt time.Time // zero: never
	Secret    Credential
}

// BootstrapToken makes the token `bootstrap`, which may do everything. It has no effect once any
// token was issued.
type BootstrapToken struct {
	Secret Credential
}

// RotateToken gives a token a new secret at once. The secret before is good until KeepOldUntil; it
// ends at once when that is zero.
type RotateToken struct {
	Name            TokenName
	Secret          Credential
	KeepOldUntil    time.Time
	ExpectedVersion *config.Version
}

// ChangeGrants gives a token other grants.
type ChangeGrants struct {
	Name            TokenName
	Grants          *Grants // one at least
	ExpectedVersion *config.Version
}

// RevokeToken ends a token for ever.
type RevokeToken struct {
	Name            TokenName
	ExpectedVersion *config.Version
}

// ErrTokenNotFound means that no token of that name is in force or has expired, as far as the
// caller may see.
var ErrTokenNotFound = errors.New("there is no token of this name that you may see")

// notInFuture is the rule that a time breaks at which something would have ended already.
const notInFuture = "is not in the future"

// MissingError says that a caller lacks a right. It says nothing about the state of any token.
type MissingError struct {
	Action Action
	Prefix string // on the names below it
}

func (e *MissingError) Error() string {
	if e.Prefix == "" {
		return fmt.Sprintf("this takes %s on all names", e.Action)
	}
	return fmt.Sprintf("this takes %s on %s", e.Action, e.Prefix)
}

// TokenConflictError says that a token does not have the version that a command expects.
type TokenConflictError struct {
	Expected config.Version
	Current  *Token
}

func (e *TokenConflictError) Error() string {
	return fmt.Sprintf("version %d was expected, but the token has version %d", e.Expected, e.Current.Version)
}

// Decide checks a command of a caller for this token, which is nil when it was never issued, and
// returns the event that follows from it at a time. by.Grants must be what the caller may do on
// that state.
//
// A refused command yields no event. The errors, in the order in which they are checked: a
// [*config.InvalidError] or a [*MissingError], which depends on the caller and the command alone;
// [ErrTokenNotFound]; a [*TokenConflictError]; a [*config.InvalidError].
func (t *Token) Decide(cmd TokenCommand, by Caller, at time.Time) (TokenEvent, error) {
	if err := cmd.check(by); err != nil {
		return TokenEvent{}, err
	}
	kind, after, err := cmd.decide(t, by, at)
	if err != nil {
		return TokenEvent{}, err
	}
	after.Name, after.Version = cmd.Target(), 1
	if t != nil {
		after.Version = t.Version + 1
	}
	return TokenEvent{kind, &after}, nil
}

// ManagesTokens returns nil when the caller may manage tokens at all, else a [*MissingError].
func (c Caller) ManagesTokens() error {
	if c.Scope(Admin).Empty() {
		return &MissingError{Action: Admin}
	}
	return nil
}

// MayManage returns nil when the caller may see, make and change tokens with some grants: it must
// have ADMIN and each of their actions on names that contain theirs. Else it returns a
// [*MissingError] that says what it lacks first.
func (c Caller) MayManage(grants *Grants) error {
	if err := c.ManagesTokens(); err != nil {
		return err
	}
	for action := range actions {
		for _, prefix := range grants.Scope(action).Texts() {
			for _, needed := range [...]Action{Admin, action} {
				if !c.Scope(needed).Contains(prefix) {
					return &MissingError{needed, prefix}
				}
			}
		}
	}
	return nil
}

func (c IssueToken) check(by Caller) error {
	if c.Name.text == LocalName || c.Name.text == BootstrapName {
		return &config.InvalidError{Field: "name", Rule: "is reserved; choose another one"}
	}
	return checkGrants(c.Grants, by)
}

func (c BootstrapToken) check(Caller) error  { return nil }
func (c RotateToken) check(by Caller) error  { return by.ManagesTokens() }
func (c ChangeGrants) check(by Caller) error { return checkGrants(c.Grants, by) }
func (c RevokeToken) check(by Caller) error  { return by.ManagesTokens() }

// checkGrants checks the grants that a token is to get. A token without any would be one that every
// caller with ADMIN on something could change.
func checkGrants(grants *Grants, by Caller) error {
	if len(grants.List()) == 0 {
		return &config.InvalidError{Field: "grants", Rule: "is empty; give at least one grant, or revoke the token"}
	}
	return by.MayManage(grants)
}

// lastYear is the last one in which a time can be written as RFC 3339 demands.
const lastYear = 9999

func (c IssueToken) decide(t *Token, by Caller, at time.Time) (config.EventType, Token, error) {
	switch {
	case t != nil:
		return "", Token{}, &config.InvalidError{Field: "name", Rule: "is taken: a token has it or had it, and no name is issued twice"}
	case !isBefore(at, c.ExpiresAt):
		return "", Token{}, &config.InvalidError{Field: "expiresAt", Rule: notInFuture}
	case c.ExpiresAt.UTC().Year() > lastYear:
		return "", Token{}, &config.InvalidError{Field: "expiresAt", Rule: fmt.Sprintf("is after the year %d; leave it out for a token that never expires", lastYear)}
	}
	return TokenIssued, issued(c.Grants, c.ExpiresAt, c.Secret, by, at), nil
}

func (c BootstrapToken) decide(_ *Token, _ Caller, at time.Time) (config.EventType, Token, error) {
	return TokenIssued, issued(Everything, time.Time{}, c.Secret, Caller{Name: BootstrapName}, at), nil
}

func issued(grants *Grants, expiresAt time.Time, secret Credential, by Caller, at time.Time) Token {
	return Token{
		Grants: grants, ReadSince: at, ExpiresAt: inMicroseconds(expiresAt), CreatedAt: at, CreatedBy: strings.ToValidUTF8(by.Name, "\ufffd"),
		Secrets: []TokenSecret{{Credential: secret, CreatedAt: at}},
	}
}

func (c RotateToken) decide(t *Token, by Caller, at time.Time) (config.EventType, Token, error) {
	if err := t.checkVisible(by, c.ExpectedVersion); err != nil {
		return "", Token{}, err
	}
	switch {
	case !t.IsInForce(at):
		return "", Token{}, &config.InvalidError{Field: "name", Rule: "is that of a token that has expired; make another one"}
	case !isBefore(at, c.KeepOldUntil):
		return "", Token{}, &config.InvalidError{Field: "keepOldUntil", Rule: notInFuture}
	case c.KeepOldUntil.After(at.Add(MaxOverlap)):
		return "", Token{}, &config.InvalidError{Field: "keepOldUntil", Rule: "is more than 30 days from now"}
	}
	after := *t
	after.Secrets = []TokenSecret{{Credential: c.Secret, CreatedAt: at}}
	if old := t.newest(); !c.KeepOldUntil.IsZero() {
		old.ExpiresAt = inMicroseconds(c.KeepOldUntil)
		after.Secrets = slices.Insert(after.Secrets, 0, old)
	}
	return TokenRotated, after, nil
}

func (c ChangeGrants) decide(t *Token, by Caller, at time.Time) (config.EventType, Token, error) {
	if err := t.checkVisible(by, c.ExpectedVersion); err != nil {
		return "", Token{}, err
	}
	after := *t
	after.Grants = c.Grants
	if !c.Grants.Scope(Read).Equal(t.Grants.Scope(Read)) {
		after.ReadSince = at
	}
	return TokenGrantsChanged, after, nil
}

func (c RevokeToken) decide(t *Token, by Caller, _ time.Time) (config.EventType, Token, error) {
	if err := t.checkVisible(by, c.ExpectedVersion); err != nil {
		return "", Token{}, err
	}
	after := *t
	after.Revoked = true
	return TokenRevoked, after, nil
}

// checkVisible checks that there is a token, which the caller may manage and which has the expected
// version.
func (t *Token) checkVisible(by Caller, expected *config.Version) error {
	switch {
	case t == nil || t.Revoked || by.MayManage(t.Grants) != nil:
		return ErrTokenNotFound
	case expected != nil && *expected != t.Version:
		return &TokenConflictError{*expected, t}
	}
	return nil
}

// inMicroseconds returns a time as the history has it. The zero time stays as it is.
func inMicroseconds(at time.Time) time.Time {
	if at.IsZero() {
		return time.Time{}
	}
	return at.UTC().Truncate(time.Microsecond)
}

// Target is the name of the token to make.
func (c IssueToken) Target() TokenName { return c.Name }

// Target is the name `bootstrap`.
func (c BootstrapToken) Target() TokenName { return TokenName{BootstrapName} }

// Target is the name of the token that gets a new secret.
func (c RotateToken) Target() TokenName { return c.Name }

// Target is the name of the token that gets other grants.
func (c ChangeGrants) Target() TokenName { return c.Name }

// Target is the name of the token to end.
func (c RevokeToken) Target() TokenName { return c.Name }
