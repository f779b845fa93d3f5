package graph

import (
	"context"
	"errors"

	"configapi/graph/model"
	"configapi/graph/object"
	"configapi/internal/auth"
	"configapi/internal/config"
	"configapi/internal/configstore"
	"configapi/internal/pages"
)

// tokensPage is the page size for an explicit null. It is the default of the schema.
const tokensPage = 50

// Viewer returns the caller as the config store has it now.
func (r queryResolver) Viewer(ctx context.Context) (*model.Viewer, error) {
	caller, err := r.store.Viewer(r.caller(ctx))
	if err != nil {
		return nil, err
	}
	return &model.Viewer{Name: caller.Actor(), Grants: grantsOf(caller.Grants), ExpiresAt: optionalTime(caller.ExpiresAt), Caller: caller}, nil
}

// May reports whether the caller may do something to all names below a prefix.
func (r viewerResolver) May(_ context.Context, obj *model.Viewer, action model.Action, prefix string) (bool, error) {
	a, err := auth.ParseAction(string(action))
	if err == nil {
		err = config.CheckPrefix(prefix)
	}
	return err == nil && obj.Caller.Scope(a).Contains(prefix), err
}

// Tokens returns a page of the tokens that the caller may see. Each page is of the newest state, so
// the position of its cursors is zero.
func (r queryResolver) Tokens(ctx context.Context, first *int32, after *string) (*model.TokenConnection, error) {
	var last string
	if after != nil {
		cursor, err := object.ParseCursor(pages.Tokens, *after)
		if err != nil {
			return nil, err
		}
		last = cursor.Key
	}
	found, err := r.store.Tokens(r.caller(ctx), last, pageSize(first, tokensPage))
	if err != nil {
		return nil, err
	}
	list, page := object.List{Kind: pages.Tokens}, object.Page[*auth.Token]{Items: found.Tokens, More: found.More, After: after != nil}
	info := object.PageInfoOf(list, page, tokenKey)
	shown := &model.TokenConnection{
		Edges: make([]model.TokenEdge, len(found.Tokens)), Nodes: make([]model.Token, len(found.Tokens)),
		PageInfo: &info, TotalCount: int32(found.Total),
	}
	for i, t := range found.Tokens {
		shown.Nodes[i] = *r.token(t)
		shown.Edges[i] = model.TokenEdge{Cursor: list.Cursor(tokenKey(&t)), Node: &shown.Nodes[i]}
	}
	return shown, nil
}

func tokenKey(t **auth.Token) string { return (*t).Name.String() }

// tokenNode returns a token by its name, nil when the caller may not see it.
func (r *resolver) tokenNode(ctx context.Context, name auth.TokenName) (model.Node, error) {
	t, err := r.store.Token(r.caller(ctx), name)
	switch {
	case errors.Is(err, auth.ErrTokenNotFound), isForbidden(err):
		return nil, nil
	case err != nil:
		return nil, err
	}
	return r.token(t), nil
}

// token returns a token as the schema has it.
func (r *resolver) token(t *auth.Token) *model.Token {
	shown := &model.Token{
		ID: object.TokenID(t.Name), Name: t.Name.String(), Version: int32(t.Version), Grants: grantsOf(t.Grants),
		CreatedAt: t.CreatedAt, ExpiresAt: optionalTime(t.ExpiresAt), Secrets: []model.TokenSecret{},
	}
	if t.CreatedBy != "" {
		shown.CreatedBy = &t.CreatedBy
	}
	for _, s := range r.store.SecretsOf(t) {
		shown.Secrets = append(shown.Secrets, model.TokenSecret{PublicID: string(s.ID), CreatedAt: s.CreatedAt, ExpiresAt: optionalTime(s.ExpiresAt), LastUsedAt: optionalTime(s.LastUsedAt)})
	}
	return shown
}

func grantsOf(grants *auth.Grants) []model.Grant {
	shown := make([]model.Grant, len(grants.List()))
	for i, g := range grants.List() {
		shown[i] = model.Grant{Prefix: g.Prefix, Actions: make([]model.Action, len(g.Actions))}
		for j, action := range g.Actions {
			shown[i].Actions[j] = model.Action(action.String())
		}
	}
	return shown
}

func (r mutationResolver) CreateToken(ctx context.Context, input model.CreateTokenInput) (model.CreateTokenResult, error) {
	fields := auth.TokenFields{Name: input.Name, ExpiresAt: input.ExpiresAt}
	cmd, err := withGrants(fields, input.Grants, auth.TokenFields.Issue)
	return doToken[model.CreateTokenResult](ctx, r, cmd, err, input.Reason, r.store.CreateToken, r.issued)
}

func (r mutationResolver) RotateToken(ctx context.Context, input model.RotateTokenInput) (model.RotateTokenResult, error) {
	cmd, err := auth.TokenFields{Name: input.Name, KeepOldUntil: input.KeepOldUntil, ExpectedVersion: wide(input.ExpectedVersion)}.Rotate()
	return doToken[model.RotateTokenResult](ctx, r, cmd, err, input.Reason, r.store.RotateToken, r.issued)
}

func (r mutationResolver) ChangeGrants(ctx context.Context, input model.ChangeGrantsInput) (model.ChangeTokenResult, error) {
	fields := auth.TokenFields{Name: input.Name, ExpectedVersion: wide(input.ExpectedVersion)}
	cmd, err := withGrants(fields, input.Grants, auth.TokenFields.ChangeGrants)
	return doToken[model.ChangeTokenResult](ctx, r, cmd, err, input.Reason, r.store.ChangeGrants, r.tokenChanged)
}

func (r mutationResolver) RevokeToken(ctx context.Context, input model.RevokeTokenInput) (model.ChangeTokenResult, error) {
	cmd, err := auth.TokenFields{Name: input.Name, ExpectedVersion: wide(input.ExpectedVersion)}.Revoke()
	return doToken[model.ChangeTokenResult](ctx, r, cmd, err, input.Reason, r.store.RevokeToken, r.tokenChanged)
}

func (r *resolver) issued(out configstore.TokenOutcome) any {
	return model.TokenIssued{Token: r.token(out.Token), Secret: out.Secret, Position: out.Position}
}

func (r *resolver) tokenChanged(out configstore.TokenOutcome) any {
	if out.Token.Revoked {
		return model.TokenChanged{Position: out.Position}
	}
	return model.TokenChanged{Token: r.token(out.Token), Position: out.Position}
}

// withGrants adds grants to fields, and parses the command. The error is a [*config.InvalidError].
func withGrants[C any](fields auth.TokenFields, grants []model.GrantInput, parse func(auth.TokenFields) (C, error)) (cmd C, err error) {
	for _, g := range grants {
		actions, err := auth.ParseActions(g.Actions)
		if err != nil {
			return cmd, err
		}
		fields.Grants = append(fields.Grants, auth.Grant{Actions: actions, Prefix: g.Prefix})
	}
	return parse(fields)
}

// doToken carries out a command for a token, and returns a member of the result union R. invalid is
// the error of parsing the command: when it is not nil, nothing is done.
func doToken[R any, C auth.TokenCommand](ctx context.Context, r mutationResolver, cmd C, invalid error, why *string,
	do func(context.Context, auth.Caller, C, config.Reason) (configstore.TokenOutcome, error), done func(configstore.TokenOutcome) any) (R, error) {
	var reason config.Reason
	err := invalid
	if err == nil && why != nil {
		reason, err = config.ParseReason(*why)
	}
	if err == nil {
		var out configstore.TokenOutcome
		if out, err = do(ctx, r.caller(ctx), cmd, reason); err == nil {
			return member[R](done(out))
		}
	}
	r.denied(ctx, err)
	if failure := r.tokenError(err); failure != nil {
		return member[R](failure)
	}
	var none R
	return none, err
}

// tokenError returns the data that the schema has for an expected failure of a command for a token,
// nil for any other error.
func (r *resolver) tokenError(err error) model.UserError {
	var conflict *auth.TokenConflictError
	switch {
	case errors.As(err, &conflict):
		return model.TokenConflictError{Code: model.ErrorCodeVersionConflict, Message: err.Error(), Path: []string{"expectedVersion"}, Current: r.token(conflict.Current)}
	case errors.Is(err, auth.ErrTokenNotFound):
		return model.NotFoundError{Code: model.ErrorCodeNotFound, Message: err.Error(), Path: []string{"name"}}
	case isForbidden(err):
		return userError(err, nil, nil)
	}
	return userError(err, fieldPath(fieldOf(err)), nil)
}
