package postgres

import (
	"context"
	"errors"
	"testing"

	"configapi/internal/eventstore"
	"configapi/internal/postgrestest"
)

// mustListen makes a store listen, and returns when it does.
func mustListen(t *testing.T, s *Store, admin *session) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	waited := make(chan error, 1)
	go func() { waited <- s.Wait(ctx, 1<<40) }()
	admin.until("1", listeners)
	cancel()
	<-waited
}

// TestAppendEndsTheWaitForNotifications: the connection that listens is the one that appends.
func TestAppendEndsTheWaitForNotifications(t *testing.T) {
	t.Parallel()
	dsn := postgrestest.NewDatabase(t)
	s := mustOpen(t, dsn, Options{PollInterval: never, listenPing: never})
	mustListen(t, s, connect(t, dsn))
	conn, head := s.writer.connection(), eventstore.Head{}
	for range 20 {
		head = mustAppend(t, s, head, 1)
		mustHaveHead(t, s, head)
		s.writer.idle.Reset(0) // listen again at once
	}
	if s.writer.connection() != conn {
		t.Error("an append broke the connection that was listening")
	}
}

// TestNotificationsComeWithTheAnswerToAnAppend has another session notify while an append is under
// way.
func TestNotificationsComeWithTheAnswerToAnAppend(t *testing.T) {
	t.Parallel()
	dsn := postgrestest.NewDatabase(t)
	s, admin, other := mustOpen(t, dsn, Options{PollInterval: never}), connect(t, dsn), connect(t, dsn)
	mustListen(t, s, admin)
	release := admin.lockHead()
	appended := make(chan error, 1)
	go func() { appended <- s.Append(t.Context(), eventstore.Head{}, records(eventstore.Head{}, 1)) }()
	other.untilAppendWaits()
	other.exec(`select pg_notify('configapi', '1000000')`)
	release()
	if err := <-appended; err != nil {
		t.Fatal(err)
	}
	if known, _ := s.appends.state(); known != 1_000_000 {
		t.Errorf("after the append the store knows of seq %d, want 1000000", known)
	}
}

// TestConnectionOfAnAppendListens: a store that appends all the time has no idle connection, and
// makes a new one for an append.
func TestConnectionOfAnAppendListens(t *testing.T) {
	t.Parallel()
	dsn := postgrestest.NewDatabase(t)
	s, other := mustOpen(t, dsn, Options{PollInterval: never}), mustOpen(t, dsn, Options{})
	mustListen(t, s, connect(t, dsn))
	mustAppend(t, other, eventstore.Head{}, 2)
	err := s.writer.use(t.Context(), func() error {
		s.writer.drop()
		if err := s.writer.connect(t.Context()); err != nil {
			return err
		}
		var channels string
		err := s.writer.conn.QueryRow(t.Context(), `select string_agg(c, ' ') from pg_listening_channels() c`).Scan(&channels)
		if channels != channel {
			t.Errorf("a new connection listens to %q, want %q", channels, channel)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if known, _ := s.appends.state(); known != 2 {
		t.Errorf("after connecting the store knows of seq %d, want that of the head, 2", known)
	}
}

// TestLossOfAnIdleConnectionIsAnError: an error makes the store pause before it connects again.
func TestLossOfAnIdleConnectionIsAnError(t *testing.T) {
	t.Parallel()
	dsn := postgrestest.NewDatabase(t)
	s, admin := mustOpen(t, dsn, Options{}), connect(t, dsn)
	pid := sessionOf(t, s)
	ended := make(chan error, 1)
	go func() {
		_, err := s.writer.listenWhileIdle(t.Context())
		ended <- err
	}()
	admin.until("1", listeners)
	admin.exec(`select pg_terminate_backend($1::int)`, pid)
	if err := <-ended; !errors.Is(err, errConnectionLost) {
		t.Errorf("got %v, want %v", err, errConnectionLost)
	}
}
