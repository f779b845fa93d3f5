package postgres

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"configapi/internal/eventstore"
	"configapi/internal/postgrestest"
)

func TestAppendWhoseConnectionIsCutHasAnUnknownOutcome(t *testing.T) {
	t.Parallel()
	dsn := postgrestest.NewDatabase(t)
	s, other := mustOpen(t, dsn, Options{}), connect(t, dsn)
	head := mustAppend(t, s, eventstore.Head{}, 1)
	release := other.lockHead()
	written := records(head, 3)
	failed := make(chan error)
	go func() { failed <- s.Append(t.Context(), head, written) }()
	connect(t, dsn).exec(`select pg_terminate_backend($1::int)`, other.untilAppendWaits())
	mustBeUnknown(t, <-failed)
	release()
	mustHaveHead(t, s, head)
	if err := s.Append(t.Context(), head, written); err != nil {
		t.Fatalf("sending the same append again: %v", err)
	}
	mustHaveHead(t, s, headOf(written))
}

// TestAppendThatIsGivenUpIsNotCancelled: a cancelled append that waits for a synchronous standby
// would become visible without being safe.
func TestAppendThatIsGivenUpIsNotCancelled(t *testing.T) {
	t.Parallel()
	dsn := postgrestest.NewDatabase(t)
	s, other := mustOpen(t, dsn, Options{}), connect(t, dsn)
	release := other.lockHead()
	written := records(eventstore.Head{}, 3)
	ctx, giveUp := context.WithCancel(t.Context())
	failed := make(chan error)
	go func() { failed <- s.Append(ctx, eventstore.Head{}, written) }()
	pid := other.untilAppendWaits()
	giveUp()
	err := <-failed
	mustBeUnknown(t, err)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("Append: got %v, want it to wrap %v", err, context.Canceled)
	}
	if got := other.text(`select wait_event_type from pg_stat_activity where pid = $1::int`, pid); got != "Lock" {
		t.Errorf("the append that was given up waits for %q, want for a lock still", got)
	}
	release()
	other.until("3", `select position::text from history_head`)
	mustHaveHead(t, s, headOf(written))
	mustAppend(t, s, headOf(written), 1)
}

func TestAppendAfterAPauseNoticesASilentConnection(t *testing.T) {
	t.Parallel()
	dsn := postgrestest.NewDatabase(t)
	proxy, s := newProxy(t, dsn), mustOpen(t, dsn, Options{})
	proxy.carryAppends(t, s)
	head := mustAppend(t, s, eventstore.Head{}, 1)
	proxy.silence()
	s.writer.used = time.Time{}
	// This is the ping's time-out; the one for connecting is set already.
	s.writer.opts.connectTimeout = 10 * time.Millisecond
	mustHaveHead(t, s, mustAppend(t, s, head, 1))
}

func TestAppendThatWaitsTooLongIsRefusedByTheServer(t *testing.T) {
	t.Parallel()
	dsn := postgrestest.NewDatabase(t)
	s, other := mustOpen(t, dsn, Options{appendTimeout: 4 * patience}), connect(t, dsn)
	// The server's time-out is half of the client's. It is shorter here only to make the test fast.
	if _, err := s.writer.conn.Exec(t.Context(), `set statement_timeout = 1`); err != nil {
		t.Fatal(err)
	}
	release := other.lockHead()
	if err := s.Append(t.Context(), eventstore.Head{}, records(eventstore.Head{}, 1)); !errors.Is(err, eventstore.ErrNotWritten) {
		t.Errorf("Append: got %v, want %q", err, eventstore.ErrNotWritten)
	}
	release()
	mustHaveHead(t, s, eventstore.Head{})
}

func TestAppendInItsTurnEndsWithItsContext(t *testing.T) {
	t.Parallel()
	dsn := postgrestest.NewDatabase(t)
	s, other := mustOpen(t, dsn, Options{}), connect(t, dsn)
	release := other.lockHead()
	first := make(chan error)
	go func() { first <- s.Append(t.Context(), eventstore.Head{}, records(eventstore.Head{}, 1)) }()
	other.untilAppendWaits()
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	err := s.Append(ctx, eventstore.Head{}, records(eventstore.Head{}, 2))
	if !errors.Is(err, eventstore.ErrNotWritten) || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Append behind another one: got %v, want %q for %q", err, eventstore.ErrNotWritten, context.DeadlineExceeded)
	}
	release()
	if err := <-first; err != nil {
		t.Fatal(err)
	}
}

func TestRefusedAppendSaysWhyButNotWhat(t *testing.T) {
	t.Parallel()
	s := mustOpen(t, postgrestest.NewDatabase(t), Options{})
	head := mustAppend(t, s, eventstore.Head{}, 1)
	for _, data := range []string{"secret \x00", "secret \xff"} {
		bad := records(head, 2)
		bad[1].Data = data
		mustRefuse(t, s, head, bad, "the server refuses the data")
	}
	taken := records(head, 1)
	taken[0].Name, taken[0].Data = records(eventstore.Head{}, 1)[0].Name, "secret"
	mustRefuse(t, s, head, taken, `violates unique constraint "events_config_name_version_key"`)
	if _, err := s.writer.conn.Exec(t.Context(), `set default_transaction_read_only = on`); err != nil {
		t.Fatal(err)
	}
	mustRefuse(t, s, head, records(head, 1), "read-only transaction")
	mustHaveHead(t, s, head)
}

// TestReceiptsAloneWaitForOtherAppends writes receipts without an event while another session
// moves the head. They are true at one head only, so the append must wait for that session and then
// be refused.
func TestReceiptsAloneWaitForOtherAppends(t *testing.T) {
	t.Parallel()
	dsn := postgrestest.NewDatabase(t)
	s, other, watcher := mustOpen(t, dsn, Options{}), connect(t, dsn), connect(t, dsn)
	head := mustAppend(t, s, eventstore.Head{}, 1)
	key := eventstore.Key{Text: "k"}
	other.exec(`begin`)
	other.exec(`update history_head set position = 2, hash = sha256('x')`)
	appended := make(chan error, 1)
	go func() { appended <- s.Append(t.Context(), head, nil, eventstore.Receipt{Key: key}) }()
	watcher.until("1", `select count(*)::text from pg_stat_activity
		where datname = current_database() and wait_event_type = 'Lock' and query like '%idempotency_input%'`)
	other.exec(`commit`)
	if err := <-appended; !errors.Is(err, eventstore.ErrHeadMoved) {
		t.Errorf("Append: got %v, want %v", err, eventstore.ErrHeadMoved)
	}
	if kept, err := s.ReadReceipts(t.Context(), []eventstore.Key{key}); err != nil || len(kept) > 0 {
		t.Errorf("receipts: got %v, %v, want none", kept, err)
	}
}

func mustRefuse(t *testing.T, s *Store, after eventstore.Head, records []eventstore.Record, want string) {
	t.Helper()
	err := s.Append(t.Context(), after, records)
	if !errors.Is(err, eventstore.ErrNotWritten) || !strings.Contains(err.Error(), want) {
		t.Fatalf("Append: got %v, want %q, and %q in it", err, eventstore.ErrNotWritten, want)
	}
	for _, secret := range []string{"secret", records[0].Name, "insert"} {
		if strings.Contains(err.Error(), secret) {
			t.Errorf("Append: got %v, with %q in it", err, secret)
		}
	}
}

func TestRecordBeyondTheHeadIsAConflict(t *testing.T) {
	t.Parallel()
	dsn := postgrestest.NewDatabase(t)
	s := mustOpen(t, dsn, Options{})
	connect(t, dsn).exec(`insert into events (position, hash, config_name, version, type, schema_version, data, recorded_at, append_id, change_set, salt_who, salt_what, what)
		values (1, '', 'beyond', 1, '', 1, '', now(), '', 1, '', '', '')`)
	if err := s.Append(t.Context(), eventstore.Head{}, records(eventstore.Head{}, 1)); !errors.Is(err, eventstore.ErrHeadMoved) {
		t.Errorf("Append: got %v, want %q", err, eventstore.ErrHeadMoved)
	}
}

func TestAppendsKeepTheirSettingsWhateverTheDefaultsBecome(t *testing.T) {
	t.Parallel()
	dsn := postgrestest.NewDatabase(t)
	s := mustOpen(t, with(t, dsn, "default_transaction_isolation", "serializable", "synchronous_commit", "remote_apply"), Options{})
	w := &session{t, s.writer.conn}
	for setting, want := range map[string]string{
		"default_transaction_isolation": "read committed",
		"synchronous_commit":            "remote_apply",
		"statement_timeout":             "4s",
		"plan_cache_mode":               "force_generic_plan",
	} {
		if got := w.text(`select current_setting($1)`, setting); got != want {
			t.Errorf("%s of the connection that appends: got %q, want %q", setting, got, want)
		}
	}
	if got := w.text(`select source from pg_settings where name = 'synchronous_commit'`); got != "session" {
		t.Errorf("synchronous_commit comes from the %s, want it set in the session", got)
	}
}

func TestLargeAppendDoesNotKeepItsBuffer(t *testing.T) {
	t.Parallel()
	s := mustOpen(t, postgrestest.NewDatabase(t), Options{})
	large := records(eventstore.Head{}, 1)
	large[0].Data = strings.Repeat("x", 2*maxKeptBytes)
	if err := s.Append(t.Context(), eventstore.Head{}, large); err != nil {
		t.Fatal(err)
	}
	mustAppend(t, s, headOf(large), 1)
	if got := cap(s.writer.encoder.buf); got > maxKeptBytes {
		t.Errorf("after a small append the buffer has %d bytes, want at most %d", got, maxKeptBytes)
	}
}
