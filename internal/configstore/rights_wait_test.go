package configstore_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"configapi/internal/auth"
	"configapi/internal/config"
	"configapi/internal/configstore"
	"configapi/internal/configstore/configstoretest"
	"configapi/internal/eventstore"
)

// waitingReads wait for a position, at or after which the rights of their caller have ended.
var waitingReads = map[string]func(ctx context.Context, node *configstore.Store, before *configstore.Reader, caller auth.Caller, at eventstore.Position) error{
	"FreshReader": func(ctx context.Context, node *configstore.Store, _ *configstore.Reader, caller auth.Caller, at eventstore.Position) error {
		return seen(node.FreshReader(ctx, caller, configstore.Freshness{AtLeast: &at, Wait: configstore.MaxPositionWait}))
	},
	"FreshReader, linearizable": func(ctx context.Context, node *configstore.Store, _ *configstore.Reader, caller auth.Caller, _ eventstore.Position) error {
		return seen(node.FreshReader(ctx, caller, linearizable))
	},
	"AsOf": func(ctx context.Context, _ *configstore.Store, before *configstore.Reader, _ auth.Caller, at eventstore.Position) error {
		_, err := before.AsOf(ctx, at)
		return err
	},
	"Changes": func(ctx context.Context, _ *configstore.Store, before *configstore.Reader, _ auth.Caller, at eventstore.Position) error {
		_, err := before.Changes(ctx, at, config.Filter{}, 10)
		return err
	},
	"Watch": func(ctx context.Context, node *configstore.Store, _ *configstore.Reader, caller auth.Caller, at eventstore.Position) error {
		watch, err := node.Watch(ctx, caller, config.Filter{}, &at)
		if err == nil {
			_, err = watch.Next(ctx)
		}
		return err
	},
	"RevertChangeSet": func(ctx context.Context, node *configstore.Store, _ *configstore.Reader, caller auth.Caller, at eventstore.Position) error {
		_, err := node.RevertChangeSet(ctx, caller, configstore.RevertSet{ChangeSet: at, DryRun: true})
		return err
	},
}

// seen returns [auth.ErrChanged] when a reader does not see app/a any more.
func seen(r *configstore.Reader, err error) error {
	if err == nil && r.Config(config.NameBound("app/a")) == nil {
		err = auth.ErrChanged
	}
	return err
}

// TestReadsThatWaitForTheEndOfRights has reads wait for a position on a node that is behind. With
// what the node applies meanwhile, the caller's token is revoked, or may read other names: then
// nothing is answered by what it could read before.
func TestReadsThatWaitForTheEndOfRights(t *testing.T) {
	for name, read := range waitingReads {
		for how, end := range map[string]struct {
			cmd  func(t *testing.T) auth.TokenCommand
			want []error
		}{
			"revoked": {func(t *testing.T) auth.TokenCommand {
				return auth.RevokeToken{Name: configstoretest.TokenName(t, "ci")}
			}, []error{auth.ErrNotValid, auth.ErrRevoked}},
			"changed": {func(t *testing.T) auth.TokenCommand {
				return auth.ChangeGrants{Name: configstoretest.TokenName(t, "ci"), Grants: grants(t, "READ,WRITE:other")}
			}, []error{auth.ErrChanged}},
		} {
			t.Run(name+"/"+how, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					events := configstoretest.NewFaulty()
					other := configstoretest.On(t, events.Store, configstore.Options{})
					node := configstoretest.On(t, events, configstore.Options{PositionWait: time.Minute})
					caller := mustAuthenticate(t, node, other.MustIssue(t, "ci", time.Time{}, "READ,WRITE:app"))
					before := node.Reader(caller)
					released := make(chan struct{})
					release := sync.OnceFunc(func() { close(released) })
					defer release()
					events.SetHooks(configstoretest.Hooks{Read: func(ctx context.Context, after eventstore.Seq, limit eventstore.Limit) ([]eventstore.Record, error) {
						<-released
						return events.Store.Read(ctx, after, limit)
					}})
					if err := doToken(t.Context(), other, end.cmd(t)); err != nil {
						t.Fatal(err)
					}
					set, err := other.Do(t.Context(), auth.Local, config.Single(configstoretest.Set(t, "app/a", "later")))
					if err != nil {
						t.Fatal(err)
					}
					got := make(chan error)
					go func() { got <- read(t.Context(), node.Store, before, caller, set.Position) }()
					synctest.Wait()
					release()
					err = <-got
					for _, want := range end.want {
						if errors.Is(err, want) {
							return
						}
					}
					t.Errorf("got %v, want one of %v", err, end.want)
				})
			})
		}
	}
}
