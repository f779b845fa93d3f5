package configstore

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"configapi/internal/auth"
	"configapi/internal/config"
	"configapi/internal/eventstore"
	"configapi/internal/fault"
	"configapi/internal/projection"
)

// planRevert returns what has to change for the configs that a revert selects, and that the caller
// may read, to be as they were at its moment. It fails when the caller may not change one of them.
func (r *Reader) planRevert(ctx context.Context, changeable config.Prefixes, revert *Revert) (p plan, err error) {
	p.at, p.filter = r.Head(), revert.Filter.Within(r.scope)
	if err := r.checkSelected(ctx, changeable, &p); err != nil || len(p.failures) > 0 {
		return p, err
	}
	to, err := r.AsOfPoint(ctx, revert.To)
	switch {
	case errors.Is(err, fault.ErrPositionUnknown):
		p.fail("to", err)
	case err != nil:
		return p, err
	}
	if revert.AsSeenAt != nil {
		if err := r.checkSeen(ctx, revert, &p); err != nil {
			return p, err
		}
	}
	if len(p.failures) > 0 {
		return p, nil
	}
	return p, r.addDifferences(ctx, DiffQuery{From: r.Now(), To: to, Filter: p.filter}, &p)
}

// checkSelected adds a failure for each selected config that the caller may not change, at most as
// many as a set has changes.
func (r *Reader) checkSelected(ctx context.Context, changeable config.Prefixes, p *plan) error {
	if !slices.ContainsFunc(p.filter.Prefixes().Texts(), func(prefix string) bool { return !changeable.Contains(prefix) }) {
		return nil
	}
	return walk(ctx, r.view, p.filter, "", func(c *projection.Config) bool {
		if !changeable.Has(c.Name) {
			p.failures = append(p.failures, fault.Unnamed(auth.Write, c.Name.String()))
		}
		return len(p.failures) < config.MaxChanges
	})
}

// checkSeen adds a failure for each config that has changed after the caller has seen it, at most
// as many as a set has changes.
func (r *Reader) checkSeen(ctx context.Context, revert *Revert, p *plan) error {
	seen, err := r.AsOf(ctx, *revert.AsSeenAt)
	switch {
	case errors.Is(err, fault.ErrPositionUnknown):
		p.fail("asSeenAt", err)
		return nil
	case err != nil:
		return err
	}
	if !r.view.ChangedSince(seen.At().Seq, p.filter) {
		return nil
	}
	return walk(ctx, r.view, p.filter, "", func(c *projection.Config) bool {
		if c.Seq > seen.At().Seq {
			p.refuse(c.Name, fault.ErrStale, c)
		}
		return len(p.failures) < config.MaxChanges
	})
}

// addDifferences adds the commands that lead from one moment to another one.
func (r *Reader) addDifferences(ctx context.Context, q DiffQuery, p *plan) error {
	bytes, after := 0, ""
	for {
		page, err := r.Diff(ctx, q, after, MaxPageSize, false)
		if err != nil {
			return err
		}
		for i := range page.Differences {
			d := &page.Differences[i]
			bytes += d.bytes()
			if len(p.commands)+len(p.failures) == config.MaxChanges || bytes > 4*config.MaxChangeSetBytes && len(p.commands) > 0 {
				return r.failTooMany(ctx, q, p)
			}
			if d.After != nil && d.After.Erased() {
				p.refuse(d.Name, fault.ErrErased, r.view.Get(d.Name))
				continue
			}
			p.add(d.Name, r.view.Get(d.Name), valueOf(d.After))
		}
		if !page.More {
			return nil
		}
		after = page.End
	}
}

// failTooMany adds the failure that more configs differ than one set can hold.
func (r *Reader) failTooMany(ctx context.Context, q DiffQuery, p *plan) error {
	n, err := r.CountDiff(ctx, q)
	if err != nil {
		return err
	}
	p.fail("filter", &config.InvalidError{Field: "filter", TooLarge: true, Rule: fmt.Sprintf(
		"selects %d configs that differ; a change set takes at most %d, and %d MiB of values: select fewer",
		n, config.MaxChanges, config.MaxChangeSetBytes>>20)})
	return nil
}

// add adds the command that brings a config to a value, nil for none, if one is needed.
func (p *plan) add(name config.Name, present *projection.Config, value *config.Value) {
	state := config.Aggregate{Name: name}
	if present != nil {
		state = present.Aggregate()
	}
	if cmd := state.Become(value); cmd != nil {
		p.commands = append(p.commands, cmd)
		return
	}
	p.skipped = append(p.skipped, name)
}

// valueOf returns the value of a config, nil when it does not exist.
func valueOf(c *projection.Config) *config.Value {
	if c == nil {
		return nil
	}
	return &c.Value
}

// planUndo returns what has to change to undo the part of a change set that the caller may read. A
// set without such a part is one that the history does not have.
func (r *Reader) planUndo(ctx context.Context, changeable config.Prefixes, revert *RevertSet) (p plan, err error) {
	view, err := r.await(ctx, revert.ChangeSet.Seq)
	var revisions []*eventstore.Revision
	if err == nil {
		r = newReader(r.generation, view, r.caller)
		revisions, err = r.changeSet(ctx, revert.ChangeSet)
	}
	p.at = r.Head()
	visible := matching(config.Filter{}.Within(r.scope), revisions)
	if err == nil && len(visible) == 0 {
		err = fault.ErrPositionUnknown
	}
	switch {
	case errors.Is(err, fault.ErrPositionUnknown):
		p.fail("changeSet", err)
		return p, nil
	case err != nil:
		return p, err
	}
	if p.failures = forbiddenAmong(visible, changeable); len(p.failures) > 0 {
		return p, nil
	}
	end := revisions[len(revisions)-1].Position()
	p.reverts = &config.RevisionID{Seq: int64(end.Seq), Hash: end.Prefix}
	names := make([]config.Name, 0, len(visible))
	for _, change := range visible {
		names = append(names, change.Name)
		r.undo(change, revert.OnConflict, &p)
	}
	p.filter = config.Among(names)
	return p, nil
}

// undo adds what has to be done about one change of a set.
func (r *Reader) undo(change *eventstore.Revision, onConflict OnConflict, p *plan) {
	present := r.view.Get(change.Name)
	if present == nil || present.Seq != change.Seq {
		switch onConflict {
		case FailOnConflict:
			p.fail("", &fault.RevertConflict{Name: change.Name, Change: change, Current: present})
			return
		case SkipConflicts:
			p.skipped = append(p.skipped, change.Name)
			return
		}
	}
	if change.OldErased {
		p.refuse(change.Name, fault.ErrErased, present)
		return
	}
	p.add(change.Name, present, change.ValueBefore())
}

// changeSet returns all revisions of the change set to which a position belongs. The position must
// not be beyond the reader's.
func (r *Reader) changeSet(ctx context.Context, at eventstore.Position) ([]*eventstore.Revision, error) {
	turn, err := r.shared().begin(ctx)
	if err != nil {
		return nil, err
	}
	defer turn()
	start, err := r.generation.startOf(ctx, at)
	if err != nil {
		return nil, err
	}
	batch, err := r.generation.feed.Cursor(r.generation.events, start).Next(ctx, 1)
	if err != nil {
		return nil, r.generation.readFailed(err)
	}
	return batch.Events, nil
}
