package sqlite

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"configapi/internal/eventstore/eventstoretest"
)

// TestLogStaysSmallUnderOverlappingReads keeps at least one read running all the time, so that the
// log is never unused by itself.
func TestLogStaysSmallUnderOverlappingReads(t *testing.T) {
	t.Parallel()
	const checkpointBytes, writes = 256 << 10, 600
	s := mustOpen(t, filepath.Join(t.TempDir(), "history.db"), Options{checkpointBytes: checkpointBytes})
	write(t, s, "a")
	ctx, stop := context.WithCancel(t.Context())
	var reads errgroup.Group
	begun := make(chan struct{}, 1)
	for range 2 {
		reads.Go(func() error { return overlap(ctx, s, begun) })
	}
	largest := int64(0)
	for n := range writes {
		<-begun // reads go on between writes
		write(t, s, fmt.Sprint(n), strings.Repeat("x", 200))
		info, err := os.Stat(s.path + "-wal")
		if err != nil {
			t.Fatal(err)
		}
		largest = max(largest, info.Size())
	}
	stop()
	if err := reads.Wait(); err != nil {
		t.Error(err)
	}
	<-s.writer.turn // a checkpoint may still run
	total := s.writer.tx.bytesWritten()
	s.writer.turn <- struct{}{}
	if total < 8*checkpointBytes || largest > 2*checkpointBytes {
		t.Errorf("of %d bytes that were written the log held up to %d, want at most %d", total, largest, 2*checkpointBytes)
	}
}

// overlap reads again and again. Each read holds its transaction until the other reader has begun
// one, or for a moment.
func overlap(ctx context.Context, s *Store, begun chan<- struct{}) error {
	for ctx.Err() == nil {
		err := s.nodeReaders.use(context.Background(), func(r *reader) error {
			head := r.prepared[headQuery]
			defer r.reset(head)
			if _, err := r.step(head); err != nil {
				return err
			}
			select {
			case begun <- struct{}{}:
			case <-time.After(2 * time.Millisecond):
			case <-ctx.Done():
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// TestReadThatDoesNotEnd checks that a long read keeps the log from being emptied, but keeps
// neither appends nor other reads waiting. The log is emptied when the read ends.
func TestReadThatDoesNotEnd(t *testing.T) {
	t.Parallel()
	const checkpointBytes = 32 << 10
	path := filepath.Join(t.TempDir(), "history.db")
	s := mustOpen(t, path, Options{checkpointBytes: checkpointBytes})
	write(t, s, "a")
	other := mustOpen(t, path, Options{ReadOnly: true}) // to the store this is another process
	err := other.nodeReaders.use(t.Context(), func(r *reader) error {
		head := r.prepared[headQuery]
		defer r.reset(head)
		if _, err := r.step(head); err != nil {
			return err
		}
		for range 12 {
			write(t, s, strings.Repeat("b", 200), strings.Repeat("c", 200))
		}
		_, err := s.Head(t.Context())
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if !s.writer.checkpointNow(t.Context()) {
		t.Error("the log is not empty after the read has ended")
	}
	if _, err := eventstoretest.Verify(t.Context(), other); err != nil {
		t.Error(err)
	}
}

// TestLogThatBeginsAnewIsMarked makes SQLite itself start the log over, which it does when all of
// it is checkpointed but a read has kept the file from being cut.
func TestLogThatBeginsAnewIsMarked(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := mustOpen(t, filepath.Join(dir, "history.db"), Options{})
	write(t, s, "a", "b", "c")
	before, err := readSalt(s.writer.log)
	if err != nil {
		t.Fatal(err)
	}
	other := mustOpen(t, s.path, Options{ReadOnly: true})
	for range 2 { // the second read begins after the checkpoint has begun, and lets it finish
		err = other.nodeReaders.use(t.Context(), func(r *reader) error {
			head := r.prepared[headQuery]
			defer r.reset(head)
			_, err := r.step(head)
			if s.writer.checkpointNow(t.Context()) {
				t.Error("the log is empty in spite of a read")
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	head := write(t, s, "d")
	after, err := readSalt(s.writer.log)
	if err != nil || after == before || after == (salt{}) {
		t.Fatalf("the log has not begun anew: salt %x, then %x, %v", before, after, err)
	}
	markers := 0
	err = readCommitted(s.writer.log, func(p page) {
		if _, is := markerIn(p.data); is {
			markers++
		}
	})
	if err != nil || markers == 0 {
		t.Errorf("the log has %d markers, %v", markers, err)
	}
	copied := filepath.Join(dir, "copy.db")
	shell(t, "cp", s.path, copied)
	shell(t, "cp", s.path+"-wal", copied+"-wal")
	mustBeAt(t, mustOpen(t, copied, Options{}), head)
}

// TestReadBarrierHoldsReadsBack checks that new reads wait while the barrier is closed, and that a
// waiting read can be cancelled.
func TestReadBarrierHoldsReadsBack(t *testing.T) {
	t.Parallel()
	g := new(readBarrier)
	if err := g.enter(t.Context()); err != nil {
		t.Fatal(err)
	}
	entered := make(chan error)
	err := g.hold(time.Nanosecond, func() error { // the running read outlasts the wait
		cancelled, cancel := context.WithCancel(t.Context())
		cancel()
		if err := g.enter(cancelled); err != context.Canceled {
			t.Errorf("a read that is cancelled: got error %v", err)
		}
		go func() { entered <- g.enter(context.WithoutCancel(t.Context())) }()
		select {
		case <-entered:
			t.Error("a read was let in")
		default:
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := <-entered; err != nil {
		t.Errorf("after it: got error %v", err)
	}
	g.leave()
	left := make(chan error)
	go func() {
		left <- g.hold(time.Hour, func() error {
			if g.reading != 0 {
				t.Errorf("%d reads are under way", g.reading)
			}
			return nil
		})
	}()
	g.leave()
	if err := <-left; err != nil {
		t.Error(err)
	}
}
