package auth

import (
	"time"

	"configapi/internal/config"
)

// TokenFields are what a client says about a token. Each edge maps its own spelling onto them, and
// the methods check the rules, which are the same for all edges. The errors are
// [*config.InvalidError], about the first field, in the order of the struct, that breaks a rule.
type TokenFields struct {
	Name            string
	Grants          []Grant    // to make a token, or to change its grants
	ExpiresAt       *time.Time // to make a token; nil: it never expires
	KeepOldUntil    *time.Time // to rotate; nil: the old secret ends at once
	ExpectedVersion *int64     // nil: any
}

// Issue returns the command to make a token, without a secret.
func (f TokenFields) Issue() (IssueToken, error) {
	name, grants, err := f.nameAndGrants()
	if err != nil {
		return IssueToken{}, err
	}
	expiresAt, err := timeOf("expiresAt", f.ExpiresAt)
	return IssueToken{Name: name, Grants: grants, ExpiresAt: expiresAt}, err
}

// Rotate returns the command to rotate a token, without a secret.
func (f TokenFields) Rotate() (RotateToken, error) {
	name, err := ParseTokenName(f.Name)
	if err != nil {
		return RotateToken{}, err
	}
	keepOldUntil, err := timeOf("keepOldUntil", f.KeepOldUntil)
	if err != nil {
		return RotateToken{}, err
	}
	expected, err := f.expected()
	return RotateToken{Name: name, KeepOldUntil: keepOldUntil, ExpectedVersion: expected}, err
}

// ChangeGrants returns the command to change the grants of a token.
func (f TokenFields) ChangeGrants() (ChangeGrants, error) {
	name, grants, err := f.nameAndGrants()
	if err != nil {
		return ChangeGrants{}, err
	}
	expected, err := f.expected()
	return ChangeGrants{Name: name, Grants: grants, ExpectedVersion: expected}, err
}

// Revoke returns the command to revoke a token.
func (f TokenFields) Revoke() (RevokeToken, error) {
	name, err := ParseTokenName(f.Name)
	if err != nil {
		return RevokeToken{}, err
	}
	expected, err := f.expected()
	return RevokeToken{Name: name, ExpectedVersion: expected}, err
}

func (f TokenFields) nameAndGrants() (name TokenName, grants *Grants, err error) {
	if name, err = ParseTokenName(f.Name); err == nil {
		grants, err = NewGrants(f.Grants...)
	}
	return name, grants, err
}

func (f TokenFields) expected() (*config.Version, error) {
	if f.ExpectedVersion == nil {
		return nil, nil
	}
	return config.ParseExpectedVersion(*f.ExpectedVersion)
}

// timeOf returns a time in the precision of events, the zero time for nil. The first instant of
// year 1 is refused here: it is the zero time, which would mean never. Later instants of the past
// are refused when the command is decided.
func timeOf(field string, at *time.Time) (time.Time, error) {
	if at == nil {
		return time.Time{}, nil
	}
	kept := inMicroseconds(*at)
	if kept.IsZero() {
		return time.Time{}, &config.InvalidError{Field: field, Rule: notInFuture}
	}
	return kept, nil
}
