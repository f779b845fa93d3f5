package configstore

import (
	"context"
	"errors"

	"configapi/internal/auth"
	"configapi/internal/config"
	"configapi/internal/eventstore"
	"configapi/internal/fault"
)

// TokenOutcome is what a command for a token came to.
type TokenOutcome struct {
	// Token is the token as this very command left it.
	Token *auth.Token
	// Secret is the token's new secret, "" when it got none. Nothing here keeps it.
	Secret string
	// Position is that of the outcome: any read or stream from here on includes it.
	Position eventstore.Position
}

// CreateToken makes a token, and returns it with its secret. The secret of cmd is not used.
//
// It returns when the token is on disk and known here. Other nodes know it as soon as they need to:
// see [Store.Authenticate]. Its caller must have ADMIN and all that the token may do.
//
// The errors: a [*config.InvalidError], a [*fault.ForbiddenError] about the caller, or a
// [*fault.UnavailableError], which says whether something may have been written. Then the name may
// be taken, and [Store.RotateToken] gives a secret. The end of ctx ends the waiting, not the write.
func (s *Store) CreateToken(ctx context.Context, caller auth.Caller, cmd auth.IssueToken, reason config.Reason) (TokenOutcome, error) {
	secret, kept := auth.NewSecret()
	cmd.Secret = kept
	return s.doToken(ctx, caller, cmd, reason, secret)
}

// RotateToken gives a token a new secret at once, and returns it. The secret of cmd is not used.
// Besides those of [Store.CreateToken], the errors are [auth.ErrTokenNotFound], also for a token
// that may do more than the caller, and [*auth.TokenConflictError].
func (s *Store) RotateToken(ctx context.Context, caller auth.Caller, cmd auth.RotateToken, reason config.Reason) (TokenOutcome, error) {
	secret, kept := auth.NewSecret()
	cmd.Secret = kept
	return s.doToken(ctx, caller, cmd, reason, secret)
}

// ChangeGrants gives a token other grants. The caller must have ADMIN and all that the token may do
// before and after. The errors are those of [Store.RotateToken].
func (s *Store) ChangeGrants(ctx context.Context, caller auth.Caller, cmd auth.ChangeGrants, reason config.Reason) (TokenOutcome, error) {
	return s.doToken(ctx, caller, cmd, reason, "")
}

// RevokeToken ends a token for ever. The errors are those of [Store.RotateToken].
func (s *Store) RevokeToken(ctx context.Context, caller auth.Caller, cmd auth.RevokeToken, reason config.Reason) (TokenOutcome, error) {
	return s.doToken(ctx, caller, cmd, reason, "")
}

// Bootstrap makes the token `bootstrap`, which may do everything, with a secret that the caller
// knows, unless the history has ever had a token. issued reports whether it made the token; of
// several nodes at once, one does. The error is a [*fault.UnavailableError]; Bootstrap may be
// called again then.
func (s *Store) Bootstrap(ctx context.Context, secret auth.Credential) (issued bool, err error) {
	outcome, err := s.doToken(ctx, auth.Caller{Name: auth.BootstrapName}, auth.BootstrapToken{Secret: secret}, config.Reason{}, "")
	return outcome.Token != nil, err
}

func (s *Store) doToken(ctx context.Context, caller auth.Caller, cmd auth.TokenCommand, reason config.Reason, secret string) (TokenOutcome, error) {
	ctx, cancel := s.withWriteTimeout(ctx)
	defer cancel()
	g, caller, err := s.readyToWrite(caller)
	if err != nil {
		return TokenOutcome{}, err
	}
	if err := s.checkClock(ctx); err != nil {
		return TokenOutcome{}, err
	}
	outcome, err := g.writer.DoToken(ctx, caller, cmd, reason)
	if unavailable, is := errors.AsType[*fault.UnavailableError](err); is && unavailable.OutcomeUnknown {
		return TokenOutcome{}, fault.OutcomeUnknown(errors.Join(fault.ErrTokenUnknown, unavailable.Cause))
	}
	if err != nil {
		return TokenOutcome{}, denied(err)
	}
	return TokenOutcome{outcome.Token, secret, outcome.Position}, nil
}

// denied returns the error that clients get of a right that a caller lacks, and any other error as
// it is.
func denied(err error) error {
	if missing, is := errors.AsType[*auth.MissingError](err); is {
		return &fault.ForbiddenError{Action: missing.Action, On: missing.Prefix}
	}
	return err
}

// TokenPage is a page of tokens, by name.
type TokenPage struct {
	Tokens []*auth.Token
	More   bool // whether there are tokens after the last one
	Total  int  // of the tokens that the caller may see
}

// Tokens returns the tokens that the caller may see, by name, after a name ("": from the first on),
// at most first of them. Tokens that are revoked are not among them, those that have expired are. A
// caller may see a token when it has ADMIN and all that the token may do. The errors: a
// [*config.InvalidError] about first, a [*fault.ForbiddenError], [auth.ErrNotValid], or one of kind
// [fault.Unavailable].
func (s *Store) Tokens(caller auth.Caller, after string, first int) (page TokenPage, err error) {
	if err := checkPageSize(first); err != nil {
		return TokenPage{}, err
	}
	g, caller, err := s.readyFor(caller)
	if err == nil {
		err = denied(caller.ManagesTokens())
	}
	if err != nil {
		return TokenPage{}, err
	}
	g.view().AscendTokens(func(t *auth.Token) bool {
		if t.Revoked || caller.MayManage(t.Grants) != nil {
			return true
		}
		page.Total++
		switch {
		case t.Name.String() <= after:
		case len(page.Tokens) < first:
			page.Tokens = append(page.Tokens, t)
		default:
			page.More = true
		}
		return true
	})
	return page, nil
}

// Token returns a token. The errors are [auth.ErrTokenNotFound], also for a token that may do more
// than the caller or is revoked, and those of [Store.Tokens].
func (s *Store) Token(caller auth.Caller, name auth.TokenName) (*auth.Token, error) {
	g, caller, err := s.readyFor(caller)
	if err != nil {
		return nil, err
	}
	t := g.view().Token(name)
	if t != nil && t.Revoked {
		t = nil
	}
	return visible(caller, t)
}

// TokenOf returns the token that has, or had last, the secret with a public id: the token to which
// a leaked secret belongs. It finds revoked tokens, too. The errors are those of [Store.Token].
func (s *Store) TokenOf(caller auth.Caller, id auth.PublicID) (*auth.Token, error) {
	g, caller, err := s.readyFor(caller)
	if err != nil {
		return nil, err
	}
	return visible(caller, g.view().TokenOf(id))
}

// visible returns a token, which may be nil, or why the caller may not see it.
func visible(caller auth.Caller, t *auth.Token) (*auth.Token, error) {
	if err := caller.ManagesTokens(); err != nil {
		return nil, denied(err)
	}
	if t == nil || caller.MayManage(t.Grants) != nil {
		return nil, auth.ErrTokenNotFound
	}
	return t, nil
}
