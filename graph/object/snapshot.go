package object

import (
	"time"

	"configapi/internal/configstore"
	"configapi/internal/eventstore"
)

// ConfigSnapshot is the GraphQL type ConfigSnapshot.
type ConfigSnapshot struct{ *configstore.Snapshot }

// Position is what the asked-for moment came to.
func (s *ConfigSnapshot) Position() eventstore.Position { return s.At().Position() }

// CommittedAt is when that position was committed, nil before the first change.
func (s *ConfigSnapshot) CommittedAt() *time.Time {
	at := s.At()
	if at.Seq == 0 {
		return nil
	}
	return &at.RecordedAt
}
