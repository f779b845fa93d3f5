package configstore_test

import (
	"errors"
	"fmt"
	"hash/crc32"
	"math/big"
	"reflect"
	"slices"
	"sync"
	"testing"
	"time"

	"configapi/internal/auth"
	"configapi/internal/config"
	"configapi/internal/configstore"
	"configapi/internal/configstore/configstoretest"
	"configapi/internal/fault"
)

// grants parses grants such as READ,WRITE:payments.
func grants(t testing.TB, list ...string) *auth.Grants {
	t.Helper()
	return configstoretest.Caller(t, "", list...).Grants
}

// mustCreate has the caller local make a token.
func mustCreate(t testing.TB, node *configstoretest.Store, name string, may *auth.Grants) configstore.TokenOutcome {
	t.Helper()
	outcome, err := node.CreateToken(t.Context(), auth.Local, auth.IssueToken{Name: configstoretest.TokenName(t, name), Grants: may}, config.Reason{})
	if err != nil {
		t.Fatal(err)
	}
	return outcome
}

// mustAuthenticate returns the caller that has a secret.
func mustAuthenticate(t testing.TB, node *configstoretest.Store, secret string) auth.Caller {
	t.Helper()
	caller, err := node.Authenticate(t.Context(), secret)
	if err != nil {
		t.Fatal(err)
	}
	return caller
}

// TestTokens makes, rotates, changes and revokes a token, and starts again after each step.
func TestTokens(t *testing.T) {
	for name, open := range stores {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			events := open(t)
			node := configstoretest.On(t, events, configstore.Options{})
			ci, reason := configstoretest.TokenName(t, "ci"), mustReason(t, "for the pipeline")
			node.MustSet(t, "a", "1")

			read := grants(t, "READ:app")
			made, err := node.CreateToken(t.Context(), auth.Local, auth.IssueToken{Name: ci, Grants: read}, reason)
			if err != nil {
				t.Fatal(err)
			}
			check := func(secret string, want *auth.Grants) {
				t.Helper()
				for _, at := range []*configstoretest.Store{node, configstoretest.On(t, events, configstore.Options{})} {
					caller, err := at.Authenticate(t.Context(), secret)
					if want == nil {
						if !errors.Is(err, auth.ErrNotValid) || fault.KindOf(err) != fault.Unauthenticated || caller.Grants != nil {
							t.Errorf("got %+v, %v", caller, err)
						}
						continue
					}
					if err != nil || caller.Name != "ci" || !reflect.DeepEqual(caller.Grants.List(), want.List()) {
						t.Errorf("got %+v, %v, want the grants %v", caller, err, want.List())
					}
				}
			}
			check(made.Secret, read)

			rotated, err := node.RotateToken(t.Context(), auth.Local, auth.RotateToken{Name: ci, KeepOldUntil: time.Now().Add(time.Hour)}, reason)
			if err != nil {
				t.Fatal(err)
			}
			check(made.Secret, read)
			check(rotated.Secret, read)
			again, err := node.RotateToken(t.Context(), auth.Local, auth.RotateToken{Name: ci}, reason)
			if err != nil {
				t.Fatal(err)
			}
			check(rotated.Secret, nil)
			check(again.Secret, read)

			more := grants(t, "READ,WRITE:")
			changed, err := node.ChangeGrants(t.Context(), auth.Local, auth.ChangeGrants{Name: ci, Grants: more, ExpectedVersion: &again.Token.Version}, reason)
			if err != nil || changed.Secret != "" || changed.Token.Version != 4 {
				t.Fatalf("got %+v, %v", changed, err)
			}
			check(again.Secret, more)
			var conflict *auth.TokenConflictError
			if _, err := node.RevokeToken(t.Context(), auth.Local, auth.RevokeToken{Name: ci, ExpectedVersion: &again.Token.Version}, reason); !errors.As(err, &conflict) || !reflect.DeepEqual(conflict.Current, changed.Token) {
				t.Errorf("got %v, want a conflict with %+v", err, changed.Token)
			}
			if _, err := node.RevokeToken(t.Context(), auth.Local, auth.RevokeToken{Name: ci}, reason); err != nil {
				t.Fatal(err)
			}
			check(again.Secret, nil)
			if _, err := node.CreateToken(t.Context(), auth.Local, auth.IssueToken{Name: ci, Grants: read}, reason); fault.KindOf(err) != fault.InvalidInput {
				t.Errorf("a name was issued again: %v", err)
			}
			last, err := node.Do(t.Context(), auth.Local, config.Single(configstoretest.Set(t, "a", "2")))
			if err != nil || last.Position.Seq != 7 {
				t.Errorf("after five events of a token a change has the position %s, %v", last.Position, err)
			}
			actors := []string{"", "local", "local", "local", "local", "local", "local"}
			for i, record := range mustReadRecords(t, events) {
				if record.Actor == nil && actors[i] != "" || record.Actor != nil && *record.Actor != actors[i] {
					t.Errorf("the actor at position %d is %v, want %q", record.Seq, record.Actor, actors[i])
				}
			}
		})
	}
}

func mustReason(t testing.TB, text string) config.Reason {
	t.Helper()
	reason, err := config.ParseReason(text)
	if err != nil {
		t.Fatal(err)
	}
	return reason
}

// TestSecretsOfNoToken has secrets that are mistyped, unknown, or forged to a known public id.
func TestSecretsOfNoToken(t *testing.T) {
	node := configstoretest.New(t, configstore.Options{})
	made := mustCreate(t, node, "ci", auth.Everything)
	unknown, _ := auth.NewSecret()
	if _, err := node.Authenticate(t.Context(), made.Secret[:70]); !errors.Is(err, auth.ErrMalformed) {
		t.Errorf("a secret that was cut off: got %v", err)
	}
	if _, err := node.Authenticate(t.Context(), unknown); !errors.Is(err, auth.ErrNotValid) {
		t.Errorf("an unknown secret: got %v", err)
	}
	forged := forge(unknown, made.Secret)
	if id, err := auth.ParseSecret(forged); err != nil || id.ID != made.Token.Secrets[0].ID {
		t.Fatalf("forged %q: %v", forged, err)
	}
	if _, err := node.Authenticate(t.Context(), forged); !errors.Is(err, auth.ErrNotValid) {
		t.Errorf("a forged secret: got %v", err)
	}
}

// forge returns a well-formed secret with the public id of another one.
func forge(secret, other string) string {
	text := other[:len("cfg_")+22] + secret[len("cfg_")+22:len(secret)-6]
	sum := new(big.Int).SetUint64(uint64(crc32.ChecksumIEEE([]byte(text))))
	return fmt.Sprintf("%s%06s", text, sum.Text(62))
}

// TestOpenAndClosed: the first token closes the server for ever.
func TestOpenAndClosed(t *testing.T) {
	for name, anonymous := range map[string]*auth.Grants{"nothing": nil, "READ of pub": grants(t, "READ:pub")} {
		t.Run(name, func(t *testing.T) {
			opts, refused := configstore.Options{Anonymous: anonymous}, fault.Denied
			if anonymous == nil {
				refused = fault.Unauthenticated
			}
			node := configstoretest.New(t, opts)
			caller := mustAuthenticate(t, node, "")
			if caller.Grants != auth.Everything || !caller.IsAnonymous() {
				t.Errorf("on an open server the caller is %+v", caller)
			}
			mustCreate(t, node, "ci", auth.Everything)
			check := func(node *configstoretest.Store) {
				t.Helper()
				caller, err := node.Authenticate(t.Context(), "")
				if anonymous == nil && !errors.Is(err, auth.ErrNoToken) || anonymous != nil && (err != nil || caller.Grants != anonymous) {
					t.Errorf("on a closed server: got %+v, %v", caller, err)
				}
				for _, caller := range []auth.Caller{auth.Anonymous, {}} {
					now, err := node.Viewer(caller)
					if anonymous == nil && !errors.Is(err, auth.ErrNoToken) || anonymous != nil && (err != nil || now.Grants != anonymous) {
						t.Errorf("a caller of before: got %+v, %v", now, err)
					}
				}
				if _, err := node.CreateToken(t.Context(), auth.Anonymous, auth.IssueToken{Name: configstoretest.TokenName(t, "mine"), Grants: auth.Everything}, config.Reason{}); fault.KindOf(err) != refused {
					t.Errorf("an anonymous caller made a token: %v", err)
				}
			}
			check(node)
			if _, err := node.RevokeToken(t.Context(), auth.Local, auth.RevokeToken{Name: configstoretest.TokenName(t, "ci")}, config.Reason{}); err != nil {
				t.Fatal(err)
			}
			check(node)
			check(configstoretest.On(t, node.Events, opts))
		})
	}
}

// TestTokenLists has callers that may see some of the tokens.
func TestTokenLists(t *testing.T) {
	node := configstoretest.New(t, configstore.Options{})
	mustCreate(t, node, "root", auth.Everything)
	for i := range 5 {
		mustCreate(t, node, fmt.Sprint("a", i), grants(t, fmt.Sprint("READ:a/", i)))
	}
	gone := mustCreate(t, node, "gone", grants(t, "READ:a"))
	if _, err := node.RevokeToken(t.Context(), auth.Local, auth.RevokeToken{Name: gone.Token.Name}, config.Reason{}); err != nil {
		t.Fatal(err)
	}
	some := mustCreate(t, node, "some", grants(t, "READ,ADMIN:a"))
	caller := mustAuthenticate(t, node, some.Secret)

	var names []string
	for after, pages := "", 0; ; pages++ {
		page, err := node.Tokens(caller, after, 2)
		if err != nil || page.Total != 6 || len(page.Tokens) == 0 || page.More != (pages < 2) {
			t.Fatalf("page %d: got %+v, %v", pages, page, err)
		}
		for _, token := range page.Tokens {
			names, after = append(names, token.Name.String()), token.Name.String()
			if got, err := node.Token(caller, token.Name); err != nil || got != token {
				t.Errorf("%s: got %+v, %v", token.Name, got, err)
			}
			if got, err := node.TokenOf(caller, token.Secrets[0].ID); err != nil || got != token {
				t.Errorf("whose %s is: got %+v, %v", token.Secrets[0].ID, got, err)
			}
		}
		if !page.More {
			break
		}
	}
	if want := []string{"a0", "a1", "a2", "a3", "a4", "some"}; !slices.Equal(names, want) {
		t.Errorf("got %q, want %q", names, want)
	}
	for _, name := range []string{"root", "gone", "never"} {
		if token, err := node.Token(caller, configstoretest.TokenName(t, name)); !errors.Is(err, auth.ErrTokenNotFound) {
			t.Errorf("%s: got %+v, %v", name, token, err)
		}
	}
	if token, err := node.TokenOf(caller, gone.Token.Secrets[0].ID); err != nil || !token.Revoked {
		t.Errorf("whose a revoked secret is: got %+v, %v", token, err)
	}
	reader := mustAuthenticate(t, node, mustCreate(t, node, "reader", grants(t, "READ:")).Secret)
	if page, err := node.Tokens(reader, "", 10); fault.KindOf(err) != fault.Denied {
		t.Errorf("without ADMIN: got %+v, %v", page, err)
	}
	if _, err := node.Tokens(caller, "", 0); fault.KindOf(err) != fault.InvalidInput {
		t.Errorf("a page of none: got %v", err)
	}
}

// TestTokensAtOnce: of many that make a token of one name, one does, and so does one that
// bootstraps.
func TestTokensAtOnce(t *testing.T) {
	for name, open := range stores {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			events := open(t)
			nodes := []*configstoretest.Store{configstoretest.On(t, events, configstore.Options{}), configstoretest.On(t, events, configstore.Options{})}
			const callers = 8
			var all sync.WaitGroup
			var mu sync.Mutex
			var booted, made int
			run := func(each func(*configstoretest.Store)) {
				for i := range callers {
					all.Go(func() { each(nodes[i%len(nodes)]) })
				}
				all.Wait()
			}
			_, secret := auth.NewSecret()
			run(func(node *configstoretest.Store) {
				issued, err := node.Bootstrap(t.Context(), secret)
				if err != nil {
					t.Error(err)
				}
				mu.Lock()
				defer mu.Unlock()
				if issued {
					booted++
				}
			})
			run(func(node *configstoretest.Store) {
				_, err := node.CreateToken(t.Context(), auth.Local, auth.IssueToken{Name: configstoretest.TokenName(t, "ci"), Grants: auth.Everything}, config.Reason{})
				mu.Lock()
				defer mu.Unlock()
				switch {
				case err == nil:
					made++
				case fault.KindOf(err) != fault.InvalidInput:
					t.Error(err)
				}
			})
			if records := mustReadRecords(t, events); booted != 1 || made != 1 || len(records) != 2 {
				t.Errorf("%d bootstrapped, %d made a token, the history has %d events", booted, made, len(records))
			}
			if _, err := nodes[0].RevokeToken(t.Context(), auth.Local, auth.RevokeToken{Name: configstoretest.TokenName(t, auth.BootstrapName)}, config.Reason{}); err != nil {
				t.Error(err)
			}
			if issued, err := nodes[1].Bootstrap(t.Context(), secret); issued || err != nil {
				t.Errorf("after its revocation: got %t, %v", issued, err)
			}
		})
	}
}
