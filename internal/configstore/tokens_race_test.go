package configstore_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"configapi/internal/auth"
	"configapi/internal/config"
	"configapi/internal/configstore"
	"configapi/internal/configstore/configstoretest"
	"configapi/internal/eventstore"
	"configapi/internal/fault"
)

// TestQueuedWritesAreAuthorisedAgain queues writes behind what takes the rights of their callers.
// All are decided in one batch.
func TestQueuedWritesAreAuthorisedAgain(t *testing.T) {
	less := grants(t, "READ:app")
	for name, test := range map[string]struct {
		anonymous bool
		take      auth.TokenCommand
		admin     bool // what is queued makes a token
	}{
		"revoked":                {take: auth.RevokeToken{Name: configstoretest.TokenName(t, "ci")}},
		"rotated":                {take: auth.RotateToken{Name: configstoretest.TokenName(t, "ci")}},
		"changed":                {take: auth.ChangeGrants{Name: configstoretest.TokenName(t, "ci"), Grants: less}},
		"closed":                 {take: auth.IssueToken{Name: configstoretest.TokenName(t, "first"), Grants: less}, anonymous: true},
		"changed, and makes one": {take: auth.ChangeGrants{Name: configstoretest.TokenName(t, "ci"), Grants: less}, admin: true},
		"closed, and makes one":  {take: auth.IssueToken{Name: configstoretest.TokenName(t, "first"), Grants: less}, anonymous: true, admin: true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				events := configstoretest.NewFaulty()
				node := configstoretest.On(t, events, configstore.Options{ClockInterval: -1})
				caller := auth.Anonymous
				if !test.anonymous {
					caller = mustAuthenticate(t, node, mustCreate(t, node, "ci", grants(t, "READ,WRITE,ADMIN:")).Secret)
				}
				release := events.HoldAppends()
				go func() { // its append holds up what follows
					_, _ = node.Do(t.Context(), auth.Local, config.Single(configstoretest.Set(t, "a", "1")))
				}()
				synctest.Wait()
				taken, written := make(chan error, 1), make(chan error, 1)
				go func() { taken <- doToken(t.Context(), node, test.take) }()
				synctest.Wait()
				go func() {
					var err error
					if test.admin {
						_, err = node.CreateToken(t.Context(), caller, auth.IssueToken{Name: configstoretest.TokenName(t, "mine"), Grants: less}, config.Reason{})
					} else {
						_, err = node.Do(t.Context(), caller, config.Single(configstoretest.Set(t, "app/a", "1")))
					}
					written <- err
				}()
				synctest.Wait()
				release()
				if err := <-taken; err != nil {
					t.Error(err)
				}
				if err := <-written; fault.KindOf(err) != fault.Denied {
					t.Errorf("a queued write: got %v", err)
				}
				if node.Reader(auth.Local).Config(configstoretest.Name(t, "app/a")) != nil || len(events.Appends()) > 3 {
					t.Errorf("it was written, in %d appends", len(events.Appends()))
				}
			})
		})
	}
}

// doToken has the caller local do something to a token.
func doToken(ctx context.Context, node *configstoretest.Store, cmd auth.TokenCommand) (err error) {
	switch c := cmd.(type) {
	case auth.IssueToken:
		_, err = node.CreateToken(ctx, auth.Local, c, config.Reason{})
	case auth.RotateToken:
		_, err = node.RotateToken(ctx, auth.Local, c, config.Reason{})
	case auth.ChangeGrants:
		_, err = node.ChangeGrants(ctx, auth.Local, c, config.Reason{})
	case auth.RevokeToken:
		_, err = node.RevokeToken(ctx, auth.Local, c, config.Reason{})
	}
	return err
}

// TestTokensOfAnUnknownOutcome has answers of the event store get lost. While that is looked into,
// callers wait; one whose time ends first is asked to rotate.
func TestTokensOfAnUnknownOutcome(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		events := configstoretest.NewFaulty()
		node := configstoretest.On(t, events, configstore.Options{ClockInterval: -1, WriteTimeout: time.Second})
		events.SetHooks(configstoretest.Hooks{Append: events.LoseAnswer})
		made := mustCreate(t, node, "ci", auth.Everything)
		mustAuthenticate(t, node, made.Secret)

		unreachable := func(context.Context) (eventstore.Head, error) {
			return eventstore.Head{}, configstoretest.ErrUnreachable
		}
		events.SetHooks(configstoretest.Hooks{Head: unreachable, Append: events.LoseAnswer})
		cd := configstoretest.TokenName(t, "cd")
		_, err := node.CreateToken(t.Context(), auth.Local, auth.IssueToken{Name: cd, Grants: auth.Everything}, config.Reason{})
		unavailable, is := errors.AsType[*fault.UnavailableError](err)
		if !is || !unavailable.OutcomeUnknown || !strings.Contains(err.Error(), "rotate it") {
			t.Errorf("got %v", err)
		}
		events.SetHooks(configstoretest.Hooks{})
		rotated, err := node.RotateToken(t.Context(), auth.Local, auth.RotateToken{Name: cd}, config.Reason{})
		if err != nil || rotated.Token.Version != 2 {
			t.Fatalf("got %+v, %v", rotated, err)
		}
		mustAuthenticate(t, node, rotated.Secret)
	})
}

// TestTokensAfterALostTail has a failover lose the newest events of tokens. The node knows the
// tokens of the history that stands, and stays closed.
func TestTokensAfterALostTail(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	for name, kept := range map[string]bool{"that are changed": true, "that are the first": false} {
		t.Run(name, func(t *testing.T) {
			f := newPartedWith(t, rand.New(rand.NewPCG(seed, 0)), configstore.Options{Anonymous: grants(t, "READ,WRITE:")}, func(node *configstoretest.Store) {
				if kept {
					mustCreate(t, node, "ci", grants(t, "READ:app"))
				}
			})
			before := f.Reader(auth.Local).Head()
			lost := mustCreate(t, f.Store, "cd", auth.Everything)
			var rotated configstore.TokenOutcome
			if kept {
				var err error
				rotated, err = f.RotateToken(t.Context(), auth.Local, auth.RotateToken{Name: configstoretest.TokenName(t, "ci")}, config.Reason{})
				if err != nil {
					t.Fatal(err)
				}
			}
			f.failOver(t, configstoretest.Hooks{})
			if now := f.Reader(auth.Local).Head(); now.Same(before) {
				t.Fatal("the history was not replaced")
			}
			for _, secret := range []string{lost.Secret, rotated.Secret} {
				if _, err := f.Authenticate(t.Context(), secret); secret != "" && fault.KindOf(err) != fault.Unauthenticated {
					t.Errorf("a secret that was lost: got %v", err)
				}
			}
			ci, err := f.Store.Token(auth.Local, configstoretest.TokenName(t, "ci"))
			if kept && (err != nil || ci.Version != 1 || ci.Secrets[0].ID == rotated.Token.Secrets[0].ID) {
				t.Errorf("the token that stands is %+v, %v", ci, err)
			}
			if _, err := f.Store.Token(auth.Local, configstoretest.TokenName(t, "cd")); !errors.Is(err, auth.ErrTokenNotFound) {
				t.Errorf("the token that was lost: got %v", err)
			}
			if _, err := f.CreateToken(t.Context(), auth.Anonymous, auth.IssueToken{Name: configstoretest.TokenName(t, "x"), Grants: auth.Everything}, config.Reason{}); fault.KindOf(err) != fault.Denied {
				t.Errorf("an anonymous caller made a token: %v", err)
			}
			if issued, err := f.Bootstrap(t.Context(), lost.Token.Secrets[0].Credential); issued == kept || err != nil {
				t.Errorf("bootstrapping: got %t, %v", issued, err)
			}
		})
	}
}
