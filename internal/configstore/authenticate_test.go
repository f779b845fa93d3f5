package configstore_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"configapi/internal/auth"
	"configapi/internal/config"
	"configapi/internal/configstore"
	"configapi/internal/configstore/configstoretest"
	"configapi/internal/eventstore"
	"configapi/internal/eventstore/postgres"
	"configapi/internal/fault"
	"configapi/internal/postgrestest"
)

// TestNewTokensOnAnotherNode uses 1,000 tokens on another node at once after they were made, while
// strangers come there, too.
func TestNewTokensOnAnotherNode(t *testing.T) {
	t.Parallel()
	database := postgrestest.NewDatabase(t)
	var nodes []*configstoretest.Store
	for range 2 {
		events, err := postgres.Open(t.Context(), database, postgres.Options{CloseTimeout: configstoretest.Patience})
		if err != nil {
			t.Fatal(err)
		}
		closeAtEnd(t, events.Close)
		nodes = append(nodes, configstoretest.On(t, events, configstore.Options{}))
	}
	const callers, each = 50, 20
	may := grants(t, "READ:app")
	var all sync.WaitGroup
	var refused atomic.Int64
	for i := range callers {
		all.Go(func() {
			for j := range each {
				cmd := auth.IssueToken{Name: configstoretest.TokenName(t, fmt.Sprintf("t%d-%d", i, j)), Grants: may}
				made, err := nodes[0].CreateToken(t.Context(), auth.Local, cmd, config.Reason{})
				if err != nil {
					t.Error(err)
					return
				}
				if caller, err := nodes[1].Authenticate(t.Context(), made.Secret); err != nil || caller.Name != cmd.Name.String() {
					t.Logf("%s: got %+v, %v", cmd.Name, caller, err)
					refused.Add(1)
				}
			}
			stranger, _ := auth.NewSecret()
			if _, err := nodes[1].Authenticate(t.Context(), stranger); !errors.Is(err, auth.ErrNotValid) {
				t.Errorf("a stranger: got %v", err)
			}
		})
	}
	all.Wait()
	if n := refused.Load(); n > 0 {
		t.Errorf("%d of %d new tokens were refused", n, callers*each)
	}
}

// silent is a faulty store whose followers are never woken, with a count of the questions for its
// head.
type silent struct {
	*configstoretest.Faulty
	asked atomic.Int64
}

func newSilent() *silent {
	return &silent{Faulty: configstoretest.NewFaulty()}
}

// answer sets what happens when the head is asked for.
func (s *silent) answer(head func(context.Context) (eventstore.Head, error)) {
	s.SetHooks(configstoretest.Hooks{Wait: configstoretest.Silent().Wait, Head: func(ctx context.Context) (eventstore.Head, error) {
		s.asked.Add(1)
		return head(ctx)
	}})
}

// TestUnknownTokensAreAskedForTogether counts the questions to the event store.
func TestUnknownTokensAreAskedForTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		events := newSilent()
		node := configstoretest.On(t, events, configstore.Options{ClockInterval: -1})
		made := mustCreate(t, node, "ci", auth.Everything)
		synctest.Wait()
		events.answer(events.Store.Head)
		began, answered := time.Now(), make(map[time.Time]int)
		var counting sync.Mutex
		for range 3 {
			var all sync.WaitGroup
			for range 900 {
				stranger, _ := auth.NewSecret()
				all.Go(func() {
					if _, err := node.Authenticate(t.Context(), stranger); !errors.Is(err, auth.ErrNotValid) {
						t.Errorf("got %v", err)
					}
					counting.Lock()
					defer counting.Unlock()
					answered[time.Now().Truncate(time.Millisecond)]++
				})
			}
			all.Wait()
		}
		for at, answers := range answered {
			if answers > 50 {
				t.Errorf("%d of 2700 strangers are answered at once, %v after the beginning", answers, at.Sub(began))
			}
		}
		// The first stranger has a question of its own; those that come meanwhile share the next.
		took, asked := time.Since(began), events.asked.Load()
		if most := 1 + int64(took/(200*time.Millisecond)); asked < 3 || asked > most || took > 2*time.Second {
			t.Errorf("%d questions in %v, want 3 to %d", asked, took, most)
		}
		mustAuthenticate(t, node, made.Secret)
		if events.asked.Load() != asked {
			t.Error("a known token was asked for")
		}
	})
}

// TestTokensWhileTheStoreIsUnreachable: known tokens go on reading, unknown ones are not decided
// on.
func TestTokensWhileTheStoreIsUnreachable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		events := newSilent()
		node := configstoretest.On(t, events, configstore.Options{ClockInterval: -1})
		node.MustSet(t, "app/a", "1")
		made := mustCreate(t, node, "ci", grants(t, "READ:app"))
		synctest.Wait()
		stranger, _ := auth.NewSecret()
		for name, head := range map[string]func(context.Context) (eventstore.Head, error){
			"refusing": func(context.Context) (eventstore.Head, error) {
				return eventstore.Head{}, configstoretest.ErrUnreachable
			},
			"hanging": func(ctx context.Context) (eventstore.Head, error) {
				<-ctx.Done()
				return eventstore.Head{}, ctx.Err()
			},
			"of another history": func(context.Context) (eventstore.Head, error) { return eventstore.Head{}, nil },
			"far ahead": func(context.Context) (eventstore.Head, error) {
				return eventstore.Head{Seq: 9}, nil
			},
		} {
			events.answer(head)
			began := time.Now()
			if _, err := node.Authenticate(t.Context(), stranger); fault.KindOf(err) != fault.Unavailable {
				t.Errorf("%s: got %v", name, err)
			}
			if took := time.Since(began); took > 3*time.Second {
				t.Errorf("%s: the answer took %v", name, took)
			}
			caller := mustAuthenticate(t, node, made.Secret)
			if c := node.Reader(caller).Config(configstoretest.Name(t, "app/a")); c == nil || c.Value.String() != "1" {
				t.Errorf("%s: a known token reads %+v", name, c)
			}
		}

		// Only so many wait.
		release := make(chan struct{})
		events.answer(func(context.Context) (eventstore.Head, error) {
			<-release
			return eventstore.Head{}, configstoretest.ErrUnreachable
		})
		var all sync.WaitGroup
		for range 1000 {
			all.Go(func() { _, _ = node.Authenticate(t.Context(), stranger) })
		}
		synctest.Wait()
		began := time.Now()
		_, err := node.Authenticate(t.Context(), stranger)
		if !errors.Is(err, fault.ErrTooManyUnknown) || fault.KindOf(err) != fault.Unavailable || time.Since(began) > 0 {
			t.Errorf("beside 1,000 others: got %v after %v", err, time.Since(began))
		}
		mustAuthenticate(t, node, made.Secret)
		close(release)
		all.Wait()
		if _, err := node.Authenticate(t.Context(), stranger); errors.Is(err, fault.ErrTooManyUnknown) {
			t.Error("those that have gone are still counted")
		}
	})
}

// TestExpiredTokens moves the clock of a node over the ends of a token's secrets.
func TestExpiredTokens(t *testing.T) {
	var clock atomic.Int64
	clock.Store(time.Date(2026, time.March, 1, 12, 0, 0, 0, time.UTC).UnixMicro())
	now := func() time.Time { return time.UnixMicro(clock.Load()) }
	node := configstoretest.New(t, configstore.Options{Now: now, ClockInterval: -1})
	ci := configstoretest.TokenName(t, "ci")
	end := now().Add(48 * time.Hour)
	made, err := node.CreateToken(t.Context(), auth.Local, auth.IssueToken{Name: ci, Grants: grants(t, "READ,WRITE:app"), ExpiresAt: end}, config.Reason{})
	if err != nil {
		t.Fatal(err)
	}
	rotated, err := node.RotateToken(t.Context(), auth.Local, auth.RotateToken{Name: ci, KeepOldUntil: now().Add(time.Hour)}, config.Reason{})
	if err != nil {
		t.Fatal(err)
	}
	old, next := mustAuthenticate(t, node, made.Secret), mustAuthenticate(t, node, rotated.Secret)
	if !next.ExpiresAt.Equal(end) || !old.ExpiresAt.Equal(now().Add(time.Hour)) {
		t.Errorf("the callers expire at %v and %v", old.ExpiresAt, next.ExpiresAt)
	}
	check := func(caller auth.Caller, secret string, inForce bool) {
		t.Helper()
		_, byText := node.Authenticate(t.Context(), secret)
		_, byReader := node.Store.Reader(caller)
		_, byWatch := node.Store.Watch(t.Context(), caller, config.Filter{}, nil)
		_, byConfigWatch := node.Store.WatchConfig(caller, configstoretest.Name(t, "app/a"))
		_, byWrite := node.Do(t.Context(), caller, config.Single(configstoretest.Set(t, "app/a", "1")))
		for i, err := range []error{byText, byReader, byWatch, byConfigWatch, byWrite} {
			if inForce && err != nil || !inForce && !errors.Is(err, auth.ErrNotValid) {
				t.Errorf("%d: got %v", i, err)
			}
		}
	}
	check(old, made.Secret, true)
	clock.Add(time.Hour.Microseconds())
	check(old, made.Secret, false)
	check(next, rotated.Secret, true)
	clock.Store(end.UnixMicro())
	check(next, rotated.Secret, false)
}
