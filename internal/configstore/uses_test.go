package configstore_test

import (
	"bytes"
	"context"
	"log/slog"
	"reflect"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"configapi/internal/auth"
	"configapi/internal/config"
	"configapi/internal/configstore"
	"configapi/internal/configstore/configstoretest"
	"configapi/internal/eventstore"
	"configapi/internal/eventstore/memory"
)

// flaky is an event store that does not keep uses while it fails.
type flaky struct {
	*memory.Store
	fails atomic.Bool
	calls atomic.Int64 // of KeepUses
}

func (f *flaky) KeepUses(ctx context.Context, uses []eventstore.Use) error {
	f.calls.Add(1)
	if f.fails.Load() {
		return configstoretest.ErrUnreachable
	}
	return f.Store.KeepUses(ctx, uses)
}

// lastUses returns when the secrets of a token were last used, as a node shows it.
func lastUses(t *testing.T, node *configstoretest.Store, name string) (at []time.Time) {
	t.Helper()
	token, err := node.Token(auth.Local, configstoretest.TokenName(t, name))
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range node.SecretsOf(token) {
		at = append(at, s.LastUsedAt)
	}
	return at
}

func mustShowUses(t *testing.T, node *configstoretest.Store, name string, want ...time.Time) {
	t.Helper()
	if got := lastUses(t, node, name); !reflect.DeepEqual(got, want) {
		t.Errorf("%s was last used at %v, want %v", name, got, want)
	}
}

// after lets time go by, as for nodes that have nothing to do.
func after(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// minute returns the time at which the present minute began.
func minute() time.Time { return time.Now().UTC().Truncate(time.Minute) }

// TestLastUse uses a token on one node, and looks from there and from another one.
func TestLastUse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		events := &flaky{Store: memory.New()}
		one, other := configstoretest.On(t, events, configstore.Options{}), configstoretest.On(t, events, configstore.Options{})
		made := mustCreate(t, one, "ci", auth.Everything)
		after(90 * time.Second)
		mustShowUses(t, one, "ci", time.Time{})

		used := minute()
		proof := configstore.Proof{Caller: mustAuthenticate(t, one, made.Secret)}
		mustShowUses(t, one, "ci", used)
		mustShowUses(t, other, "ci", time.Time{})
		after(2 * time.Minute)
		mustShowUses(t, other, "ci", used)

		calls := events.calls.Load()
		after(time.Hour)
		if events.calls.Load() != calls {
			t.Error("what is kept is kept again")
		}
		for range 3 { // as a connection with several requests does
			after(time.Hour)
			if !one.StillProves(&proof) || !one.StillProves(&proof) {
				t.Error("the secret proves nothing any more")
			}
			mustShowUses(t, one, "ci", minute())
		}
		after(2 * time.Minute)
		mustShowUses(t, other, "ci", lastUses(t, one, "ci")...)
	})
}

// TestSessionsAreUses has a session that stays open, and nothing else.
func TestSessionsAreUses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		node := configstoretest.New(t, configstore.Options{})
		made := mustCreate(t, node, "ci", auth.Everything)
		session, err := node.Session(mustAuthenticate(t, node, made.Secret), func(err error) { t.Errorf("the session has ended: %v", err) })
		if err != nil {
			t.Fatal(err)
		}
		after(48 * time.Hour)
		if at := lastUses(t, node, "ci"); time.Since(at[0]) > 2*time.Minute {
			t.Errorf("the token was last used at %v, %v ago", at, time.Since(at[0]))
		}
		session.End()
		ended := lastUses(t, node, "ci")
		after(48 * time.Hour)
		mustShowUses(t, node, "ci", ended...)
	})
}

// TestUsesAtTheEnd ends a node right after a use. The next node shows it from its start on.
func TestUsesAtTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		events := memory.New()
		store := configstore.New(events, configstore.Options{})
		running, stop := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- store.Run(running) }()
		configstoretest.MustGetReady(t, store)
		node := configstoretest.Of(t, store, events)
		made := mustCreate(t, node, "ci", auth.Everything)
		after(10 * time.Minute)
		used := minute()
		mustAuthenticate(t, node, made.Secret)
		stop()
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		next := configstoretest.On(t, events, configstore.Options{})
		synctest.Wait()
		mustShowUses(t, next, "ci", used)
	})
}

// TestUsesThatCannotBeKept has an event store that fails for hours. It is said once, and the first
// use that can be kept has all of them.
func TestUsesThatCannotBeKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		events := &flaky{Store: memory.New()}
		node := configstoretest.On(t, events, configstore.Options{Log: slog.New(slog.NewTextHandler(&log, nil))})
		made := mustCreate(t, node, "ci", auth.Everything)
		for range 2 {
			events.fails.Store(true)
			log.Reset()
			var used time.Time
			for range 3 {
				after(time.Hour)
				used = minute()
				mustAuthenticate(t, node, made.Secret)
			}
			after(2 * time.Minute)
			if n := strings.Count(log.String(), "last used"); n != 1 || strings.Contains(log.String(), made.Secret) {
				t.Errorf("it is said %d times, want once: %s", n, log.String())
			}
			mustShowUses(t, node, "ci", used)
			events.fails.Store(false)
			after(2 * time.Minute)
			if kept, err := events.ReadUses(t.Context(), ""); err != nil || len(kept) != 1 || !kept[0].At.Equal(used) {
				t.Errorf("kept are %v, %v, want %v", kept, err, used)
			}
		}
	})
}

// TestUsesOfEndedSecrets: what is kept of a secret goes when the secret has ended, at the latest
// after a day, and not when a node does not know the secret yet.
func TestUsesOfEndedSecrets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		events := memory.New()
		node := configstoretest.On(t, events, configstore.Options{})
		kept := func() (kept []string) {
			uses, err := events.ReadUses(t.Context(), "")
			if err != nil {
				t.Fatal(err)
			}
			for _, u := range uses {
				kept = append(kept, u.Secret)
			}
			return kept
		}
		mustKeep := func(want ...string) {
			t.Helper()
			if got := kept(); !reflect.DeepEqual(got, want) {
				t.Errorf("%v after the start, uses are kept of %q, want %q", time.Since(time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)), got, want)
			}
		}
		use := func(secret string) (id string) {
			return string(mustAuthenticate(t, node, secret).Secret)
		}
		ci := configstoretest.TokenName(t, "ci")
		first := use(mustCreate(t, node, "ci", auth.Everything).Secret)
		after(2 * time.Minute)
		mustKeep(first)

		rotated, err := node.RotateToken(t.Context(), auth.Local, auth.RotateToken{Name: ci, KeepOldUntil: time.Now().Add(time.Hour)}, config.Reason{})
		if err != nil {
			t.Fatal(err)
		}
		second := use(rotated.Secret)
		after(2 * time.Minute)
		if got := kept(); len(got) != 2 {
			t.Errorf("while both secrets are in force uses are kept of %q, want both", got)
		}
		after(time.Hour)
		mustKeep(second)

		expired, err := node.CreateToken(t.Context(), auth.Local, auth.IssueToken{Name: configstoretest.TokenName(t, "brief"), Grants: auth.Everything, ExpiresAt: time.Now().Add(time.Hour)}, config.Reason{})
		if err != nil {
			t.Fatal(err)
		}
		use(expired.Secret)
		after(2 * time.Minute)
		if got := kept(); len(got) != 2 {
			t.Errorf("uses are kept of %q, want of both tokens", got)
		}
		after(time.Hour)
		mustKeep(second)

		stranger := []eventstore.Use{{Secret: "0000000000000000000000", At: minute()}} // of a token that comes
		if err := events.KeepUses(t.Context(), stranger); err != nil {
			t.Fatal(err)
		}
		after(23 * time.Hour)
		mustKeep(stranger[0].Secret, second)
		after(2 * time.Hour)
		mustKeep(second)

		if _, err := node.RevokeToken(t.Context(), auth.Local, auth.RevokeToken{Name: ci}, config.Reason{}); err != nil {
			t.Fatal(err)
		}
		after(2 * time.Minute)
		mustKeep()
	})
}
