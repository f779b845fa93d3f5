package projection_test

import (
	"reflect"
	"slices"
	"testing"
	"time"

	"configapi/internal/auth"
	"configapi/internal/configstore/configstoretest"
	"configapi/internal/eventstore"
	"configapi/internal/eventstore/memory"
	"configapi/internal/projection"
)

// tokenHistory is a history with tokens, and their states.
type tokenHistory struct {
	*history
	tokens map[string]*auth.Token // :: name → state after the newest event
}

func newTokenHistory(t testing.TB) *tokenHistory {
	return &tokenHistory{longHistory(t), make(map[string]*auth.Token)}
}

// do has the caller local do something to a token.
func (h *tokenHistory) do(cmd auth.TokenCommand) {
	h.t.Helper()
	at, name := h.head.RecordedAt.Add(time.Microsecond), cmd.Target().String()
	event, err := h.tokens[name].Decide(cmd, auth.Local, at)
	if err != nil {
		h.t.Fatal(err)
	}
	stored := event.Encode()
	h.tokens[name] = event.Token
	h.seal([]eventstore.Record{{
		Name: cmd.Target().Stream(), Version: int(event.Token.Version), Type: stored.Type, SchemaVersion: stored.SchemaVersion,
		Data: stored.Data, RecordedAt: at,
	}})
}

func newCredential() auth.Credential {
	_, kept := auth.NewSecret()
	return kept
}

// mustShowTokens compares a view with the states that the history leads to.
func (h *tokenHistory) mustShowTokens(v *projection.View) {
	h.t.Helper()
	if v.IsClosed() != (len(h.tokens) > 0) {
		h.t.Errorf("with %d tokens the view is closed: %t", len(h.tokens), v.IsClosed())
	}
	var names []string
	ids := make(map[auth.PublicID]string)
	for name, want := range h.tokens {
		if got := v.Token(want.Name); !reflect.DeepEqual(got, want) {
			h.t.Errorf("token %s is %+v, want %+v", name, got, want)
		}
		for _, s := range want.Secrets {
			ids[s.ID] = name
		}
		names = append(names, name)
	}
	slices.Sort(names)
	for id, name := range ids {
		if got := v.TokenOf(id); got == nil || got.Name.String() != name || got != v.Token(got.Name) {
			h.t.Errorf("secret %s is of token %+v, want %s", id, got, name)
		}
	}
	for most := range len(names) + 1 {
		var got []string
		v.AscendTokens(func(t *auth.Token) bool {
			if len(got) < most {
				got = append(got, t.Name.String())
			}
			return len(got) < most
		})
		if !slices.Equal(got, names[:most]) {
			h.t.Errorf("the first %d tokens are %q, want %q", most, got, names[:most])
		}
	}
	if v.Token(configstoretest.TokenName(h.t, "never")) != nil || v.TokenOf(newCredential().ID) != nil || v.TokenOf("") != nil {
		h.t.Error("the view has a token that was never issued")
	}
}

// TestTokens has tokens in a history that is applied one by one, and in one that is loaded.
func TestTokens(t *testing.T) {
	h := newTokenHistory(t)
	p := projection.New(&listener{})
	ci, cd := configstoretest.TokenName(t, "ci"), configstoretest.TokenName(t, "c.d")
	apply := func() {
		t.Helper()
		revisions, err := eventstore.DecodeFacts(auth.Codec(), h.records)
		if err != nil {
			t.Fatal(err)
		}
		if err := p.Apply(eventstore.Head{}, revisions); err != nil {
			t.Fatal(err)
		}
		h.mustShowTokens(p.View())
	}
	apply()
	first := newCredential()
	h.do(auth.IssueToken{Name: ci, Grants: auth.Everything, Secret: first})
	apply()
	before := p.View()
	h.do(auth.IssueToken{Name: cd, Grants: auth.Everything, Secret: newCredential()})
	h.do(auth.BootstrapToken{Secret: newCredential()})
	h.do(auth.RotateToken{Name: ci, Secret: newCredential(), KeepOldUntil: h.head.RecordedAt.Add(time.Hour)})
	apply()
	if before.TokenOf(first.ID).Version != 1 || p.View().TokenOf(first.ID).Version != 2 {
		t.Error("a view has changed, or the old secret is not kept")
	}
	h.do(auth.RotateToken{Name: ci, Secret: newCredential()})
	apply()
	if p.View().TokenOf(first.ID) != nil {
		t.Error("an old secret is still known after two rotations")
	}
	h.do(auth.RevokeToken{Name: ci})
	h.do(auth.RevokeToken{Name: cd})
	h.do(auth.RevokeToken{Name: configstoretest.TokenName(t, auth.BootstrapName)})
	apply()

	for range 30 {
		h.set("a", "later")
	}
	store := memory.New()
	if err := store.Replace(h.head, h.records); err != nil {
		t.Fatal(err)
	}
	for _, recent := range []int{1, 31, 34, 100} {
		l := newLoading(store, projection.Options{RecentEvents: recent, Codec: auth.Codec()})
		if err := l.CatchUp(t.Context()); err != nil || l.loaded.Seq == 0 {
			t.Fatalf("loaded at %d, %v", l.loaded.Seq, err)
		}
		h.mustShowTokens(l.View())
	}
}

// TestTokensAfterARefusedBatch has a batch whose last event cannot follow: nothing of it is
// applied.
func TestTokensAfterARefusedBatch(t *testing.T) {
	h := newTokenHistory(t)
	ci := configstoretest.TokenName(t, "ci")
	h.do(auth.IssueToken{Name: ci, Grants: auth.Everything, Secret: newCredential()})
	p := projection.New(&listener{})
	revisions, err := eventstore.DecodeFacts(auth.Codec(), h.records)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Apply(eventstore.Head{}, revisions); err != nil {
		t.Fatal(err)
	}
	from, known := h.head, *h
	h.tokens = map[string]*auth.Token{"ci": known.tokens["ci"]}
	later := len(h.records)
	h.do(auth.RotateToken{Name: ci, Secret: newCredential()})
	h.do(auth.IssueToken{Name: configstoretest.TokenName(t, "cd"), Grants: auth.Everything, Secret: newCredential()})
	revoked := *h.tokens["ci"]
	revoked.Version, revoked.Revoked, revoked.CreatedBy = revoked.Version+1, true, "somebody else"
	forged := auth.TokenEvent{Type: auth.TokenRevoked, Token: &revoked}.Encode()
	h.seal([]eventstore.Record{{
		Name: ci.Stream(), Version: int(revoked.Version), Type: forged.Type, SchemaVersion: forged.SchemaVersion,
		Data: forged.Data, RecordedAt: h.head.RecordedAt.Add(time.Microsecond),
	}})
	revisions, err = eventstore.DecodeFacts(auth.Codec(), h.records[later:])
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Apply(from, revisions); err == nil {
		t.Error("an event that cannot follow was applied")
	}
	known.mustShowTokens(p.View())
}
