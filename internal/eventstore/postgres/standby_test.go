package postgres

import (
	"context"
	"errors"
	"strconv"
	"testing"
	"time"

	"configapi/internal/eventstore"
	"configapi/internal/postgrestest"
	"configapi/internal/slowtest"
)

// untilCommitWaits waits until one session waits for the standby, and returns its process id.
func (s *session) untilCommitWaits() (pid int) {
	s.t.Helper()
	const waiting = `from pg_stat_activity where wait_event = 'SyncRep' and backend_type = 'client backend'`
	s.until("1", `select count(*)::text `+waiting)
	pid, err := strconv.Atoi(s.text(`select pid::text ` + waiting))
	if err != nil {
		s.t.Fatal(err)
	}
	return pid
}

// untilCommitsWait commits until a commit has to wait. All sessions know a new
// synchronous_standby_names some time before another process of the server applies it.
func (s *session) untilCommitsWait(dsn string) {
	s.t.Helper()
	probe, ended := connect(s.t, dsn), make(chan struct{})
	go func() {
		defer close(ended)
		for err := error(nil); err == nil; {
			_, err = probe.conn.Exec(context.Background(), `select pg_logical_emit_message(true, 'test', 'test')`)
		}
	}()
	s.exec(`select pg_terminate_backend($1)`, s.untilCommitWaits())
	<-ended
}

// waitForStandby makes the commits of a cluster wait for a standby.
func (s *session) waitForStandby() {
	s.t.Helper()
	s.exec(`alter system set synchronous_standby_names = '*'`)
	s.exec(`select pg_reload_conf()`)
	s.until("sync", `select sync_state from pg_stat_replication`)
}

// mustNotBeDurable fails if a store calls safe what still waits for the standby.
func mustNotBeDurable(t *testing.T, s *Store) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if head, err := s.DurableHead(ctx); err == nil {
		t.Errorf("DurableHead while the standby is down: got %v and no error", head)
	}
}

// TestFoundIsNotDurable has a standby that is unreachable. An append that waits for it becomes
// visible in all possible ways; that must never be a success nor be called durable.
func TestFoundIsNotDurable(t *testing.T) {
	slowtest.Only(t)
	t.Parallel()
	c := postgrestest.NewCluster(t)
	dsn := c.DSN("postgres")
	admin := connect(t, dsn)
	// The setting hides the warning of a wait that was ended.
	admin.exec(`alter role postgres set client_min_messages = error`)
	standby := postgrestest.NewStandby(t, c)
	admin.waitForStandby()
	s, other := mustOpen(t, dsn, Options{}), mustOpen(t, dsn, Options{})
	pooled := mustOpen(t, throughPooler(t, dsn), Options{})
	head := mustAppend(t, s, eventstore.Head{}, 1)
	mustBeDurable(t, other, head)
	for what, end := range map[string]func(pid int){
		"its session is ended":  func(pid int) { admin.exec(`select pg_terminate_backend($1)`, pid) },
		"its wait is cancelled": func(pid int) { admin.exec(`select pg_cancel_backend($1)`, pid) },
		"the server restarts": func(int) {
			if err := errors.Join(c.Stop(postgrestest.Immediate), c.Start(t.Context())); err != nil {
				t.Fatal(err)
			}
			admin = connect(t, dsn)
		},
	} {
		for _, writing := range []*Store{s, pooled} {
			if err := standby.Stop(postgrestest.Fast); err != nil {
				t.Fatal(err)
			}
			admin.untilCommitsWait(dsn)
			written := records(head, 1)
			appended := make(chan error, 1)
			go func() { appended <- writing.Append(t.Context(), head, written) }()
			end(admin.untilCommitWaits())
			select {
			case err := <-appended:
				mustBeUnknown(t, err)
			case <-time.After(patience):
				t.Fatalf("%s: the append did not return", what)
			}
			head = headOf(written)
			mustHaveHeadSoon(t, other, head)
			mustNotBeDurable(t, other)
			if err := standby.Start(t.Context()); err != nil {
				t.Fatal(err)
			}
			mustBeDurable(t, other, head)
		}
	}
}

// mustBeDurable fails unless the durable head is as wanted after the server has come back.
func mustBeDurable(t *testing.T, s *Store, want eventstore.Head) {
	t.Helper()
	var got eventstore.Head
	var err error
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); {
		if got, err = s.DurableHead(t.Context()); err == nil {
			break
		}
	}
	if err != nil || got != want {
		t.Fatalf("DurableHead: got %v, %v, want %v", got, err, want)
	}
}
