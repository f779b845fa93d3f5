package configstore

import (
	"time"

	"configapi/internal/auth"
	"configapi/internal/fault"
	"configapi/internal/projection"
)

// Viewer returns a caller with its present grants: those of its token, or those that the server
// gives to anonymous callers. The errors: [auth.ErrNotValid], its secret has ended;
// [auth.ErrNoToken], it is anonymous where such callers may do nothing; or one of kind
// [fault.Unavailable].
func (s *Store) Viewer(caller auth.Caller) (auth.Caller, error) {
	_, caller, err := s.readyFor(caller)
	return caller, err
}

// readyFor is ready, and also returns the caller with its grants on the newest view.
func (s *Store) readyFor(caller auth.Caller) (*generation, auth.Caller, error) {
	g, err := s.ready()
	if err != nil {
		return nil, auth.Caller{}, err
	}
	caller, err = g.present(caller)
	return g, caller, err
}

// readyToWrite is readyFor for a write: an error of kind [fault.Unavailable] says that nothing was
// written.
func (s *Store) readyToWrite(caller auth.Caller) (*generation, auth.Caller, error) {
	g, caller, err := s.readyFor(caller)
	if err != nil {
		return nil, auth.Caller{}, fault.BeforeWrite(err)
	}
	return g, caller, nil
}

// present returns the caller with its grants on the newest view. The errors: [auth.ErrNotValid],
// [auth.ErrNoToken] for an anonymous caller that may do nothing here, or one of kind
// [fault.Unavailable] when these grants may be too old.
func (g *generation) present(caller auth.Caller) (auth.Caller, error) {
	if err := g.checkRightsAge(caller); err != nil {
		return auth.Caller{}, err
	}
	view := g.view()
	if caller.Secret == "" {
		if !g.isClosed(view) {
			return caller, nil
		}
		if caller.IsAnonymous() && g.opts.Anonymous == nil {
			return auth.Caller{}, auth.ErrNoToken
		}
		return caller.OnClosed(g.opts.Anonymous, view.ClosedAt()), nil
	}
	if caller.AsOf == view.Stamp() { // the tokens are those among which the grants were found
		if !caller.ExpiresAt.IsZero() && caller.HasExpired(g.opts.Now()) {
			return auth.Caller{}, auth.ErrNotValid
		}
		return caller, nil
	}
	present, inForce := callerOf(view, caller.Secret, g.opts.Now())
	if !inForce {
		return auth.Caller{}, auth.ErrNotValid
	}
	return present, nil
}

// callerOf returns the caller that a secret identifies at a time on a view.
func callerOf(view *projection.View, secret auth.PublicID, at time.Time) (caller auth.Caller, inForce bool) {
	caller, inForce = view.TokenOf(secret).Caller(secret, at)
	caller.AsOf = view.Stamp()
	return caller, inForce
}

// isClosed reports whether a token was ever issued, as far as this node knows: also in a history
// that was lost. Nobody is let in because a failover has lost the first token.
func (g *generation) isClosed(view *projection.View) bool {
	return view.IsClosed() || g.opts.Writer.Closed
}
