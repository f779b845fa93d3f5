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
	if err == nil {
		err = checkGiven("expiresAt", f.ExpiresAt)
	}
	return IssueToken{Name: name, Grants: grants, ExpiresAt: timeOf(f.ExpiresAt)}, err
}

// Rotate returns the command to rotate a token, without a secret.
func (f TokenFields) Rotate() (RotateToken, error) {
	name, expected, err := f.nameAndVersion()
	if err == nil {
		err = checkGiven("keepOldUntil", f.KeepOldUntil)
	}
	return RotateToken{Name: name, KeepOldUntil: timeOf(f.KeepOldUntil), ExpectedVersion: expected}, err
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
	name, expected, err := f.nameAndVersion()
	return RevokeToken{Name: name, ExpectedVersion: expected}, err
}

func (f TokenFields) nameAndGrants() (name TokenName, grants *Grants, err error) {
	if name, err = ParseTokenName(f.Name); err == nil {
		grants, err = NewGrants(f.Grants...)
	}
	return name, grants, err
}

func (f TokenFields) nameAndVersion() (name TokenName, expected *config.Version, err error) {
	if name, err = ParseTokenName(f.Name); err == nil {
		expected, err = f.expected()
	}
	return name, expected, err
}

func (f TokenFields) expected() (*config.Version, error) {
	if f.ExpectedVersion == nil {
		return nil, nil
	}
	return config.ParseExpectedVersion(*f.ExpectedVersion)
}

// checkGiven refuses the first instant of all, since commands have it for none.
func checkGiven(field string, at *time.Time) error {
	if at != nil && at.IsZero() {
		return &config.InvalidError{Field: field, Rule: "is not in the future"}
	}
	return nil
}

func timeOf(at *time.Time) time.Time {
	if at == nil {
		return time.Time{}
	}
	return inMicroseconds(*at)
}
