package postgres

import (
	"context"
	"errors"
	"net/url"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"configapi/internal/eventstore"
)

// patience is how long a test waits for something that another process should do soon.
const patience = 20 * time.Second

// never is an interval that outlasts every test.
const never = time.Hour

// records returns n records that follow a head, each with a new name.
func records(after eventstore.Head, n int) []eventstore.Record {
	made := make([]eventstore.Record, n)
	at := after.RecordedAt
	if at.IsZero() {
		at = time.Date(2026, 11, 22, 9, 10, 11, 123456000, time.UTC)
	}
	for i := range made {
		at = at.Add(time.Microsecond)
		made[i] = eventstore.Record{
			Name: "n/" + time.Duration(int(after.Seq)+i).String(), Version: 1, Type: "ConfigValueSet", SchemaVersion: 1,
			Data: `{"value":"v"}`, RecordedAt: at,
		}
	}
	var chain eventstore.Chain
	chain.Seal(after, eventstore.AppendID{1}, made)
	return made
}

func headOf(records []eventstore.Record) eventstore.Head {
	last := records[len(records)-1]
	return eventstore.Head{Seq: last.Seq, Hash: last.Hash, RecordedAt: last.RecordedAt}
}

// mustAppend appends n records and returns the head that they lead to.
func mustAppend(t testing.TB, s *Store, after eventstore.Head, n int) eventstore.Head {
	t.Helper()
	written := records(after, n)
	if err := s.Append(t.Context(), after, written); err != nil {
		t.Fatal(err)
	}
	return headOf(written)
}

func mustHaveHead(t *testing.T, s *Store, want eventstore.Head) {
	t.Helper()
	if got, err := s.Head(t.Context()); err != nil || got != want {
		t.Fatalf("Head: got %v, %v, want %v", got, err, want)
	}
}

// mustBeUnknown fails unless an error of Append leaves open whether the records were written.
func mustBeUnknown(t *testing.T, err error) {
	t.Helper()
	if err == nil || errors.Is(err, eventstore.ErrNotWritten) || errors.Is(err, eventstore.ErrHeadMoved) {
		t.Fatalf("Append: got %v, want an error with an unknown outcome", err)
	}
}

// session is the connection of another client to the same database.
type session struct {
	t    *testing.T
	conn *pgx.Conn
}

func connect(t *testing.T, dsn string) *session {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close(context.Background()) })
	return &session{t, conn}
}

func (s *session) exec(sql string, args ...any) {
	s.t.Helper()
	if _, err := s.conn.Exec(s.t.Context(), sql, args...); err != nil {
		s.t.Fatalf("%s: %v", sql, err)
	}
}

// text returns the text that a query selects, "" for null or no row.
func (s *session) text(sql string, args ...any) string {
	s.t.Helper()
	var answer *string
	err := s.conn.QueryRow(s.t.Context(), sql, args...).Scan(&answer)
	switch {
	case errors.Is(err, pgx.ErrNoRows) || err == nil && answer == nil:
		return ""
	case err != nil:
		s.t.Fatalf("%s: %v", sql, err)
	}
	return *answer
}

// until repeats a query until its result is as wanted. It must not be called in a transaction,
// where pg_stat_activity does not change.
func (s *session) until(want, sql string, args ...any) {
	s.t.Helper()
	var got string
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); {
		// Without the pause the query would slow down what it waits for.
		s.exec(`select pg_stat_clear_snapshot(), pg_sleep(0.002)`)
		if got = s.text(sql, args...); got == want {
			return
		}
	}
	s.t.Fatalf("%s: got %q for too long, want %q", sql, got, want)
}

// lockHead keeps all appends waiting until release is called.
func (s *session) lockHead() (release func()) {
	s.t.Helper()
	s.exec(`begin`)
	s.exec(`select from history_head for update`)
	return func() { s.exec(`rollback`) }
}

// untilAppendWaits waits until an append waits for the head row, and returns its server process id.
func (s *session) untilAppendWaits() (pid string) {
	s.t.Helper()
	const waiting = `from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock' and query like '%event_input%'`
	s.until("1", `select count(*)::text `+waiting)
	return s.text(`select pid::text ` + waiting)
}

// with adds parameters to a URL.
func with(t testing.TB, dsn string, parameters ...string) string {
	t.Helper()
	u, err := url.Parse(dsn)
	if err != nil {
		t.Fatal(err)
	}
	query := u.Query()
	for i := 0; i < len(parameters); i += 2 {
		query.Set(parameters[i], parameters[i+1])
	}
	u.RawQuery = query.Encode()
	return u.String()
}

// mustHaveHeadSoon is mustHaveHead for a store whose server has just come back.
func mustHaveHeadSoon(t *testing.T, s *Store, want eventstore.Head) {
	t.Helper()
	var err error
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); {
		if _, err = s.Head(t.Context()); err == nil {
			mustHaveHead(t, s, want)
			return
		}
	}
	t.Fatalf("Head: %v", err)
}
