package configstore_test

import (
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"configapi/internal/auth"
	"configapi/internal/config"
	"configapi/internal/configstore"
	"configapi/internal/configstore/configstoretest"
	"configapi/internal/eventstore/memory"
	"configapi/internal/fault"
)

// TestSessionsEndWithRights has sessions of one caller, and one of another: what ends the rights of
// the caller ends all its sessions at that time, and nothing else does.
func TestSessionsEndWithRights(t *testing.T) {
	for name, test := range endings {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				opts := configstore.Options{ClockInterval: -1}
				if test.allowed != nil {
					opts.Anonymous = grants(t, test.allowed...)
				}
				events := configstoretest.NewFaulty()
				node := configstoretest.On(t, events, opts)
				caller := auth.Anonymous
				if !test.anonymous {
					mustCreate(t, node, "cd", grants(t, "READ:app"))
					caller = mustAuthenticate(t, node, node.MustIssue(t, "ci", time.Now().Add(48*time.Hour), "READ,WRITE:app"))
					stays := mustBeginSession(t, node, mustAuthenticate(t, node, node.MustIssue(t, "ce", time.Time{}, "READ:app")))
					defer func() {
						if err := stays.session.Err(); err != nil || len(stays.ended) > 0 {
							t.Errorf("a session of another token: %v", err)
						}
					}()
				}
				over := mustBeginSession(t, node, caller)
				over.session.End()
				over.session.End()
				began, all := time.Now(), []begun{mustBeginSession(t, node, caller), mustBeginSession(t, node, caller)}
				if test.take != nil {
					takeAndSet(t, node, events, test.take(t))
				}
				if applied := test.take != nil && test.after == 0; applied && !errors.Is(all[0].session.Err(), test.want) {
					t.Errorf("once it was applied: got %v, want %v", all[0].session.Err(), test.want)
				}
				for _, s := range all {
					s.want(t, test.want, test.after+time.Minute)
				}
				if took := time.Since(began); test.want != nil && (took < test.after || took > test.after+time.Second) {
					t.Errorf("ended after %v, want %v", took, test.after)
				}
				over.want(t, nil, time.Second)
				if _, err := node.Session(caller, nil); test.want != nil && !test.anonymous && test.want != auth.ErrChanged && !errors.Is(err, auth.ErrNotValid) {
					t.Errorf("a session that begins after that: got %v", err)
				}
			})
		})
	}
}

// begun is a session, and the reason with which it has ended.
type begun struct {
	session *configstore.Session
	ended   chan error
}

func mustBeginSession(t *testing.T, node *configstoretest.Store, caller auth.Caller) begun {
	t.Helper()
	ended := make(chan error, 2)
	session, err := node.Session(caller, func(reason error) { ended <- reason })
	if err != nil {
		t.Fatal(err)
	}
	return begun{session, ended}
}

// want waits for the end of a session. nil: it must not have ended by then.
func (b begun) want(t *testing.T, want error, within time.Duration) {
	t.Helper()
	var got error
	select {
	case got = <-b.ended:
	case <-time.After(within):
	}
	if !errors.Is(got, want) || want == nil && b.session.Err() != nil || want != nil && !errors.Is(b.session.Err(), want) {
		t.Errorf("got %v, %v, want %v", got, b.session.Err(), want)
	}
	synctest.Wait()
	if len(b.ended) > 0 {
		t.Error("it has ended twice")
	}
}

// TestSessionsOfBothSecrets rotates a token with an overlap that ends before the token does, and
// then without one.
func TestSessionsOfBothSecrets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		node := configstoretest.New(t, configstore.Options{})
		rotate := func(keep time.Time) begun {
			t.Helper()
			made, err := node.RotateToken(t.Context(), auth.Local, auth.RotateToken{Name: configstoretest.TokenName(t, "ci"), KeepOldUntil: keep}, config.Reason{})
			if err != nil {
				t.Fatal(err)
			}
			return mustBeginSession(t, node, mustAuthenticate(t, node, made.Secret))
		}
		first := mustBeginSession(t, node, mustAuthenticate(t, node, node.MustIssue(t, "ci", time.Now().Add(48*time.Hour), "READ:app")))
		began := time.Now()
		second := rotate(time.Now().Add(time.Hour))
		first.want(t, auth.ErrExpired, 2*time.Hour)
		if took := time.Since(began); took < time.Hour || took > time.Hour+time.Second {
			t.Errorf("the first secret ended after %v, want an hour", took)
		}
		third := rotate(time.Now().Add(time.Hour))
		fourth := rotate(time.Time{}) // ends both that were before
		second.want(t, auth.ErrRevoked, time.Second)
		third.want(t, auth.ErrRevoked, time.Second)
		fourth.want(t, nil, time.Hour)
		node.MustRevoke(t, "ci")
		fourth.want(t, auth.ErrRevoked, time.Second)
	})
}

// TestSessionsOfGrantsThatComeBack takes a grant and gives it back: a session that is there at the
// first change ends.
func TestSessionsOfGrantsThatComeBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		node := configstoretest.New(t, configstore.Options{})
		caller := mustAuthenticate(t, node, node.MustIssue(t, "ci", time.Time{}, "READ:app"))
		before := mustBeginSession(t, node, caller)
		var between begun
		for _, prefix := range []string{"READ:other", "READ:app"} {
			mustTake(t, node, auth.ChangeGrants{Name: configstoretest.TokenName(t, "ci"), Grants: grants(t, prefix)})
			if between.session == nil {
				between = mustBeginSession(t, node, caller) // with what it may read then
			}
		}
		after := mustBeginSession(t, node, caller)
		before.want(t, auth.ErrChanged, time.Second)
		between.want(t, auth.ErrChanged, time.Second)
		after.want(t, nil, time.Hour)
	})
}

// TestClockThatIsSet sets the node's clock ahead: sessions end in about a second, although no timer
// was due.
func TestClockThatIsSet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var ahead atomic.Int64
		node := configstoretest.New(t, configstore.Options{ClockInterval: -1, Now: func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }})
		s := mustBeginSession(t, node, mustAuthenticate(t, node, node.MustIssue(t, "ci", time.Now().Add(time.Hour), "READ:app")))
		s.want(t, nil, time.Minute)
		ahead.Store(int64(2 * time.Hour))
		s.want(t, auth.ErrExpired, 2*time.Second)
	})
}

// TestRightsThatAreTooOld cuts a node off its event store for longer than it may serve tokens.
func TestRightsThatAreTooOld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		events := configstoretest.NewFaulty()
		other := configstoretest.On(t, events.Store, configstore.Options{})
		node := configstoretest.On(t, events, configstore.Options{MaxRightsAge: time.Minute, Anonymous: grants(t, "READ:public")})
		secret, revoked := other.MustIssue(t, "ci", time.Time{}, "READ,WRITE:"), other.MustIssue(t, "cd", time.Time{}, "READ:")
		caller, _ := mustAuthenticate(t, node, secret), mustAuthenticate(t, node, revoked)
		time.Sleep(time.Hour) // nothing happens, and the event store is reached
		session, anonymous := mustBeginSession(t, node, caller), mustBeginSession(t, node, auth.Anonymous)
		events.SetHooks(configstoretest.Unreachable())
		cut := time.Now()
		time.Sleep(40 * time.Second)
		other.MustRevoke(t, "cd")
		if _, err := node.Store.Reader(caller); err != nil {
			t.Errorf("after 40 s: got %v", err)
		}
		session.want(t, fault.ErrRightsTooOld, time.Minute)
		if took := time.Since(cut); took < 45*time.Second || took > time.Minute+time.Second {
			t.Errorf("the session ended after %v, want a minute after the event store was reached last", took)
		}
		if asOf := node.RightsAsOf(); asOf.After(cut) || cut.Sub(asOf) > 15*time.Second {
			t.Errorf("its rights are said to be as of %v, %v before it was cut off", asOf, cut.Sub(asOf))
		}
		wantTooOld(t, node, caller, secret)
		anonymous.want(t, nil, time.Minute)
		if _, err := node.Store.Reader(auth.Anonymous); err != nil {
			t.Errorf("an anonymous caller, whose rights do not come from the history: got %v", err)
		}
		events.SetHooks(configstoretest.Hooks{})
		time.Sleep(30 * time.Second)
		if _, err := node.Store.Reader(mustAuthenticate(t, node, secret)); err != nil {
			t.Errorf("once the event store is reached again: got %v", err)
		}
		if _, err := node.Authenticate(t.Context(), revoked); !errors.Is(err, auth.ErrNotValid) {
			t.Errorf("a token that was revoked meanwhile: got %v", err)
		}
	})
}

// wantTooOld fails the test unless a node refuses a caller for as long as it knows too little.
func wantTooOld(t *testing.T, node *configstoretest.Store, caller auth.Caller, secret string) {
	t.Helper()
	_, authenticating := node.Authenticate(t.Context(), secret)
	_, reading := node.Store.Reader(caller)
	_, beginning := node.Session(caller, nil)
	_, writing := node.Do(t.Context(), caller, config.Single(configstoretest.Set(t, "a", "1")))
	for what, err := range map[string]error{"Authenticate": authenticating, "Reader": reading, "Session": beginning, "Do": writing} {
		if !errors.Is(err, fault.ErrRightsTooOld) || fault.KindOf(err) != fault.Unavailable {
			t.Errorf("%s: got %v, want %v", what, err, fault.ErrRightsTooOld)
		}
	}
	configstoretest.MustBeKind(t, writing, fault.Unavailable, false)
}

// TestOpenServerThatIsCutOff does not know whether it was closed.
func TestOpenServerThatIsCutOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		events := configstoretest.NewFaulty()
		node := configstoretest.On(t, events, configstore.Options{MaxRightsAge: time.Minute})
		session := mustBeginSession(t, node, auth.Anonymous)
		events.SetHooks(configstoretest.Unreachable())
		session.want(t, fault.ErrRightsTooOld, 2*time.Minute)
		if _, err := node.Authenticate(t.Context(), ""); !errors.Is(err, fault.ErrRightsTooOld) {
			t.Errorf("got %v", err)
		}
	})
}

// TestManySessionsOfOneToken ends 100,000 sessions of a token, one after the other, while those of
// 1,000 other tokens go on.
func TestManySessionsOfOneToken(t *testing.T) {
	node := configstoretest.New(t, configstore.Options{})
	others := make([]*configstore.Session, 1000)
	for i := range others {
		others[i] = mustBegin(t, node, fmt.Sprintf("t%d", i), func(error) { t.Error("a session of another token has ended") })
	}
	caller := mustAuthenticate(t, node, node.MustIssue(t, "ci", time.Now().Add(time.Hour), "READ:app"))
	const many = 100_000
	var ending, ended atomic.Int64
	done := make(chan struct{})
	for range many {
		_, err := node.Session(caller, func(error) {
			if ending.Add(1) != 1 {
				t.Error("two sessions are ended at once")
			}
			ending.Add(-1)
			if ended.Add(1) == many {
				close(done)
			}
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	node.MustRevoke(t, "ci")
	select {
	case <-done:
	case <-time.After(configstoretest.Patience):
		t.Errorf("%d of %d sessions have ended", ended.Load(), many)
	}
	for _, s := range others {
		if s.Err() != nil {
			t.Errorf("a session of another token: %v", s.Err())
		}
		s.End()
	}
}

// mustBegin begins a session of a new token.
func mustBegin(t testing.TB, node *configstoretest.Store, name string, ended func(error)) *configstore.Session {
	t.Helper()
	session, err := node.Session(mustAuthenticate(t, node, node.MustIssue(t, name, time.Now().Add(time.Hour), "READ:app")), ended)
	if err != nil {
		t.Fatal(err)
	}
	return session
}

// BenchmarkSetWithSessions sets a config while 1,000 tokens have 100 sessions each, and with none.
func BenchmarkSetWithSessions(b *testing.B) {
	for _, tokens := range []int{0, 1000} {
		b.Run(fmt.Sprintf("tokens=%d", tokens), func(b *testing.B) {
			node := configstoretest.On(b, memory.New(), configstore.Options{})
			for i := range tokens {
				caller := mustAuthenticate(b, node, node.MustIssue(b, fmt.Sprintf("t%d", i), time.Now().Add(time.Hour), "READ:app"))
				for range 100 {
					if _, err := node.Session(caller, func(error) {}); err != nil {
						b.Fatal(err)
					}
				}
			}
			set := config.Single(configstoretest.Set(b, "app/a", "1"))
			for b.Loop() {
				if _, err := node.Do(b.Context(), auth.Local, set); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
