package configstore

import (
	"context"
	"time"

	"configapi/internal/auth"
	"configapi/internal/fault"
)

// RightsAsOf returns the newest time of which this node knows that everything is applied that the
// event store held then. What was revoked after it, this node may not know.
func (s *Store) RightsAsOf() time.Time { return s.generation.Load().follower.Current() }

// rightsAge returns how old the rights of callers may be here. While a machine is suspended, the
// clock that measures times may stand still, so the clock of days counts, too.
func (g *generation) rightsAge() time.Duration {
	asOf := g.follower.Current()
	return max(time.Since(asOf), g.opts.Now().Sub(asOf.Round(0)))
}

// checkRightsAge returns an error when the rights of a caller come from the history, and this node
// has not reached the event store for longer than Options.MaxRightsAge.
func (g *generation) checkRightsAge(caller auth.Caller) error {
	fromHistory := caller.Secret != "" || caller.IsAnonymous() && !g.isClosed(g.view())
	if g.opts.MaxRightsAge == 0 || !fromHistory || g.rightsAge() <= g.opts.MaxRightsAge {
		return nil
	}
	return fault.ReadFailed(fault.ErrRightsTooOld)
}

// watchRights asks the event store for its head often enough for Options.MaxRightsAge, until ctx
// ends. It logs when nobody is served any more because of that, and when callers are served again.
func (s *Store) watchRights(ctx context.Context) {
	if s.opts.MaxRightsAge == 0 {
		return
	}
	const longest = 5 * time.Second
	tick := time.NewTicker(min(s.opts.MaxRightsAge/4+1, longest))
	defer tick.Stop()
	tooOld := false
	for {
		s.probe(ctx)
		asOf := s.RightsAsOf()
		switch now := s.generation.Load().rightsAge() > s.opts.MaxRightsAge; {
		case now && !tooOld:
			s.opts.Log.Error("the event store was not reached for longer than --max-rights-age: nobody with a token is served", "rights_as_of", asOf)
			tooOld = true
		case !now && tooOld:
			s.opts.Log.Info("the event store is reached again: callers with tokens are served", "rights_as_of", asOf)
			tooOld = false
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}
