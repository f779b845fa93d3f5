package configstore

import (
	"sync/atomic"

	"configapi/internal/auth"
)

// Proof is a caller that has proved itself with a secret. While [Store.StillProves] says so, the
// same secret proves it again. It is safe for concurrent use.
type Proof struct {
	Caller auth.Caller  // as Authenticate has returned it
	noted  atomic.Int64 // the minute of the last use that was noted; 0: none
}

// StillProves reports whether [Store.Authenticate] would return the same caller for the same secret
// at this time. If so, it has noted the use of the secret. It costs a fraction of Authenticate, and
// answers false in any doubt: after a change of any token, when the secret has expired, while the
// store is not ready, and when this node has not reached the event store for longer than
// Options.MaxRightsAge. A caller without a secret is always in doubt.
func (s *Store) StillProves(p *Proof) bool {
	g, err := s.ready()
	if err != nil || p.Caller.Secret == "" || p.Caller.AsOf != g.view().Stamp() || g.checkRightsAge(p.Caller) != nil {
		return false
	}
	now := s.opts.Now()
	if p.Caller.HasExpired(now) {
		return false
	}
	if minute := minuteOf(now); p.noted.Load() != minute {
		p.noted.Store(minute)
		s.uses.note(p.Caller.Secret, now)
	}
	return true
}
