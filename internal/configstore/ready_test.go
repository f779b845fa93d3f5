package configstore_test

import (
	"context"
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

// TestNotReady shows that a node that has not applied its history writes nothing, says so, and can
// be stopped.
func TestNotReady(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		events := configstoretest.NewFaulty()
		events.SetHooks(configstoretest.Unreachable())
		s := configstore.New(events, configstore.Options{})
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- s.Run(ctx) }()
		time.Sleep(time.Minute)
		_, err := s.Do(t.Context(), auth.Anonymous, config.Single(configstoretest.Set(t, "a", "1")))
		configstoretest.MustBeKind(t, err, fault.Unavailable, false)
		if !errors.Is(err, fault.ErrNotReady) {
			t.Errorf("got %v, want %v", err, fault.ErrNotReady)
		}
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
		if got := events.Appends(); len(got) > 0 {
			t.Errorf("%d appends were sent", len(got))
		}
	})
}

// TestRecoversFromTheStart starts a node while the store is unreachable.
func TestRecoversFromTheStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		events := configstoretest.NewFaulty()
		events.SetHooks(configstoretest.Unreachable())
		time.AfterFunc(configstoretest.Patience/2, func() { events.SetHooks(configstoretest.Hooks{}) })
		store := configstoretest.On(t, events, configstore.Options{})
		if got := store.MustSet(t, "a", "1").Config.Event(); got.Operation() != config.Created {
			t.Errorf("got %+v", got)
		}
	})
}
