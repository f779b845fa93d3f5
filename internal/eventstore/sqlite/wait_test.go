package sqlite

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"configapi/internal/eventstore"
)

// TestWaitKnowsOfOwnAppends: a follower that has not applied one yet need not wait for the poll.
func TestWaitKnowsOfOwnAppends(t *testing.T) {
	s := mustOpen(t, filepath.Join(t.TempDir(), "history.db"), Options{PollInterval: time.Hour})
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	s.newest.observe(0) // the head counts as fresh for an hour
	write(t, s, "a")
	if err := s.Wait(ctx, 0); err != nil {
		t.Fatal(err)
	}
}

func TestWaitSeesWhatIsThereWithoutAPoll(t *testing.T) {
	path := filepath.Join(t.TempDir(), "history.db")
	write(t, mustOpen(t, path, Options{}), "a")
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if err := mustOpen(t, path, Options{PollInterval: time.Hour}).Wait(ctx, 0); err != nil {
		t.Fatal(err)
	}
}

func TestWaitReturnsEveryPollInterval(t *testing.T) {
	path := filepath.Join(t.TempDir(), "history.db")
	s := mustOpen(t, path, Options{PollInterval: time.Millisecond})
	head := write(t, mustOpen(t, path, Options{}), "a")
	for range 3 {
		if err := s.Wait(t.Context(), head.Seq); err != nil {
			t.Fatal(err)
		}
	}
}

// TestWaitWaitsAfterTheTailWasCut restores an older state of the file: Wait must not return at once
// because of the seq known before.
func TestWaitWaitsAfterTheTailWasCut(t *testing.T) {
	s := mustOpen(t, filepath.Join(t.TempDir(), "history.db"), Options{PollInterval: time.Hour})
	head := write(t, s, "a")
	kept, err := s.Read(t.Context(), 0, eventstore.Limit{Records: 1})
	if err != nil {
		t.Fatal(err)
	}
	write(t, s, "b")
	rewrite(t, s, head, kept)
	if left, err := s.Read(t.Context(), head.Seq, eventstore.Limit{Records: 1}); err != nil || len(left) > 0 {
		t.Fatalf("got %v, %v, want nothing to be left", left, err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := s.Wait(ctx, head.Seq); err != ctx.Err() || err == nil {
		t.Errorf("got %v, want it to wait", err)
	}
}

func TestWaitOnAStoreThatIsClosed(t *testing.T) {
	s, err := Open(t.Context(), filepath.Join(t.TempDir(), "history.db"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := s.Wait(t.Context(), 0); err == nil {
		t.Error("got no error")
	}
}
