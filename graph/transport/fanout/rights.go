package fanout

import "context"

// Rights are what a client may do while its subscriptions last.
type Rights struct {
	// Context is the one of all operations of the client. It ends with the client's connection, and
	// with the rights: then its cause says why.
	Context context.Context
	// Err returns why the rights have ended, nil while they have not. Context may end a little
	// later, but no message is begun from then on. nil: they end with Context alone.
	Err func() error
}

// HaveEnded reports whether the rights have ended, as far as Err knows.
func (r Rights) HaveEnded() bool { return r.Err != nil && r.Err() != nil }
