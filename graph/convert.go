package graph

import (
	"errors"
	"time"

	"configapi/graph/model"
	"configapi/graph/object"
	"configapi/graph/scalar"
	"configapi/internal/config"
	"configapi/internal/configstore"
	"configapi/internal/eventstore"
)

func filterOf(input *model.ConfigFilterInput) (config.Filter, error) {
	if input == nil {
		return config.Filter{}, nil
	}
	var prefix string
	if input.Prefix != nil {
		prefix = *input.Prefix
	}
	return config.ParseFilter(prefix, input.Names)
}

// pageSize returns the page size that a query asks for. The config store checks it.
func pageSize(first *int32, byDefault int) int {
	if first == nil {
		return byDefault
	}
	return int(*first)
}

// positionOrInstant returns the one field of an input that is set. @oneOf demands exactly one.
func positionOrInstant(at model.AsOfInput) (*eventstore.Position, *time.Time, error) {
	position, instant := at.Position.Value(), at.Time.Value()
	if (position == nil) == (instant == nil) {
		return nil, nil, &config.InvalidError{Field: "at", Rule: "must have exactly one of position and time, and not null"}
	}
	return position, instant, nil
}

// terms are the parts that all commands have.
type terms struct {
	version    *config.Version
	conditions []config.Condition
	reason     config.Reason
	key        config.IdempotencyKey
}

// termsOf reads what may be left out of an input: the expected version and revision, the reason and
// the idempotency key.
func termsOf(version *int32, revision *eventstore.Position, why, key *string) (t terms, err error) {
	if version != nil {
		if t.version, err = config.ParseExpectedVersion(int64(*version)); err != nil {
			return t, err
		}
	}
	if revision != nil {
		if *revision == scalar.Malformed {
			return t, errNoRevision
		}
		t.conditions = []config.Condition{config.RequireRevision(int64(revision.Seq), config.HashPrefix(revision.Prefix))}
	}
	if why != nil {
		if t.reason, err = config.ParseReason(*why); err != nil {
			return t, err
		}
	}
	if key != nil {
		t.key, err = config.ParseIdempotencyKey(*key)
	}
	return t, err
}

// errNoRevision: what is expected does not look like a position at all.
var errNoRevision = errors.New("expectedRevision must be the position of a revision, such as 1842-9f3a21c0, as this server gave it")

func batchOf(changes configstore.Changes) *model.ConfigChangeBatch {
	return &model.ConfigChangeBatch{
		Changes:  object.NewRevisions(changes.Revisions),
		Position: changes.Position,
		CaughtUp: changes.CaughtUp,
	}
}
