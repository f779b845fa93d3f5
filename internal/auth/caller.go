// Package auth says who calls.
//
// There are no credentials yet: every caller is [Anonymous] and may do everything. The package
// decides nothing; the config store does.
package auth

// Caller is the one that a read or a write is made for. Every method of the config store that acts
// for somebody takes a Caller, so that it cannot be forgotten. The zero Caller is [Anonymous].
type Caller struct {
	// Name goes into the history as the actor of what the caller changes. Empty: the caller is not
	// known.
	Name string
}

// Anonymous is the caller on a server that runs without authentication.
var Anonymous = Caller{}

// Actor returns the caller's name for the history, nil when it is not known.
func (c Caller) Actor() *string {
	if c.Name == "" {
		return nil
	}
	return &c.Name
}
