package postgres

import (
	"context"
	"errors"
	"testing"
	"time"

	"configapi/internal/eventstore"
	"configapi/internal/postgrestest"
	"configapi/internal/slowtest"
)

// lockTimeout is long enough for other writers to queue up, and short enough for a test.
const lockTimeout = 300 * time.Millisecond

// TestFrozenWriterHoldsOthersUpForTheLockTimeout freezes a writer between its lock and its append.
func TestFrozenWriterHoldsOthersUpForTheLockTimeout(t *testing.T) {
	slowtest.Only(t)
	t.Parallel()
	dsn := postgrestest.NewDatabase(t)
	t.Run("direct", func(t *testing.T) { freezeWriter(t, dsn, dsn) })
	dsn = postgrestest.NewDatabase(t)
	t.Run("behind a pooler", func(t *testing.T) { freezeWriter(t, throughPooler(t, dsn), dsn) })
}

func freezeWriter(t *testing.T, its, others string) {
	t.Parallel()
	frozen, other := mustOpen(t, its, Options{lockTimeout: lockTimeout}), mustOpen(t, others, Options{})
	head := mustAppend(t, other, eventstore.Head{}, 1)
	locked, thawed := make(chan struct{}), make(chan error, 1)
	frost, thaw := context.WithCancel(t.Context())
	defer thaw()
	go func() {
		thawed <- frozen.AppendLocked(t.Context(), 0, func(head eventstore.Head, _ []eventstore.Record) ([]eventstore.Record, []eventstore.Receipt, error) {
			close(locked)
			<-frost.Done()
			return records(head, 2), nil, nil
		})
	}()
	<-locked
	start := time.Now()
	for range 2 {
		head = mustAppend(t, other, head, 1)
	}
	if waited := time.Since(start); waited < lockTimeout/2 || waited > lockTimeout+2*time.Second {
		t.Errorf("others waited %v for one that was frozen, want about %v", waited, lockTimeout)
	}
	thaw()
	if err := <-thawed; err == nil || errors.Is(err, eventstore.ErrHeadMoved) {
		t.Errorf("the frozen one: got %v, want an error that leaves the outcome to be found out", err)
	}
	mustHaveHead(t, frozen, head)
	err := frozen.AppendLocked(t.Context(), 0, func(head eventstore.Head, missed []eventstore.Record) ([]eventstore.Record, []eventstore.Receipt, error) {
		if len(missed) != 3 {
			t.Errorf("missed %d records, want 3", len(missed))
		}
		return records(head, 1), nil, nil
	})
	if err != nil {
		t.Errorf("the next append of the one that was frozen: %v", err)
	}
}

// TestWriterThatWaitsForTheLockTooLongIsRefused: another client holds the lock, to which this
// program's time-outs do not apply.
func TestWriterThatWaitsForTheLockTooLongIsRefused(t *testing.T) {
	t.Parallel()
	dsn := postgrestest.NewDatabase(t)
	s, other := mustOpen(t, dsn, Options{appendTimeout: 200 * time.Millisecond}), connect(t, dsn)
	head := mustAppend(t, s, eventstore.Head{}, 1)
	release := other.lockHead()
	err := s.AppendLocked(t.Context(), 0, func(eventstore.Head, []eventstore.Record) ([]eventstore.Record, []eventstore.Receipt, error) {
		t.Error("asked for a decision without the lock")
		return nil, nil, nil
	})
	if !errors.Is(err, eventstore.ErrNotWritten) {
		t.Errorf("got %v, want %q", err, eventstore.ErrNotWritten)
	}
	release()
	mustHaveHead(t, s, mustAppend(t, s, head, 1))
}

// TestLockedAppendThatIsCutIsUnknown ends the session while the append waits only for its answer.
func TestLockedAppendThatIsCutIsUnknown(t *testing.T) {
	t.Parallel()
	dsn := postgrestest.NewDatabase(t)
	s, other := mustOpen(t, dsn, Options{}), connect(t, dsn)
	var written []eventstore.Record
	err := s.AppendLocked(t.Context(), 0, func(head eventstore.Head, _ []eventstore.Record) ([]eventstore.Record, []eventstore.Receipt, error) {
		written = records(head, 2)
		other.exec(`select pg_terminate_backend($1::int)`, s.writer.conn.PgConn().PID())
		other.until("0", `select count(*)::text from pg_stat_activity where pid = $1::int`, s.writer.conn.PgConn().PID())
		return written, nil, nil
	})
	mustBeUnknown(t, err)
	mustHaveHead(t, s, eventstore.Head{})
	if err := s.Append(t.Context(), eventstore.Head{}, written); err != nil {
		t.Fatalf("sending the same append again: %v", err)
	}
	mustHaveHead(t, s, headOf(written))
}

// TestLockedAppendWhoseAnswerIsCutIsUnknown cuts the answer to a committed append after a number of
// bytes.
func TestLockedAppendWhoseAnswerIsCutIsUnknown(t *testing.T) {
	t.Parallel()
	dsn := postgrestest.NewDatabase(t)
	proxy, s := newProxy(t, dsn), mustOpen(t, dsn, Options{})
	proxy.carryAppends(t, s)
	var head eventstore.Head
	for _, bytes := range []int64{1, 5, 20, 30} {
		var written []eventstore.Record
		err := s.AppendLocked(t.Context(), head.Seq, func(head eventstore.Head, _ []eventstore.Record) ([]eventstore.Record, []eventstore.Receipt, error) {
			written = records(head, 2)
			proxy.cut.Store(bytes)
			return written, nil, nil
		})
		if mustBeUnknown(t, err); t.Failed() {
			t.Fatalf("cut after %d bytes", bytes)
		}
		head = headOf(written)
		mustHaveHead(t, s, head)
	}
}

// TestLockIsGivenBackAtOnce checks the connection: otherwise other writers would wait for the lock
// time-out.
func TestLockIsGivenBackAtOnce(t *testing.T) {
	t.Parallel()
	s := mustOpen(t, postgrestest.NewDatabase(t), Options{})
	undecided := errors.New("undecided")
	for _, row := range []struct {
		after eventstore.Seq
		err   error
		want  error
	}{
		{0, nil, nil},
		{0, undecided, undecided},
		{1, nil, eventstore.ErrHeadMoved},
	} {
		err := s.AppendLocked(t.Context(), row.after, func(eventstore.Head, []eventstore.Record) ([]eventstore.Record, []eventstore.Receipt, error) {
			return nil, nil, row.err
		})
		if !errors.Is(err, row.want) {
			t.Errorf("got %v, want %v", err, row.want)
		}
		if status := s.writer.conn.PgConn().TxStatus(); status != 'I' {
			t.Errorf("after %v the transaction is in state %c, want I", err, status)
			s.writer.rollback(t.Context())
		}
	}
}
