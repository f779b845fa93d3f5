package configstore_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"

	"configapi/internal/config"
	"configapi/internal/configstore"
	"configapi/internal/configstore/configstoretest"
	"configapi/internal/eventstore"
	"configapi/internal/fault"
)

// failure writes the error of a write. Whether something was written is noted first.
func (s *twin) failure(err error) string {
	var b strings.Builder
	if rejection, is := errors.AsType[*fault.Rejection](err); is {
		fmt.Fprintf(&b, "rejected at %d", s.Rank(rejection.Position))
		for _, f := range rejection.Failures {
			fmt.Fprintf(&b, "\n%d %s: %s", f.Change, f.Field, s.reason(f.Err))
		}
		return b.String()
	}
	return s.reason(err)
}

func (s *twin) reason(err error) string {
	text := fmt.Sprintf("kind %d: %v", fault.KindOf(err), err)
	if refusal, is := errors.AsType[*fault.Refusal](err); is {
		text += ", " + s.state(refusal.Current, s.Store.OldValue(refusal.Current))
	}
	if conflict, is := errors.AsType[*fault.RevertConflict](err); is {
		text += ", " + s.revision(conflict.Change) + ", " + s.state(conflict.Current, s.Store.OldValue(conflict.Current))
	}
	return text
}

// answer writes the outcome of a set, or why there is none.
func (s *twin) answer(out configstore.SetOutcome, err error) string {
	s.CatchUp()
	if err != nil {
		return s.failure(err)
	}
	if len(out.Revisions) > 0 && !out.DryRun {
		s.made = out.Position
	}
	return fmt.Sprintf("%sunchanged %v at %d, dry: %t", s.revisions(out.Revisions), out.Unchanged, s.Rank(out.Position), out.DryRun)
}

// drawWritable draws a name that the caller may change, most times.
func (s *twin) drawWritable(dice *rand.Rand) config.Name {
	if len(s.Writable) == 0 || dice.IntN(6) == 0 {
		return s.drawName(dice)
	}
	return configstoretest.Name(s.T, s.Writable[dice.IntN(len(s.Writable))])
}

// drawCommand draws a command that meets what the caller sees of the config about as often as not.
func (s *twin) drawCommand(dice *rand.Rand, name config.Name) config.Command {
	reader, err := s.Store.Store.Reader(s.Caller)
	s.Must(err)
	state := reader.State(name)
	value := configstoretest.Value(s.T, fmt.Sprint(dice.IntN(3)))
	var expected *config.Version
	var conditions []config.Condition
	switch version := config.Version(dice.IntN(3)); dice.IntN(4) {
	case 0:
		if state != nil && dice.IntN(2) == 0 {
			version = state.Version
		}
		expected = &version
	case 1:
		at := s.Own[dice.IntN(len(s.Own))]
		if state != nil && dice.IntN(2) == 0 {
			at = state.Position()
		}
		conditions = []config.Condition{config.RequireRevision(int64(at.Seq), at.Prefix)}
	}
	switch dice.IntN(5) {
	case 0:
		return config.Delete{Name: name, ExpectedVersion: expected, Conditions: conditions}
	case 1:
		return config.Restore{Name: name, ExpectedVersion: expected, Conditions: conditions}
	case 2:
		return config.Restore{Name: name, Value: &value, ExpectedVersion: expected, Conditions: conditions}
	}
	return config.Set{
		Name: name, Value: value, ExpectedVersion: expected, Conditions: conditions,
		OnlyIfChanged: dice.IntN(3) == 0, RestoreDeleted: dice.IntN(3) == 0,
	}
}

func (s *twin) drawKey(dice *rand.Rand) config.IdempotencyKey {
	if dice.IntN(3) > 0 {
		return config.IdempotencyKey{}
	}
	return configstoretest.Key(s.T, fmt.Sprint("key-", dice.IntN(20)))
}

func (s *twin) drawReason(dice *rand.Rand) config.Reason {
	reason, err := config.ParseReason([]string{"", "for this"}[dice.IntN(2)])
	s.Must(err)
	return reason
}

func (s *twin) drawSeen(dice *rand.Rand) *eventstore.Position {
	at := s.DrawPosition(dice)
	if dice.IntN(4) > 0 {
		return nil
	}
	return &at
}

// doSingle carries out one change, or the last one of these again.
func (s *twin) doSingle(dice *rand.Rand) string {
	set := config.Single(s.drawCommand(dice, s.drawWritable(dice)))
	set.IdempotencyKey, set.Reason = s.drawKey(dice), s.drawReason(dice)
	if seen := s.drawSeen(dice); seen != nil {
		set.AsSeenAt = &config.RevisionID{Seq: int64(seen.Seq), Hash: seen.Prefix}
	}
	if s.single != nil && dice.IntN(6) == 0 {
		set = *s.single
	}
	s.single = &set
	out, err := s.Store.Do(context.Background(), s.Caller, set)
	s.CatchUp()
	if err != nil {
		return s.failure(err)
	}
	return fmt.Sprintf("%s, %s, changed: %t at %d", s.state(out.Config, s.Store.OldValue(out.Config)), s.revision(out.Own), out.Changed, s.Rank(out.Position))
}

// doSet applies a set of several changes, or the last one of these again, or looks for its outcome.
func (s *twin) doSet(dice *rand.Rand) string {
	var commands []config.Command
	taken := make(map[config.Name]bool)
	for range 1 + dice.IntN(3) {
		name := s.drawWritable(dice)
		if cmd := s.drawCommand(dice, name); !taken[name] {
			commands = append(commands, cmd)
		}
		taken[name] = true
	}
	set := config.ChangeSet{DryRun: dice.IntN(4) == 0, Reason: s.drawReason(dice), IdempotencyKey: s.drawKey(dice)}.Of(commands...)
	if seen := s.drawSeen(dice); seen != nil {
		set.AsSeenAt = &config.RevisionID{Seq: int64(seen.Seq), Hash: seen.Prefix}
	}
	if s.set != nil && dice.IntN(6) == 0 {
		set = *s.set
	}
	s.set = &set
	if dice.IntN(4) == 0 {
		out, found, err := s.Store.Recall(context.Background(), s.Caller, set)
		return fmt.Sprintf("%t, %s", found, s.answer(out, err))
	}
	return s.answer(s.Store.Apply(context.Background(), s.Caller, set))
}

func (s *twin) doRevert(dice *rand.Rand) string {
	revert := configstore.Revert{
		To: configstore.PointInTime{Position: s.DrawPosition(dice)}, Filter: s.drawFilter(dice), AsSeenAt: s.drawSeen(dice),
		DryRun: dice.IntN(3) == 0, Reason: s.drawReason(dice), IdempotencyKey: s.drawKey(dice),
	}
	if dice.IntN(2) == 0 {
		revert.To = configstore.PointInTime{Instant: s.drawInstant(dice).UTC()}
	}
	if name := s.drawWritable(dice).String(); dice.IntN(2) == 0 {
		var err error
		revert.Filter, err = config.ParseFilter(name, nil)
		s.Must(err)
	}
	return s.answer(s.Store.Revert(context.Background(), s.Caller, revert))
}

// doUndo undoes a change set, or one of which the caller must not learn that there is one.
func (s *twin) doUndo(dice *rand.Rand) string {
	revert := configstore.RevertSet{
		ChangeSet: s.Own[dice.IntN(len(s.Own))], OnConflict: configstore.OnConflict(dice.IntN(3)),
		DryRun: dice.IntN(3) == 0, Reason: s.drawReason(dice), IdempotencyKey: s.drawKey(dice),
	}
	switch nth := dice.Int(); dice.IntN(4) {
	case 0, 1:
		revert.ChangeSet = s.made
	case 2:
		revert.ChangeSet.Prefix[0]++ // is not known
		if len(s.SecretSets) > 0 {
			revert.ChangeSet = s.SecretSets[nth%len(s.SecretSets)]
		}
	}
	return s.answer(s.Store.RevertChangeSet(context.Background(), s.Caller, revert))
}
