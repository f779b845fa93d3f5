package eventstore

import "time"

// Key is an idempotency key with the one who gave it: two callers may use the same text.
type Key struct {
	Actor string // "": not known
	Text  string
}

// Receipt says what a request that came with an idempotency key came to, so that the same request, sent again, gets the same
// answer and has no second effect. It is a row of the table idempotency. The chain of hashes does not cover it: it is no
// part of the history, and goes away after a time.
type Receipt struct {
	Key
	// RequestHash tells the request from another one with the same key.
	RequestHash [32]byte
	// FirstPosition is that of the first event of the outcome. When nothing was to do, it is the position at which that was
	// so.
	First Seq
	// EventCount is how many events the outcome has, 0 when nothing was to do.
	EventCount int
	// CreatedAt is when the outcome was decided: UTC, whole microseconds.
	CreatedAt time.Time
}
