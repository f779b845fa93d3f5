package configstore

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"configapi/internal/auth"
	"configapi/internal/eventstore"
	"configapi/internal/fault"
	"configapi/internal/projection"
)

const (
	// unknownInterval is the least time between two questions to the event store because of tokens
	// that this node does not know: at most 5 a second.
	unknownInterval = 200 * time.Millisecond
	// unknownWait is how long a request with such a token waits for the answer.
	unknownWait = 2 * time.Second
	// unknownWaiting is how many such requests wait at once.
	unknownWaiting = 1000
	// unknownPace is the mean time between two answers to those that wait and are refused. So they
	// do not take the processors all at the moment at which the question is answered.
	unknownPace = unknownInterval / unknownWaiting
)

// unknownTokens bounds the cost of requests with tokens that this node does not know.
type unknownTokens struct {
	heads   *headReads
	waiting atomic.Int64
}

func newUnknownTokens(events eventstore.Store) *unknownTokens {
	heads := newHeadReads(events, unknownWait)
	heads.interval = unknownInterval
	return &unknownTokens{heads: heads}
}

// Authenticate returns the caller that proves itself with a secret, or the anonymous one for "".
// Every method that acts for a caller looks up what the caller may do at that time.
//
// A secret that this node knows is decided on at once, without the event store. For one that it
// does not know, it asks the event store whether there are newer events, and waits for them: a
// token can be used on every node as soon as it was made. Requests that wait share a question.
// There are at most 5 a second.
//
// The errors: [auth.ErrMalformed] for a text that is no secret, [auth.ErrNotValid] for one of no
// token that is in force, [auth.ErrNoToken] for "" where an anonymous caller may do nothing; or one
// of kind [fault.Unavailable], when it could not be found out within 2 s, or when 1,000 requests
// wait for that already. In doubt, no caller is let in.
func (s *Store) Authenticate(ctx context.Context, secret string) (auth.Caller, error) {
	g, err := s.ready()
	if err != nil {
		return auth.Caller{}, err
	}
	if secret == "" {
		return g.present(auth.Anonymous)
	}
	given, err := auth.ParseSecret(secret)
	if err != nil {
		return auth.Caller{}, err
	}
	view := g.view()
	if view.TokenOf(given.ID) == nil {
		if g, err = s.awaitNewest(ctx, view.Head(), given.ID); err != nil {
			return auth.Caller{}, err
		}
		view = g.view()
	}
	caller, err := s.authenticated(view, given)
	if err == nil {
		err = g.checkRightsAge(caller)
	}
	return caller, err
}

// authenticated returns the caller that has proved itself with a secret, if a token of the view has
// it.
func (s *Store) authenticated(view *projection.View, given auth.Credential) (auth.Caller, error) {
	token := view.TokenOf(given.ID)
	if token == nil {
		return auth.Caller{}, auth.ErrNotValid
	}
	now := s.opts.Now()
	caller, inForce := callerOf(view, given.ID, now)
	if kept, _ := token.Secret(given.ID); !kept.Matches(given) || !inForce {
		return auth.Caller{}, auth.ErrNotValid
	}
	s.uses.note(given.ID, now)
	return caller, nil
}

// awaitNewest waits until everything is applied that was in the history when it was called, and
// returns the generation that has applied it. before is the head that was applied before the call:
// a history that is shorter has lost its tail. When no token has the id even then, it waits for up
// to unknownPace longer for each request that waits.
func (s *Store) awaitNewest(ctx context.Context, before eventstore.Head, id auth.PublicID) (*generation, error) {
	defer s.unknown.waiting.Add(-1)
	if s.unknown.waiting.Add(1) > unknownWaiting {
		return nil, fault.ReadFailed(fault.ErrTooManyUnknown)
	}
	waiting, cancel := context.WithTimeout(ctx, unknownWait)
	defer cancel()
	head, err := s.unknown.heads.read(waiting)
	if err == nil && head.Seq < before.Seq {
		err = projection.ErrDiverged
	}
	if err != nil {
		return nil, unknownFailed(ctx, err)
	}
	g, err := s.ready()
	if err != nil {
		return nil, err
	}
	if applied := g.view().Head(); head.Seq > applied.Seq {
		g.follower.Wake() // the notification may be late, or lost
		if _, err := g.awaitApplied(ctx, waiting, head.Seq); err != nil {
			return nil, unknownFailed(ctx, err)
		}
	}
	if g.view().TokenOf(id) == nil {
		s.unknown.spread(ctx)
	}
	return g, nil
}

// spread returns after a random time, so that those that wait return one after the other, or when
// ctx ends.
func (u *unknownTokens) spread(ctx context.Context) {
	timer := time.NewTimer(rand.N(time.Duration(u.waiting.Load()) * unknownPace))
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// unknownFailed returns the error of a request whose token could not be looked up.
func unknownFailed(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if errors.Is(err, fault.ErrPositionNotReached) {
		err = fmt.Errorf("this node is behind the history: %w", err)
	}
	return fault.ReadFailed(err)
}
