package configstore

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"configapi/internal/auth"
	"configapi/internal/eventstore"
)

const (
	// usesInterval is how often a node notes in the event store which secrets were used, and reads
	// what other nodes have noted.
	usesInterval = time.Minute
	// usesTimeout bounds how long that takes.
	usesTimeout = 10 * time.Second
	// lastUsesTimeout bounds it at the end, when the program waits for it.
	lastUsesTimeout = 500 * time.Millisecond
	// strayUse is how old a use is that is removed although this node does not know its secret:
	// another node may know a token before this one does.
	strayUse = 24 * time.Hour
)

// SecretsOf returns the secrets of a token that are in force now: none, one or two.
func (s *Store) SecretsOf(t *auth.Token) []auth.UsedSecret {
	secrets := t.SecretsAt(s.opts.Now())
	shown := make([]auth.UsedSecret, len(secrets))
	for i, secret := range secrets {
		shown[i] = s.SecretOf(t, secret.ID)
	}
	return shown
}

// SecretOf returns the secret of a token that has the public id, also one that has ended. It is the
// zero one when the token does not have it.
func (s *Store) SecretOf(t *auth.Token, id auth.PublicID) auth.UsedSecret {
	secret, _ := t.Secret(id)
	return auth.UsedSecret{TokenSecret: secret, LastUsedAt: s.uses.last(id)}
}

// uses are the minutes in which secrets were last used, on any node as far as this one knows. It
// holds secrets of tokens of the view that were in force at the last sweep or were used since. Uses
// belong to no generation: a secret that was used stays used.
type uses struct {
	events eventstore.Store
	log    *slog.Logger
	byID   sync.Map // :: auth.PublicID → *use
	failed bool     // whether the last time that uses were kept or read has failed
}

// use is the last use of one secret, in minutes since 1970; 0: none.
type use struct {
	last atomic.Int64
	kept atomic.Int64 // the use that the event store is known to have
}

func newUses(events eventstore.Store, log *slog.Logger) *uses { return &uses{events: events, log: log} }

// note notes a use. It takes no lock and makes nothing unless it is the first use of the secret.
func (u *uses) note(id auth.PublicID, at time.Time) {
	u.of(id).raise(at)
}

func (u *uses) of(id auth.PublicID) *use {
	found, ok := u.byID.Load(id)
	if !ok {
		found, _ = u.byID.LoadOrStore(id, new(use))
	}
	return found.(*use)
}

// raise makes a use the last one unless a later one is known. It writes once a minute, so that the
// processors share the memory meanwhile.
func (u *use) raise(at time.Time) {
	minute := minuteOf(at)
	for last := u.last.Load(); minute > last; last = u.last.Load() {
		if u.last.CompareAndSwap(last, minute) {
			return
		}
	}
}

func (u *uses) last(id auth.PublicID) time.Time {
	found, ok := u.byID.Load(id)
	if !ok {
		return time.Time{}
	}
	return minuteStart(found.(*use).last.Load())
}

// minuteOf returns the minute of a time, counted since 1970.
func minuteOf(at time.Time) int64 { return at.Unix() / 60 }

// minuteStart returns the beginning of a minute, and the zero time for 0.
func minuteStart(minute int64) time.Time {
	if minute == 0 {
		return time.Time{}
	}
	return time.Unix(minute*60, 0).UTC()
}

// keepUses notes in the event store once a minute, and when ctx ends, what was used on this node,
// and learns what was used on others. What fails is tried again: all that is lost is precision.
func (s *Store) keepUses(ctx context.Context) {
	ready := s.Ready()
	every := time.NewTicker(usesInterval)
	defer every.Stop()
	for {
		select {
		case <-ready:
			ready = nil
			s.uses.report(ctx, s.ReadUses(ctx))
		case <-every.C:
			s.uses.report(ctx, s.exchangeUses(ctx))
		case <-ctx.Done():
			s.noteSessions()
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastUsesTimeout)
			defer cancel()
			s.uses.report(last, s.uses.keep(last))
			return
		}
	}
}

// ReadUses learns from the event store when secrets were used on other nodes, as Run does once a
// minute. The error says that the event store did not answer.
func (s *Store) ReadUses(ctx context.Context) error {
	g, err := s.ready()
	if err != nil {
		return err
	}
	return s.uses.read(ctx, g, func([]string) error { return nil })
}

// exchangeUses forgets the secrets that have ended, here and in the event store, keeps the uses of
// the others, and reads those of other nodes. It does nothing while the history is not applied.
func (s *Store) exchangeUses(ctx context.Context) error {
	g, err := s.ready()
	if err != nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, usesTimeout)
	defer cancel()
	s.noteSessions()
	s.uses.sweep(g)
	if err := s.uses.keep(ctx); err != nil {
		return err
	}
	return s.uses.read(ctx, g, func(ended []string) error { return s.events.DropUses(ctx, ended) })
}

// noteSessions notes the secrets that have sessions: a connection that stays open uses its secret.
func (s *Store) noteSessions() {
	now := s.opts.Now()
	for _, id := range s.sessions.secrets() {
		s.uses.note(id, now)
	}
}

// secrets returns the secrets that have sessions.
func (s *sessions) secrets() (ids []auth.PublicID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, secrets := range s.byToken {
		for id := range secrets {
			if id != "" {
				ids = append(ids, id)
			}
		}
	}
	return ids
}

// sweep forgets the secrets that are not in force.
func (u *uses) sweep(g *generation) {
	now := g.opts.Now()
	u.byID.Range(func(id, _ any) bool {
		if _, inForce := g.view().TokenOf(id.(auth.PublicID)).Caller(id.(auth.PublicID), now); !inForce {
			u.byID.Delete(id)
		}
		return true
	})
}

// keep notes in the event store what it is not known to have.
func (u *uses) keep(ctx context.Context) (err error) {
	var batch []eventstore.Use
	u.byID.Range(func(id, found any) bool {
		if last := found.(*use).last.Load(); last > found.(*use).kept.Load() {
			batch = append(batch, eventstore.Use{Secret: string(id.(auth.PublicID)), At: minuteStart(last)})
		}
		if len(batch) == eventstore.MaxUses {
			err = u.keepBatch(ctx, batch)
			batch = batch[:0]
		}
		return err == nil
	})
	if err != nil || len(batch) == 0 {
		return err
	}
	return u.keepBatch(ctx, batch)
}

func (u *uses) keepBatch(ctx context.Context, batch []eventstore.Use) error {
	if err := u.events.KeepUses(ctx, batch); err != nil {
		return err
	}
	for _, kept := range batch {
		u.of(auth.PublicID(kept.Secret)).kept.Store(minuteOf(kept.At))
	}
	return nil
}

// read learns the uses that the event store has of secrets that are in force. drop gets the secrets
// that have ended, page by page.
func (u *uses) read(ctx context.Context, g *generation, drop func(ended []string) error) error {
	for after, more := "", true; more; {
		page, err := u.events.ReadUses(ctx, after)
		if err != nil || len(page) == 0 {
			return err
		}
		var ended []string
		now := g.opts.Now()
		for _, kept := range page {
			after = kept.Secret
			id := auth.PublicID(kept.Secret)
			token := g.view().TokenOf(id)
			if _, inForce := token.Caller(id, now); inForce {
				known := u.of(id)
				known.raise(kept.At)
				known.kept.Store(minuteOf(kept.At))
			} else if token != nil || now.Sub(kept.At) > strayUse {
				ended = append(ended, kept.Secret)
			}
		}
		if len(ended) > 0 {
			err = drop(ended)
		}
		if more = len(page) == eventstore.MaxUses; err != nil {
			return err
		}
	}
	return nil
}

// report logs an error, unless the time before has failed, too, or ctx has ended.
func (u *uses) report(ctx context.Context, err error) {
	if err != nil && !u.failed && ctx.Err() == nil {
		u.log.Warn("when tokens were last used could not be kept or read; it is tried again each minute", "error", err)
	}
	u.failed = err != nil
}
