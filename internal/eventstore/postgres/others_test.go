package postgres

import (
	"fmt"
	"net"
	"slices"
	"testing"
	"time"

	"configapi/internal/eventstore"
	"configapi/internal/postgrestest"
)

// untilOthers waits until s takes it that other stores listen, or that none does.
func (s *session) untilOthers(store *Store, listen bool) {
	s.t.Helper()
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); {
		if store.writer.others.mayListen() == listen {
			return
		}
		s.exec(`select pg_sleep(0.002)`)
	}
	s.t.Fatalf("for too long the store takes it that other stores listen: %t", !listen)
}

// notifications returns the payloads that a session which listens has got so far.
func (s *session) notifications() (payloads []string) {
	s.t.Helper()
	const last = "the last one"
	s.exec(`notify ` + channel + `, '` + last + `'`)
	for {
		n, err := s.conn.WaitForNotification(s.t.Context())
		if err != nil {
			s.t.Fatal(err)
		}
		if n.Payload == last {
			return payloads
		}
		payloads = append(payloads, n.Payload)
	}
}

// TestAppendsNotifyWhileOthersListen appends in both ways: by a store that is alone, after another
// one has greeted, and by a store that does not know of the others because it does not listen.
func TestAppendsNotifyWhileOthersListen(t *testing.T) {
	t.Parallel()
	dsn := postgrestest.NewDatabase(t)
	s, other, deaf := mustOpen(t, dsn, Options{listenPing: never}), connect(t, dsn), mustOpen(t, dsn, Options{})
	other.exec(`listen ` + channel)
	var head eventstore.Head
	appendTwo := func(s *Store) {
		t.Helper()
		head = mustAppend(t, s, head, 1)
		locked := records(head, 1)
		if err := s.AppendLocked(t.Context(), head.Seq, func(eventstore.Head, []eventstore.Record) ([]eventstore.Record, []eventstore.Receipt, error) {
			return locked, []eventstore.Receipt{{Key: eventstore.Key{Text: fmt.Sprint(head.Seq)}}}, nil
		}); err != nil {
			t.Fatal(err)
		}
		head = headOf(locked)
	}
	mustHave := func(want ...string) {
		t.Helper()
		if got := other.notifications(); !slices.Equal(got, want) {
			t.Errorf("notifications: got %q, want %q", got, want)
		}
	}
	s.listen()
	other.untilOthers(s, false)
	appendTwo(s)
	mustHave(greeting)
	appendTwo(deaf)
	mustHave("3", "4")
	other.exec(`notify ` + channel + `, '` + greeting + `'`)
	other.untilOthers(s, true)
	appendTwo(s)
	mustHave(greeting, "5", "6")
}

func TestStoreKnowsWhetherOthersListen(t *testing.T) {
	t.Parallel()
	dsn := postgrestest.NewDatabase(t)
	s := mustOpen(t, dsn, Options{listenPing: patience, PollInterval: never})
	watcher := connect(t, dsn)
	s.listen()
	watcher.untilOthers(s, false)
	var head eventstore.Head
	other := mustOpen(t, dsn, Options{listenPing: 5 * time.Millisecond, PollInterval: never})
	other.listen()
	watcher.untilOthers(s, true) // s has heard the greeting: its next ping is far
	before := head.Seq
	head = mustAppend(t, s, head, 1)
	mustHear(t, other, before)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	watcher.untilOthers(other, false)
}

// TestStoreThatCannotListenNotifies loses its connection to the others while it is alone.
func TestStoreThatCannotListenNotifies(t *testing.T) {
	t.Parallel()
	dsn := postgrestest.NewDatabase(t)
	proxy := newProxy(t, dsn)
	s := mustOpen(t, dsn, Options{ListenURL: proxy.dsn, listenPing: patience})
	other := connect(t, dsn)
	s.listen()
	other.untilOthers(s, false)
	proxy.mu.Lock()
	proxy.target = func() (net.Conn, error) { return nil, net.ErrClosed }
	proxy.mu.Unlock()
	other.exec(`select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and application_name = $1`, listenerName)
	other.untilOthers(s, true)
}

// TestGreetingDuringACountIsNotForgotten: the count may be from before the greeting.
func TestGreetingDuringACountIsNotForgotten(t *testing.T) {
	t.Parallel()
	var o others
	for i, step := range []struct {
		do   func()
		want bool
	}{
		{func() {}, true}, // nothing is known yet
		{func() { o.greeted = false; o.counted("0") }, false},
		{func() { o.greeted = false; o.counted("1") }, true},
		{func() { o.greeted = false; o.greet(); o.counted("0") }, true},
		{func() { o.greeted = false; o.counted("0") }, false},
		{o.greet, true},
	} {
		if step.do(); o.mayListen() != step.want {
			t.Errorf("step %d: got %t, want %t", i, o.mayListen(), step.want)
		}
	}
}
