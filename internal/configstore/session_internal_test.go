package configstore

import (
	"context"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"configapi/internal/auth"
	"configapi/internal/config"
	"configapi/internal/eventstore/memory"
)

// TestSessionsKeepNothing begins and ends sessions of many secrets in any order: what is kept is
// one entry for each secret that has sessions, and nothing in the end.
func TestSessionsKeepNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := New(memory.New(), Options{})
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- s.Run(ctx) }()
		<-s.Ready()
		const tokens, each = 50, 20
		var open []*Session
		for i := range tokens {
			name, err := auth.ParseTokenName("t" + string(rune('a'+i/26)) + string(rune('a'+i%26)))
			if err != nil {
				t.Fatal(err)
			}
			cmd := auth.IssueToken{Name: name, Grants: auth.Everything, ExpiresAt: time.Now().Add(time.Duration(1+rand.IntN(1000)) * time.Minute)}
			made, err := s.CreateToken(t.Context(), auth.Local, cmd, config.Reason{})
			if err != nil {
				t.Fatal(err)
			}
			caller, err := s.Authenticate(t.Context(), made.Secret)
			if err != nil {
				t.Fatal(err)
			}
			for range each {
				session, err := s.Session(caller, func(error) {})
				if err != nil {
					t.Fatal(err)
				}
				open = append(open, session)
			}
		}
		synctest.Wait()
		if got := len(s.sessions.expire); got != tokens || len(s.sessions.byToken) != tokens {
			t.Errorf("%d ends and %d tokens are kept, want %d", got, len(s.sessions.byToken), tokens)
		}
		rand.Shuffle(len(open), func(i, j int) { open[i], open[j] = open[j], open[i] })
		for _, session := range open[:len(open)/2] {
			session.End()
		}
		time.Sleep(500 * time.Minute) // about half of the others expire
		synctest.Wait()
		for _, due := range s.sessions.expire {
			if due.reason.Load() != nil || len(due.members) == 0 {
				t.Errorf("what has ended is kept: %+v", due)
			}
		}
		for _, session := range open[len(open)/2:] {
			if expired := !time.Now().Before(session.of.rights.caller.ExpiresAt); expired != (session.Err() != nil) {
				t.Errorf("a session until %v: got %v", session.of.rights.caller.ExpiresAt, session.Err())
			}
			session.End()
		}
		if len(s.sessions.expire)+len(s.sessions.byToken)+len(s.sessions.ending) != 0 {
			t.Errorf("kept in the end: %d ends, %d tokens, %d that are ending", len(s.sessions.expire), len(s.sessions.byToken), len(s.sessions.ending))
		}
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}
