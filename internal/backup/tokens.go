package backup

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"configapi/internal/auth"
	"configapi/internal/config"
	"configapi/internal/eventstore"
)

// Tokens says what a restore does with the tokens of a backup. They are good for the restored store
// as they were for the one that was backed up.
type Tokens string

const (
	KeepTokens   Tokens = "keep"   // they stay as they are
	RevokeTokens Tokens = "revoke" // all are revoked, after the history and before the store is whole
)

// revokedBecause is the reason in the history of tokens that a restore has revoked.
const revokedBecause = "restored from a backup without its tokens"

// restoredTokens are the tokens of a backup that is being restored.
type restoredTokens struct {
	codec  config.Codec
	decide func() (Tokens, error)        // see [Options]
	choice Tokens                        // "" until decide was asked
	newest map[string]*eventstore.Record // :: stream of a token → its newest record
}

// add adds the events of tokens among records. At the first one it asks whether tokens are kept or
// revoked.
func (t *restoredTokens) add(records []eventstore.Record) (err error) {
	for i := range records {
		r := &records[i]
		if !strings.HasPrefix(r.Name, auth.TokenStream("")) {
			continue
		}
		if t.choice == "" {
			if t.choice, err = t.decide(); err != nil {
				return err
			}
			t.newest = make(map[string]*eventstore.Record)
		}
		kept := *r // alone: it must not keep the whole batch in memory
		t.newest[r.Name] = &kept
	}
	return nil
}

// unrevoked returns the tokens that are not revoked, by name, those included that have expired: the
// clock of this machine may be wrong. The error says that this program does not know an event.
func (t *restoredTokens) unrevoked() (tokens []*auth.Token, err error) {
	for _, stream := range slices.Sorted(maps.Keys(t.newest)) {
		decoded, err := eventstore.DecodeFacts(t.codec, []eventstore.Record{*t.newest[stream]})
		if err != nil {
			return nil, err
		}
		event, is := decoded[0].Stream.Content.(auth.TokenEvent)
		if !is {
			return nil, fmt.Errorf("the event at position %d is none of a token", t.newest[stream].Seq)
		}
		if !event.Token.Revoked {
			tokens = append(tokens, event.Token)
		}
	}
	return tokens, nil
}

// endTokens keeps or revokes the tokens of the backup, as was decided, and reports it in did. It
// must be called after the whole backup was compared or appended.
func (r *restoring) endTokens(ctx context.Context, did *Restored) error {
	if err := r.followRevocations(ctx); err != nil {
		return err
	}
	if did.HadTokens = len(r.tokens.newest) > 0; !did.HadTokens {
		return nil
	}
	tokens, err := r.tokens.unrevoked()
	if err != nil {
		return fmt.Errorf("looking at the tokens of the backup: %w", err)
	}
	if r.tokens.choice == RevokeTokens {
		did.Revoked = len(tokens)
		return r.revoke(ctx, tokens)
	}
	for _, token := range tokens {
		if token.IsInForce(time.Now()) {
			did.InForce++
		}
	}
	return nil
}

// followRevocations reads what the store has behind the events of the backup: revocations that a
// restore before has appended, and nothing else.
func (r *restoring) followRevocations(ctx context.Context) error {
	var chain eventstore.Chain
	for r.at.Seq < r.found.Seq {
		page, err := r.into.Read(ctx, r.at.Seq, eventstore.Limit{})
		if err != nil {
			return err
		}
		if len(page) == 0 {
			return &eventstore.ChainError{Seq: r.at.Seq + 1, Problem: "it is missing in the store"}
		}
		for i := range page {
			if page[i].Type != string(auth.TokenRevoked) {
				return &RefusedError{fmt.Sprintf("the store has an event at position %d that no restore of the backup has made; restore into an empty store", page[i].Seq)}
			}
		}
		if r.at, err = chain.Verify(r.at, page); err != nil {
			return err
		}
		if err := r.tokens.add(page); err != nil {
			return err
		}
	}
	return nil
}

// checkUnfinished refuses a store that had the whole backup before and is no unfinished restore of
// it. It may be the store that was backed up, whose tokens are in use.
func (r *restoring) checkUnfinished(ctx context.Context) error {
	unfinished, err := r.into.RestoreTarget(ctx)
	if err != nil || unfinished.Same(r.target) {
		return err
	}
	return &RefusedError{"the store has all of the backup already, and may be the one that was backed up: " +
		"restore into an empty store, or revoke its tokens with `configapi token revoke`"}
}

// revoke appends the revocations of tokens, each a change set of its own, as the actor local. The
// store is marked as unfinished meanwhile.
func (r *restoring) revoke(ctx context.Context, tokens []*auth.Token) error {
	if len(tokens) > 0 && r.found.Seq == r.target.Seq {
		if err := r.checkUnfinished(ctx); err != nil {
			return err
		}
	}
	var chain eventstore.Chain
	var id eventstore.AppendID
	for len(tokens) > 0 {
		batch, bytes, at := []eventstore.Record(nil), 0, r.at.RecordedAt
		for len(tokens) > 0 && len(batch) < config.MaxChanges && bytes < batchBytes {
			at = laterOf(time.Now(), at)
			record, err := revocation(tokens[0], at)
			if err != nil {
				return err
			}
			batch, bytes, tokens = append(batch, record), bytes+len(record.Data), tokens[1:]
		}
		_, _ = rand.Read(id[:]) // never fails: crypto/rand ends the program first
		sealed := chain.Seal(r.at, id, batch)
		if err := r.append(ctx, batch); err != nil {
			return fmt.Errorf("revoking the tokens of the backup: %w", err)
		}
		r.at = sealed
	}
	return nil
}

// laterOf returns now in whole microseconds, or 1 µs after the time before when that is later.
func laterOf(now, before time.Time) time.Time {
	now = now.UTC().Truncate(time.Microsecond)
	if next := before.Add(time.Microsecond); now.Before(next) {
		return next
	}
	return now
}

// revocation returns the record of a token's revocation, which is not sealed yet.
func revocation(token *auth.Token, at time.Time) (eventstore.Record, error) {
	event, err := token.Decide(auth.RevokeToken{Name: token.Name}, auth.Local, at)
	if err != nil {
		return eventstore.Record{}, fmt.Errorf("revoking the token %s: %w", token.Name, err)
	}
	stored := event.Encode()
	return eventstore.Record{
		Name: token.Name.Stream(), Version: int(event.Token.Version),
		Type: stored.Type, SchemaVersion: stored.SchemaVersion, Data: stored.Data,
		Actor: new(auth.LocalName), Reason: new(revokedBecause), RecordedAt: at,
	}, nil
}

// append appends records behind what the store has.
func (r *restoring) append(ctx context.Context, records []eventstore.Record) error {
	err := r.into.Append(ctx, r.at, records)
	if errors.Is(err, eventstore.ErrHeadMoved) {
		return fmt.Errorf("another program writes to the store: stop it, and run the restore again: %w", err)
	}
	if err != nil {
		return fmt.Errorf("appending after position %d: %w", r.at.Seq, err)
	}
	return nil
}
