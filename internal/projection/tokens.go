package projection

import (
	"time"

	"github.com/tidwall/btree"

	"configapi/internal/auth"
	"configapi/internal/config"
	"configapi/internal/eventstore"
)

// secrets are the secrets of all tokens, by public id. The tokens by name are among the streams.
type secrets = btree.BTreeG[secret]

type secret struct {
	id    auth.PublicID
	token *auth.Token // after its newest event
}

func newSecrets() *secrets {
	before := func(a, b secret) bool { return a.id < b.id }
	return btree.NewBTreeGOptions(before, btree.Options{NoLocks: true})
}

// Token returns a token, also one that is revoked or has expired, or nil if there never was one of
// that name.
func (v *View) Token(name auth.TokenName) *auth.Token { return tokenOf(v.Stream(name.Stream())) }

// TokenOf returns the token that has, or had last, a secret with a public id. It returns nil if
// there is none.
func (v *View) TokenOf(id auth.PublicID) *auth.Token {
	s, _ := v.secrets.Get(secret{id: id})
	return s.token
}

// Stamp returns the stamp of all tokens of the view: views with the same one have the same tokens.
func (v *View) Stamp() *auth.Stamp { return v.stamp }

// AscendTokens calls yield for each token, those included that are revoked or have expired, by name
// in byte order, until yield returns false.
func (v *View) AscendTokens(yield func(*auth.Token) bool) {
	from := &eventstore.Revision{Stream: &config.StreamEvent{Stream: auth.TokenStream("")}}
	v.streams.Ascend(from, func(r *eventstore.Revision) bool {
		token := tokenOf(r)
		return token != nil && yield(token)
	})
}

// IsClosed reports whether a token was ever issued, whatever has become of it since: callers that
// do not prove who they are may then do no more than the server's options say. A token always keeps
// a secret, also when it is revoked.
func (v *View) IsClosed() bool { return v.secrets.Len() > 0 }

// ClosedAt returns when the first token was issued, the zero time if there never was one.
func (v *View) ClosedAt() time.Time { return v.closedAt }

// tokenOf returns the token that an event of a stream leads to, nil if it is of another kind of
// stream. r may be nil.
func tokenOf(r *eventstore.Revision) *auth.Token {
	if r == nil {
		return nil
	}
	event, _ := r.Stream.Content.(auth.TokenEvent)
	return event.Token
}

// addToken makes the newest event of a stream that of a token, if it is one. The error says that it
// cannot follow the event before, which may be nil.
func (p *Projection) addToken(r, before *eventstore.Revision) error {
	event, is := r.Stream.Content.(auth.TokenEvent)
	if !is {
		return nil
	}
	old := tokenOf(before)
	after, err := old.Apply(event)
	if err != nil {
		return err
	}
	if old != nil {
		for _, s := range old.Secrets {
			p.secrets.Delete(secret{id: s.ID})
		}
	}
	p.setSecrets(after)
	return nil
}

func (p *Projection) setSecrets(t *auth.Token) {
	if p.closedAt.IsZero() || t.CreatedAt.Before(p.closedAt) {
		p.closedAt = t.CreatedAt
	}
	for _, s := range t.Secrets {
		p.secrets.Set(secret{s.ID, t})
	}
}
