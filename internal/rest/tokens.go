package rest

import (
	"context"
	"net/http"
	"slices"
	"strconv"

	"configapi/internal/auth"
	"configapi/internal/config"
	"configapi/internal/configstore"
	"configapi/internal/pages"
)

// listTokens answers with a page of the tokens that the caller may see, by name. Pages are of the
// newest state, each of its own.
func (h *Handler) listTokens(w http.ResponseWriter, r *http.Request) {
	first, err := parseFirst(r.URL.RawQuery, usualFirst)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	after, err := parseTokenCursor(r.URL.RawQuery)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	reader, err := h.reader(r) // the tokens are read after it, so that they include its position
	if err != nil {
		h.fail(w, r, err)
		return
	}
	page, err := h.store.Tokens(auth.FromContext(r.Context()), after, first)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	locate(w.Header(), reader.Head().Position())
	if page.More {
		next := pages.Cursor{Kind: pages.TokenList, Key: page.Tokens[len(page.Tokens)-1].Name.String()}
		w.Header()[link] = []string{nextLink(first, next.String())}
	}
	s := newJSON(w, r)
	defer s.release()
	s.put(`{"tokens":`).each(len(page.Tokens), func(i int) { s.token(page.Tokens[i], h.store.SecretsOf(page.Tokens[i])) })
	s.put(`,"totalCount":`).number(int64(page.Total)).put(`}`)
	s.finish()
}

// parseTokenCursor returns the name after which a page begins, "" for the first page.
func parseTokenCursor(query string) (after string, err error) {
	text, given, err := parameter(query, "after")
	if err != nil || !given {
		return "", err
	}
	cursor, ok := pages.Parse(pages.TokenList, text)
	if !ok {
		return "", errForeignCursor
	}
	return cursor.Key, nil
}

// readToken answers with one token, in its newest state.
func (h *Handler) readToken(w http.ResponseWriter, r *http.Request, text string) {
	name, err := auth.ParseTokenName(text)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	reader, err := h.reader(r) // the token is read after it, so that it includes its position
	if err != nil {
		h.fail(w, r, err)
		return
	}
	t, err := h.store.Token(auth.FromContext(r.Context()), name)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	locate(w.Header(), reader.Head().Position())
	w.Header()[etag] = []string{tokenTag(t)}
	s := newJSON(w, r)
	defer s.release()
	s.put(`{"token":`).token(t, h.store.SecretsOf(t)).put(`}`)
	s.finish()
}

// readSecret answers with a secret and with the token that has it, or had it last, also one that is
// revoked.
func (h *Handler) readSecret(w http.ResponseWriter, r *http.Request, text string) {
	// A whole secret is refused: the addresses of requests are logged.
	id, err := auth.ParsePublicID(text)
	if err != nil || len(text) > len("cfg_")+len(id) {
		h.fail(w, r, &config.InvalidError{Field: "publicId", Rule: "must be cfg_ and 22 letters and digits; never send a whole secret in an address"})
		return
	}
	reader, err := h.reader(r)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	t, err := h.store.TokenOf(auth.FromContext(r.Context()), id)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	locate(w.Header(), reader.Head().Position())
	good := h.store.SecretsOf(t)
	kept := h.store.SecretOf(t, id)
	s := newJSON(w, r)
	defer s.release()
	s.put(`{"token":`).token(t, good).put(`,"revoked":`).bool(t.Revoked)
	s.put(`,"secret":`).secret(kept).put(`,"inForce":`).bool(slices.ContainsFunc(good, func(s auth.UsedSecret) bool { return s.ID == id })).put(`}`)
	s.finish()
}

func (h *Handler) createToken(w http.ResponseWriter, r *http.Request) {
	doToken(h, w, r, createToken, "", auth.TokenFields.Issue, h.store.CreateToken)
}

func (h *Handler) rotateToken(w http.ResponseWriter, r *http.Request, name string) {
	doToken(h, w, r, rotateToken, name, auth.TokenFields.Rotate, h.store.RotateToken)
}

func (h *Handler) changeGrants(w http.ResponseWriter, r *http.Request, name string) {
	doToken(h, w, r, changeGrants, name, auth.TokenFields.ChangeGrants, h.store.ChangeGrants)
}

func (h *Handler) revokeToken(w http.ResponseWriter, r *http.Request, name string) {
	doToken(h, w, r, revokeToken, name, auth.TokenFields.Revoke, h.store.RevokeToken)
}

// doToken carries out an operation on a token, and answers. name is that of the path, "" for none.
func doToken[C auth.TokenCommand](h *Handler, w http.ResponseWriter, r *http.Request, op operation, name string, parse func(auth.TokenFields) (C, error),
	do func(context.Context, auth.Caller, C, config.Reason) (configstore.TokenOutcome, error)) {
	request, err := readTokenRequest(w, r, op, name)
	if err != nil {
		h.failBody(w, r, err)
		return
	}
	cmd, err := parse(request.fields)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	outcome, err := do(r.Context(), auth.FromContext(r.Context()), cmd, request.reason)
	if conflict := conflictOf(err); conflict != nil {
		w.Header()[etag] = []string{tokenTag(conflict.Current)}
	}
	if err != nil {
		h.fail(w, r, err)
		return
	}
	locate(w.Header(), outcome.Position)
	s := newJSON(w, r)
	defer s.release()
	s.put(`{"token":`)
	if outcome.Token.Revoked {
		s.put(`null`)
	} else {
		w.Header()[etag] = []string{tokenTag(outcome.Token)}
		s.token(outcome.Token, h.store.SecretsOf(outcome.Token))
	}
	if outcome.Secret != "" {
		s.put(`,"secret":`).plain(outcome.Secret)
	}
	s.put(`,"position":`).position(outcome.Position).put(`}`)
	s.finish()
}

// tokenTag returns the entity tag of a token: its version.
func tokenTag(t *auth.Token) string { return `"` + strconv.Itoa(int(t.Version)) + `"` }

// token adds a token, as GraphQL has it in Token, without its id. secrets are those in force.
func (s *jsonStream) token(t *auth.Token, secrets []auth.UsedSecret) *jsonStream {
	s.put(`{"name":`).plain(t.Name.String()).put(`,"version":`).number(int64(t.Version))
	s.put(`,"grants":`).each(len(t.Grants.List()), func(i int) { s.grant(t.Grants.List()[i]) })
	s.put(`,"createdAt":`).instant(t.CreatedAt).put(`,"createdBy":`).textIf(t.CreatedBy != "", t.CreatedBy)
	s.put(`,"expiresAt":`).instantIf(t.ExpiresAt)
	s.put(`,"secrets":`).each(len(secrets), func(i int) { s.secret(secrets[i]) })
	return s.put(`}`)
}

// secret adds what is kept of a secret.
func (s *jsonStream) secret(kept auth.UsedSecret) *jsonStream {
	s.put(`{"publicId":`).plain(string(kept.ID)).put(`,"createdAt":`).instant(kept.CreatedAt)
	return s.put(`,"expiresAt":`).instantIf(kept.ExpiresAt).put(`,"lastUsedAt":`).instantIf(kept.LastUsedAt).put(`}`)
}

func (s *jsonStream) grant(g auth.Grant) {
	s.put(`{"actions":`).each(len(g.Actions), func(i int) { s.plain(g.Actions[i].String()) })
	s.put(`,"prefix":`).plain(g.Prefix).put(`}`)
}
