// Package auth says who calls. There is one caller until there are credentials: [Anonymous], who
// may do everything.
package auth

// Caller is who asks for something. Every method of the config store takes one, so that "who"
// cannot be forgotten. The zero Caller is [Anonymous].
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
