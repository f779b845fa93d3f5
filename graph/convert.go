package graph

import (
	"time"

	"configapi/graph/model"
	"configapi/graph/object"
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

// pageSize is what a query asks for; the config store judges it.
func pageSize(first *int32, otherwise int) int {
	if first == nil {
		return otherwise
	}
	return int(*first)
}

// momentOf returns the one field of a moment that is set. gqlgen checks @oneOf in literals only, so it is checked here for
// variables too.
func momentOf(at model.AsOfInput) (*eventstore.Bookmark, *time.Time, error) {
	position, instant := at.Position.Value(), at.Time.Value()
	if at.Position.IsSet() == at.Time.IsSet() || position == nil && instant == nil {
		return nil, nil, &config.InvalidError{Field: "at", Rule: "must have exactly one of position and time, and not null"}
	}
	return position, instant, nil
}

// conditionsOf reads the parts that all commands have.
func conditionsOf(expected *int32, why *string) (version *config.Version, reason config.Reason, err error) {
	if expected != nil {
		if version, err = config.ParseExpectedVersion(int64(*expected)); err != nil {
			return nil, reason, err
		}
	}
	if why != nil {
		reason, err = config.ParseReason(*why)
	}
	return version, reason, err
}

func batchOf(changes configstore.Changes) *model.ConfigChangeBatch {
	return &model.ConfigChangeBatch{
		Changes:  object.NewRevisions(changes.Revisions),
		Position: changes.Position,
		CaughtUp: changes.CaughtUp,
	}
}
