package client

import (
	"context"

	"configapi/client/rest"
)

// Types of change sets and of their outcome. Names in them are whole names, also with
// [Options.Layers].
type (
	ChangeSet = rest.ChangeSet
	Change    = rest.Change
	Set       = rest.Set
	Delete    = rest.Delete
	Restore   = rest.Restore
	Result    = rest.Result
	// Error says why a request failed, and what is known of its outcome.
	Error = rest.Error
)

// Apply makes the changes of a set, all of them or none. It sends them again, with the same
// idempotency key, for up to 10 s while their outcome is unknown. The error is an [*Error],
// which says what is known of the outcome.
//
// Wait with the position of the result before you read the changes in a snapshot.
func (c *Client) Apply(ctx context.Context, set ChangeSet) (Result, error) {
	return c.ApplyWithKey(ctx, set, NewKey())
}

// NewKey returns a new idempotency key for [Client.ApplyWithKey].
func NewKey() string { return rest.NewKey() }

// ApplyWithKey is as [Client.Apply], with an idempotency key of the caller. The same set with the
// same key again has one effect, and gives the first result: so a program finds out later what
// became of a set whose outcome is unknown.
func (c *Client) ApplyWithKey(ctx context.Context, set ChangeSet, key string) (Result, error) {
	return c.api.Load().Apply(ctx, set, key)
}
