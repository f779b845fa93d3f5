package configstore_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"configapi/internal/auth"
	"configapi/internal/config"
	"configapi/internal/configstore"
	"configapi/internal/configstore/configstoretest"
	"configapi/internal/fault"
)

// TestProofsEnd has a secret prove its caller, then something happen. A proof that still stands is
// what the secret proves.
func TestProofsEnd(t *testing.T) {
	ci := configstoretest.TokenName(t, "ci")
	for name, test := range map[string]struct {
		happens func(t *testing.T, node *configstoretest.Store) error
		stands  bool  // the proof from before
		proves  error // what the secret proves afterwards; nil: its caller
	}{
		"nothing": {happens: func(*testing.T, *configstoretest.Store) error { return nil }, stands: true},
		"a change of a config": {happens: func(t *testing.T, node *configstoretest.Store) error {
			_, err := node.Do(t.Context(), auth.Local, config.Single(configstoretest.Set(t, "app/a", "1")))
			return err
		}, stands: true},
		"time, but less than the token has": {happens: func(*testing.T, *configstoretest.Store) error {
			time.Sleep(2*time.Hour - 1)
			return nil
		}, stands: true},
		"the token expires": {happens: func(*testing.T, *configstoretest.Store) error {
			time.Sleep(2 * time.Hour)
			return nil
		}, proves: auth.ErrNotValid},
		"the token is revoked": {happens: func(t *testing.T, node *configstoretest.Store) error {
			node.MustRevoke(t, "ci")
			return nil
		}, proves: auth.ErrNotValid},
		"the token is rotated": {happens: func(t *testing.T, node *configstoretest.Store) error {
			_, err := node.RotateToken(t.Context(), auth.Local, auth.RotateToken{Name: ci}, config.Reason{})
			return err
		}, proves: auth.ErrNotValid},
		"the token is rotated, and its old secret kept": {happens: func(t *testing.T, node *configstoretest.Store) error {
			_, err := node.RotateToken(t.Context(), auth.Local, auth.RotateToken{Name: ci, KeepOldUntil: time.Now().Add(time.Hour)}, config.Reason{})
			return err
		}},
		"the token gets other grants": {happens: func(t *testing.T, node *configstoretest.Store) error {
			_, err := node.ChangeGrants(t.Context(), auth.Local, auth.ChangeGrants{Name: ci, Grants: grants(t, "READ:other")}, config.Reason{})
			return err
		}},
		"another token is made": {happens: func(t *testing.T, node *configstoretest.Store) error {
			node.MustIssue(t, "cd", time.Time{}, "READ:")
			return nil
		}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				node := configstoretest.New(t, configstore.Options{})
				secret := node.MustIssue(t, "ci", time.Now().Add(2*time.Hour), "READ:app")
				proof := mustProve(t, node, secret)
				if err := test.happens(t, node); err != nil {
					t.Fatal(err)
				}
				if got := node.StillProves(proof); got != test.stands {
					t.Errorf("the proof stands: %v, want %v", got, test.stands)
				}
				caller, err := node.Authenticate(t.Context(), secret)
				if !errors.Is(err, test.proves) || test.stands && caller != proof.Caller {
					t.Errorf("the secret proves %+v, %v; the proof was %+v", caller, err, proof.Caller)
				}
				if err == nil && !node.StillProves(&configstore.Proof{Caller: caller}) {
					t.Error("what it proves now does not stand")
				}
			})
		})
	}
}

// mustProve returns the proof of a secret, which stands.
func mustProve(t *testing.T, node *configstoretest.Store, secret string) *configstore.Proof {
	t.Helper()
	proof := &configstore.Proof{Caller: mustAuthenticate(t, node, secret)}
	if !node.StillProves(proof) {
		t.Fatal("the proof does not stand")
	}
	return proof
}

// TestOldSecretsEndByTheClock keeps the old secret of a rotation for an hour.
func TestOldSecretsEndByTheClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		node := configstoretest.New(t, configstore.Options{})
		made := mustCreate(t, node, "ci", auth.Everything)
		rotate := auth.RotateToken{Name: made.Token.Name, KeepOldUntil: time.Now().Add(time.Hour)}
		rotated, err := node.RotateToken(t.Context(), auth.Local, rotate, config.Reason{})
		if err != nil {
			t.Fatal(err)
		}
		before, after := mustProve(t, node, made.Secret), mustProve(t, node, rotated.Secret)
		time.Sleep(time.Hour)
		if node.StillProves(before) {
			t.Error("the old secret proves its caller after its end")
		}
		if _, err := node.Store.Reader(before.Caller); !errors.Is(err, auth.ErrNotValid) {
			t.Errorf("its caller reads on: %v", err)
		}
		if !node.StillProves(after) {
			t.Error("the new secret proves nothing any more")
		}
	})
}

// TestNothingIsProvedInDoubt has no secret, a node that is not ready, and one that cannot reach the
// event store.
func TestNothingIsProvedInDoubt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		events := configstoretest.NewFaulty()
		other := configstoretest.On(t, events.Store, configstore.Options{})
		node := configstoretest.On(t, events, configstore.Options{MaxRightsAge: time.Minute, Anonymous: grants(t, "READ:public")})
		secret := other.MustIssue(t, "ci", time.Time{}, "READ:")
		proof := mustProve(t, node, secret)
		for name, caller := range map[string]auth.Caller{"nobody": {}, "anonymous": auth.Anonymous, "local": auth.Local, "fixed": proof.Caller.Fixed()} {
			if node.StillProves(&configstore.Proof{Caller: caller}) {
				t.Errorf("%s: it is proved without a secret", name)
			}
		}
		if other.StillProves(proof) {
			t.Error("another node takes the proof")
		}
		if configstore.New(events, configstore.Options{}).StillProves(proof) {
			t.Error("a node that does not run takes the proof")
		}
		events.SetHooks(configstoretest.Unreachable())
		time.Sleep(2 * time.Minute)
		if node.StillProves(proof) {
			t.Error("the rights are too old")
		}
		if _, err := node.Authenticate(t.Context(), secret); !errors.Is(err, fault.ErrRightsTooOld) {
			t.Errorf("got %v", err)
		}
	})
}
