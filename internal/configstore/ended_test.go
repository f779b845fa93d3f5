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
)

// endings are what happens to the token ci, which may read and write app, or to an open server, and
// how streams of its caller end. nil: they go on.
var endings = map[string]struct {
	anonymous bool
	allowed   []string // to anonymous callers once the server is closed
	take      func(t *testing.T) auth.TokenCommand
	want      error
	after     time.Duration
}{
	"revoked": {want: auth.ErrRevoked, take: func(t *testing.T) auth.TokenCommand {
		return auth.RevokeToken{Name: configstoretest.TokenName(t, "ci")}
	}},
	"rotated": {want: auth.ErrRevoked, take: func(t *testing.T) auth.TokenCommand {
		return auth.RotateToken{Name: configstoretest.TokenName(t, "ci")}
	}},
	"rotated with an overlap": {want: auth.ErrExpired, after: time.Hour, take: func(t *testing.T) auth.TokenCommand {
		return auth.RotateToken{Name: configstoretest.TokenName(t, "ci"), KeepOldUntil: time.Now().Add(time.Hour)}
	}},
	"expired": {want: auth.ErrExpired, after: 48 * time.Hour},
	"READ taken": {want: auth.ErrChanged, take: func(t *testing.T) auth.TokenCommand {
		return auth.ChangeGrants{Name: configstoretest.TokenName(t, "ci"), Grants: grants(t, "WRITE:app")}
	}},
	"READ given": {want: auth.ErrChanged, take: func(t *testing.T) auth.TokenCommand {
		return auth.ChangeGrants{Name: configstoretest.TokenName(t, "ci"), Grants: grants(t, "READ:app", "READ:more")}
	}},
	"WRITE taken": {take: func(t *testing.T) auth.TokenCommand {
		return auth.ChangeGrants{Name: configstoretest.TokenName(t, "ci"), Grants: grants(t, "READ:app")}
	}},
	"another one revoked": {take: func(t *testing.T) auth.TokenCommand {
		return auth.RevokeToken{Name: configstoretest.TokenName(t, "cd")}
	}},
	"closed": {anonymous: true, want: auth.ErrNoToken, take: func(t *testing.T) auth.TokenCommand {
		return auth.IssueToken{Name: configstoretest.TokenName(t, "ci"), Grants: auth.Everything}
	}},
	"closed but for some names": {anonymous: true, allowed: []string{"READ:app"}, want: auth.ErrChanged, take: func(t *testing.T) auth.TokenCommand {
		return auth.IssueToken{Name: configstoretest.TokenName(t, "ci"), Grants: auth.Everything}
	}},
	"closed for writes alone": {anonymous: true, allowed: []string{"READ:"}, take: func(t *testing.T) auth.TokenCommand {
		return auth.IssueToken{Name: configstoretest.TokenName(t, "ci"), Grants: auth.Everything}
	}},
}

// stream is what both kinds of streams have in common: next returns the value that comes.
type stream func(context.Context) (value string, err error)

// TestStreamsEndWithRights has streams that wait, and a change in the same batch as what ends their
// rights.
func TestStreamsEndWithRights(t *testing.T) {
	for name, test := range endings {
		for kind, begin := range map[string]func(*testing.T, *configstoretest.Store, auth.Caller) stream{"changes": streamOfChanges, "config": streamOfConfig} {
			t.Run(name+"/"+kind, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					opts := configstore.Options{ClockInterval: -1, ProgressInterval: 1000 * time.Hour}
					if test.allowed != nil {
						opts.Anonymous = grants(t, test.allowed...)
					}
					events := configstoretest.NewFaulty()
					node := configstoretest.On(t, events, opts)
					caller := auth.Anonymous
					if !test.anonymous {
						mustCreate(t, node, "cd", grants(t, "READ:app"))
						cmd := auth.IssueToken{Name: configstoretest.TokenName(t, "ci"), Grants: grants(t, "READ,WRITE:app"), ExpiresAt: time.Now().Add(48 * time.Hour)}
						made, err := node.CreateToken(t.Context(), auth.Local, cmd, config.Reason{})
						if err != nil {
							t.Fatal(err)
						}
						caller = mustAuthenticate(t, node, made.Secret)
					}
					next := begin(t, node, caller)
					if got, err := next(t.Context()); got != "" || err != nil {
						t.Fatalf("at first: got %q, %v", got, err)
					}
					ctx, cancel := context.WithTimeout(t.Context(), test.after+time.Minute)
					defer cancel()
					type item struct {
						value string
						err   error
						at    time.Time
					}
					came, began := make(chan item, 1), time.Now()
					go func() {
						value, err := next(ctx)
						came <- item{value, err, time.Now()}
					}()
					synctest.Wait()
					if test.take != nil {
						takeAndSet(t, node, events, test.take(t))
					}
					got := <-came
					switch {
					case test.want == nil && (got.value != "later" || got.err != nil):
						t.Errorf("got %q, %v, want the change", got.value, got.err)
					case test.want != nil && test.after == 0 && (got.value != "" || !errors.Is(got.err, test.want)):
						t.Errorf("got %q, %v, want the end: %v", got.value, got.err, test.want)
					case test.after > 0 && got.err == nil:
						value, err := next(ctx)
						got = item{value, err, time.Now()}
					}
					if took := got.at.Sub(began); !errors.Is(got.err, test.want) || took < test.after || took > test.after+time.Second {
						t.Errorf("the stream ended after %v with %v, want %v after %v", took, got.err, test.want, test.after)
					}
					if test.want == nil {
						return
					}
					if _, err := next(ctx); !errors.Is(err, test.want) {
						t.Errorf("after its end: got %v", err)
					}
				})
			})
		}
	}
}

// takeAndSet has one batch do something to a token and then set a config.
func takeAndSet(t *testing.T, node *configstoretest.Store, events *configstoretest.Faulty, take auth.TokenCommand) {
	release := events.HoldAppends()
	done := make(chan error, 3)
	set := func(name, value string) {
		_, err := node.Do(t.Context(), auth.Local, config.Single(configstoretest.Set(t, name, value)))
		done <- err
	}
	go set("other", "1") // its append holds up what follows
	synctest.Wait()
	go func() { done <- doToken(t.Context(), node, take) }()
	synctest.Wait()
	go set("app/a", "later")
	synctest.Wait()
	release()
	for range 3 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	if appends := events.Appends(); len(appends[len(appends)-1]) != 2 {
		t.Errorf("the last append has %d events, want 2", len(appends[len(appends)-1]))
	}
}

// streamOfChanges leaves out changes of other configs.
func streamOfChanges(t *testing.T, node *configstoretest.Store, caller auth.Caller) stream {
	watch, err := node.Watch(t.Context(), caller, config.Filter{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	first := true
	return func(ctx context.Context) (string, error) {
		for {
			changes, err := watch.Next(ctx)
			for _, r := range changes.Revisions {
				if r.Name.String() == "app/a" {
					return r.Value.String(), err
				}
			}
			if err != nil || first {
				first = false
				return "", err
			}
		}
	}
}

func streamOfConfig(t *testing.T, node *configstoretest.Store, caller auth.Caller) stream {
	watch := node.WatchConfig(caller, configstoretest.Name(t, "app/a"))
	return func(ctx context.Context) (string, error) {
		state, err := watch.Next(ctx)
		if state == nil {
			return "", err
		}
		return state.Value.String(), err
	}
}
