package rest

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"
	"unicode/utf8"
)

// ChangeSet is changes that are made together, or not at all.
type ChangeSet struct {
	Changes []Change `json:"changes"`
	// AsSeenAt is the position at which the caller has read the configs. The set is rejected when
	// one of them has changed since. "": that is not checked.
	AsSeenAt string `json:"asSeenAt,omitempty"`
	// DryRun has the server say what the set would come to, and change nothing.
	DryRun bool   `json:"dryRun,omitempty"`
	Reason string `json:"reason,omitempty"`
}

// Change is one change of a set. Exactly one of its members must be set.
type Change struct {
	Set     *Set     `json:"set,omitempty"`
	Delete  *Delete  `json:"delete,omitempty"`
	Restore *Restore `json:"restore,omitempty"`
}

// Set gives a config a value.
type Set struct {
	Name  string `json:"name"`
	Value string `json:"value"`
	// ExpectedVersion is the one that the config must have, 0 for a name that never had one. nil:
	// any.
	ExpectedVersion *int64 `json:"expectedVersion,omitempty"`
	OnlyIfChanged   bool   `json:"onlyIfChanged,omitempty"`
}

// Delete deletes a config.
type Delete struct {
	Name            string `json:"name"`
	ExpectedVersion *int64 `json:"expectedVersion,omitempty"` // as in Set
}

// Restore brings a deleted config back.
type Restore struct {
	Name            string  `json:"name"`
	Value           *string `json:"value,omitempty"`           // nil: the one that it had
	ExpectedVersion *int64  `json:"expectedVersion,omitempty"` // as in Set
}

// Result is what a write came to.
type Result struct {
	Revisions []Revision `json:"revisions"`
	// Unchanged are the names that had the value already, and got no revision.
	Unchanged []string `json:"unchanged"`
	Position  string   `json:"position"`
	DryRun    bool     `json:"dryRun"`
}

// NewKey returns a new idempotency key.
func NewKey() string { return rand.Text() }

// Apply makes the changes of a set. The same key again, with the same set, gives the first outcome.
// Nothing is sent when a text is not UTF-8.
func (c *Client) Apply(ctx context.Context, set ChangeSet, key string) (Result, error) {
	if err := set.check(); err != nil {
		return Result{}, err
	}
	result, err := c.write(ctx, &request{method: http.MethodPost, path: "/changes", body: set, key: key, dryRun: set.DryRun})
	if failed, is := errors.AsType[*Error](err); is {
		set.nameFailures(failed.Errors)
	}
	return result, err
}

// nameFailures sets the names of the configs that failures are about.
func (s ChangeSet) nameFailures(failures []Failure) {
	for i := range failures {
		path := failures[i].Path
		if len(path) < 2 || path[0] != "changes" {
			continue
		}
		if n, err := strconv.Atoi(path[1]); err == nil && n >= 0 && n < len(s.Changes) {
			failures[i].Name = s.Changes[n].name()
		}
	}
}

// name returns the name of the config that a change is about.
func (c Change) name() string {
	switch {
	case c.Set != nil:
		return c.Set.Name
	case c.Delete != nil:
		return c.Delete.Name
	case c.Restore != nil:
		return c.Restore.Name
	}
	return ""
}

// RevertSet undoes a change set.
type RevertSet struct {
	ChangeSet  string `json:"-"`                    // its position
	OnConflict string `json:"onConflict,omitempty"` // FAIL, SKIP or OVERWRITE; "": FAIL
	DryRun     bool   `json:"dryRun,omitempty"`
	Reason     string `json:"reason,omitempty"`
}

// RevertSet undoes a change set. The key is as of [Client.Apply].
func (c *Client) RevertSet(ctx context.Context, set RevertSet, key string) (Result, error) {
	if !utf8.ValidString(set.Reason) {
		return Result{}, notUTF8("the reason")
	}
	return c.write(ctx, &request{method: http.MethodPost, path: "/changes/" + url.PathEscape(set.ChangeSet) + "/revert", body: set, key: key, dryRun: set.DryRun})
}

// RevertTo brings configs back to what they were at a moment.
type RevertTo struct {
	To       string `json:"to"` // a position or an RFC 3339 instant
	Prefix   string `json:"prefix,omitempty"`
	AsSeenAt string `json:"asSeenAt,omitempty"` // as in ChangeSet
	DryRun   bool   `json:"dryRun,omitempty"`
	Reason   string `json:"reason,omitempty"`
}

// RevertTo brings configs back to what they were at a moment. The key is as of [Client.Apply].
func (c *Client) RevertTo(ctx context.Context, to RevertTo, key string) (Result, error) {
	if !utf8.ValidString(to.Reason) || !utf8.ValidString(to.Prefix) {
		return Result{}, notUTF8("the reason or the prefix")
	}
	return c.write(ctx, &request{method: http.MethodPost, path: "/revert", body: to, key: key, dryRun: to.DryRun})
}

// write sends a write. When its outcome is unknown, the same request is sent again with the same
// key until the outcome is known, or the client's patience is over. An error says then what became
// of the first try: an answer to a later one that does not depend on the first says nothing of it.
func (c *Client) write(ctx context.Context, q *request) (Result, error) {
	result, first := c.writeOnce(ctx, q)
	switch {
	case first == nil || first.Outcome != Unknown:
		return result, asError(first)
	case c.patience < 0 || ctx.Err() != nil:
		return Result{}, first.andThen(first)
	}
	c.waiting(first)
	ctx, cancel := context.WithTimeout(ctx, c.patience)
	defer cancel()
	last, pause := first, firstPause
	for sleep(ctx, pause) {
		result, failed := c.writeOnce(ctx, q)
		switch {
		case failed == nil:
			return result, nil
		case failed.showsFirst():
			return Result{}, failed
		case failed.Outcome == Refused && failed.Code != CodeUnavailable:
			return Result{}, first.andThen(failed)
		}
		if ctx.Err() == nil { // else the end of the patience is no news
			last = failed
		}
		pause = min(max(2*pause, failed.RetryAfter), maxPause)
	}
	return Result{}, first.andThen(last)
}

// Pauses between two tries.
const (
	firstPause = 50 * time.Millisecond
	maxPause   = time.Second
)

func (c *Client) writeOnce(ctx context.Context, q *request) (result Result, failed *Error) {
	answer, failed := c.sendOnce(ctx, q)
	if failed != nil {
		return Result{}, failed
	}
	defer answer.Body.Close()
	err := q.decode(answer, &result)
	failed, _ = errors.AsType[*Error](err)
	return result, failed
}

// decided are the codes of refusals that come after the server has looked for the key of a write.
// Any other refusal of a later try says nothing of the first one: the token may have been revoked
// since, or another server may allow less.
var decided = []string{CodeNotFound, CodeDeleted, CodeNotDeleted, CodeVersionConflict, CodeStale, CodeRevertConflict, CodeErased}

// showsFirst reports whether a later try shows that the first one was not carried out: for one that
// was, the server would have given its outcome.
func (e *Error) showsFirst() bool {
	return e.Outcome == Refused && slices.Contains(decided, e.Code)
}

// andThen returns the error of a write whose outcome is still unknown after a later try.
func (e *Error) andThen(later *Error) *Error {
	both := *e
	if later != e {
		both.Message = fmt.Sprintf("%s; sent again with the same idempotency key: %s", e.Message, later.Message)
	}
	both.Message = "the outcome is unknown: " + both.Message + "; look at the configs before you try again"
	return &both
}

func asError(e *Error) error {
	if e == nil {
		return nil
	}
	return e
}

// sleep waits, and reports whether ctx goes on.
func sleep(ctx context.Context, pause time.Duration) bool {
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
