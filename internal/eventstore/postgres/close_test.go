package postgres

import (
	"errors"
	"net"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"configapi/internal/eventstore"
	"configapi/internal/postgrestest"
)

// freeze makes the proxy behave as a server after SIGSTOP: connections stay open, the kernel
// accepts new ones, and nothing is ever answered.
func (p *proxy) freeze(t *testing.T) {
	t.Helper()
	frozen := filepath.Join(t.TempDir(), "frozen")
	l, err := net.Listen("unix", frozen)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	p.mu.Lock()
	p.target = func() (net.Conn, error) { return net.Dial("unix", frozen) }
	p.mu.Unlock()
	p.silence()
}

// TestCloseDoesNotWaitForAFrozenServer closes a store with reads, an append and a listener running.
// Without cutting them, the time-outs and the library would take 8 to 20 s.
func TestCloseDoesNotWaitForAFrozenServer(t *testing.T) {
	t.Parallel()
	proxy := newProxy(t, postgrestest.NewDatabase(t))
	s, err := Open(t.Context(), proxy.dsn, Options{PollInterval: never})
	if err != nil {
		t.Fatal(err)
	}
	head := mustAppend(t, s, eventstore.Head{}, 1)
	mustHear(t, s, 0)
	mustHaveHead(t, s, head)
	proxy.freeze(t)
	var calls sync.WaitGroup
	begun := make(chan struct{}, 6)
	for range 5 {
		calls.Go(func() {
			begun <- struct{}{}
			if _, err := s.Head(t.Context()); err == nil {
				t.Error("Head: got no error")
			}
		})
	}
	calls.Go(func() {
		begun <- struct{}{}
		if err := s.Append(t.Context(), head, records(head, 1)); err == nil {
			t.Error("Append: got no error")
		}
	})
	for range cap(begun) {
		<-begun
	}
	began := time.Now()
	if err := s.Close(); !errors.Is(err, errNoAnswer) {
		t.Errorf("Close: got %v, want %v", err, errNoAnswer)
	}
	calls.Wait()
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("Close and what it cut off took %v, want about %v", took, s.opts.CloseTimeout)
	}
}

func TestCloseWaitsForWhatIsUnderWay(t *testing.T) {
	t.Parallel()
	dsn := postgrestest.NewDatabase(t)
	s, err := Open(t.Context(), dsn, Options{CloseTimeout: patience})
	if err != nil {
		t.Fatal(err)
	}
	other := connect(t, dsn)
	release := other.lockHead()
	appended, closed := make(chan error, 1), make(chan error, 1)
	go func() { appended <- s.Append(t.Context(), eventstore.Head{}, records(eventstore.Head{}, 1)) }()
	connect(t, dsn).untilAppendWaits()
	go func() { closed <- s.Close() }()
	<-s.closed
	release()
	if err := errors.Join(<-appended, <-closed); err != nil {
		t.Error(err)
	}
}
