package configstore

import (
	"context"

	"configapi/internal/auth"
	"configapi/internal/config"
	"configapi/internal/projection"
)

// rights are what the caller of a stream could do when the stream began.
type rights struct {
	caller auth.Caller
	read   config.Prefixes
}

// newRights returns the rights of a caller that has its present grants. If they change before the
// stream begins, the first check finds out.
func newRights(caller auth.Caller) rights {
	return rights{caller: caller, read: caller.Scope(auth.Read)}
}

// stream returns the stream of the history that has the events of the caller's token, "" when it
// has none.
func (r *rights) stream() string {
	if r.caller.Secret == "" {
		return ""
	}
	return auth.TokenStream(r.caller.Name)
}

// check returns why a stream ends, as of a view: [auth.ErrRevoked], [auth.ErrExpired],
// [auth.ErrChanged], [auth.ErrNoToken] when the server was closed for its caller, or an error of
// kind [fault.Unavailable] when the rights may be too old. nil: it goes on.
func (r *rights) check(g *generation, view *projection.View) error {
	if err := g.checkRightsAge(r.caller); err != nil {
		return err
	}
	if r.caller.Secret != "" {
		return r.checkToken(g, view)
	}
	if !r.caller.IsAnonymous() || !g.isClosed(view) {
		return nil
	}
	switch now := g.opts.Anonymous; {
	case now == nil:
		return auth.ErrNoToken
	case now != r.caller.Grants && !now.Scope(auth.Read).Equal(r.read):
		return auth.ErrChanged
	}
	return nil
}

func (r *rights) checkToken(g *generation, view *projection.View) error {
	now := g.opts.Now()
	if r.caller.HasExpired(now) {
		return auth.ErrExpired
	}
	if r.caller.AsOf == view.Stamp() { // the usual case: nothing has happened to any token
		return nil
	}
	present, inForce := callerOf(view, r.caller.Secret, now)
	switch token := view.TokenOf(r.caller.Secret); {
	case !inForce && token != nil && !token.Revoked:
		return auth.ErrExpired
	case !inForce:
		return auth.ErrRevoked
	case !present.Scope(auth.Read).Equal(r.read):
		return auth.ErrChanged
	}
	r.caller = present
	return nil
}

// await calls wait, and ends it when the caller's rights end by themselves. That is no error: check
// says why.
func (r *rights) await(ctx context.Context, g *generation, wait func(context.Context) error) error {
	if r.caller.ExpiresAt.IsZero() {
		return wait(ctx)
	}
	waiting, cancel := context.WithCancel(ctx)
	defer cancel()
	session, err := g.sessions.begin(g, r.caller, func(error) { cancel() })
	if err != nil {
		return nil
	}
	defer session.End()
	err = wait(waiting)
	if session.Err() != nil && ctx.Err() == nil {
		return nil
	}
	return err
}
