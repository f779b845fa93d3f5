package projection_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"configapi/internal/config"
	"configapi/internal/eventstore"
	"configapi/internal/eventstore/memory"
	"configapi/internal/projection"
)

// following is a follower that runs until the test ends.
type following struct {
	*projection.Follower
	*projection.Projection
	log  bytes.Buffer
	end  chan error // gets the result of Run
	stop context.CancelFunc
}

// follow runs a follower. It must be called in a synctest bubble, where waiting takes no time.
func follow(t *testing.T, source projection.Source, opts projection.Options) *following {
	t.Helper()
	f := &following{Projection: projection.New(&listener{})}
	opts.Log = slog.New(slog.NewTextHandler(&f.log, nil))
	f.Follower = projection.NewFollower(f.Projection, source, opts)
	ctx, stop := context.WithCancel(t.Context())
	f.end, f.stop = make(chan error, 1), stop
	go func() {
		f.end <- f.Run(ctx)
		close(f.end)
	}()
	t.Cleanup(func() {
		stop()
		if err := <-f.end; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	return f
}

func (f *following) isReady() bool {
	select {
	case <-f.Ready():
		return true
	default:
		return false
	}
}

// mustFollow fails unless the follower applies all of the history within d and reports no problem.
func (f *following) mustFollow(t *testing.T, h *history, d time.Duration) {
	t.Helper()
	time.Sleep(d)
	synctest.Wait()
	if err := f.Problem(); err != nil || !f.isReady() {
		t.Fatalf("Problem() = %v, ready: %t", err, f.isReady())
	}
	h.mustShow(f.View())
}

// mustStop fails unless the follower reports a problem and stays at a seq.
func (f *following) mustStop(t *testing.T, at eventstore.Seq, problem string, permanent bool) {
	t.Helper()
	time.Sleep(20 * time.Second)
	synctest.Wait()
	err := f.Problem()
	if err == nil || !strings.Contains(err.Error(), problem) {
		t.Fatalf("Problem() = %v, want %q", err, problem)
	}
	if got := projection.Permanent(err); got != permanent {
		t.Errorf("Permanent(%v) = %t", err, got)
	}
	select {
	case end := <-f.end:
		if !errors.Is(end, projection.ErrDiverged) {
			t.Errorf("Run: %v", end)
		}
	default:
		if errors.Is(err, projection.ErrDiverged) {
			t.Error("Run goes on although the history is another one")
		}
	}
	if got := f.View().Head().Seq; got != at {
		t.Errorf("applied up to seq %d, want %d", got, at)
	}
}

func mustAppend(t *testing.T, s eventstore.Store, after eventstore.Head, records []eventstore.Record) {
	t.Helper()
	if err := s.Append(t.Context(), after, records); err != nil {
		t.Fatal(err)
	}
}

// appended returns a store with the present records of a history.
func appended(t *testing.T, h *history) *memory.Store {
	t.Helper()
	s := memory.New()
	if len(h.records) > 0 {
		mustAppend(t, s, eventstore.Head{}, h.records)
	}
	return s
}

// grow appends the records of a history that a store does not have yet.
func grow(t *testing.T, s eventstore.Store, h *history) {
	t.Helper()
	head, err := s.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	mustAppend(t, s, head, h.records[head.Seq:])
}

func TestFollowerAppliesHistoryAndNewEvents(t *testing.T) {
	for _, page := range []int{0, 1, 2, 7} {
		t.Run(fmt.Sprintf("pages of %d", page), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := newHistory(t)
				for i := range 20 {
					h.set(fmt.Sprintf("n%d", i%5), fmt.Sprint(i))
				}
				store := appended(t, h)
				f := follow(t, store, projection.Options{PageSize: page})
				f.mustFollow(t, h, 0)
				for i := range 10 {
					h.set("live", fmt.Sprint(i))
					h.set("a", fmt.Sprint(i))
					grow(t, store, h)
					f.mustFollow(t, h, 0)
				}
				if f.log.Len() > 0 {
					t.Errorf("logged:\n%s", &f.log)
				}
			})
		})
	}
}

func TestReadyOnAnEmptyHistory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		follow(t, memory.New(), projection.Options{}).mustFollow(t, newHistory(t), 0)
	})
}

// TestReadyOnceAllIsApplied delays the last page of the history.
func TestReadyOnceAllIsApplied(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHistory(t)
		for i := range 10 {
			h.set("a", fmt.Sprint(i))
		}
		store := appended(t, h)
		slowly := func(ctx context.Context, after eventstore.Seq, limit eventstore.Limit) ([]eventstore.Record, error) {
			if after >= 8 {
				time.Sleep(time.Minute)
			}
			return store.Read(ctx, after, limit)
		}
		f := follow(t, &faulty{operations: operations{real: store, read: slowly}}, projection.Options{PageSize: 4})
		time.Sleep(59 * time.Second)
		synctest.Wait()
		if got := f.View().Head().Seq; f.isReady() || got != 8 {
			t.Errorf("ready: %t at seq %d, want not yet, at 8", f.isReady(), got)
		}
		f.mustFollow(t, h, 2*time.Minute)
	})
}

// TestTickAloneSuffices follows a store that never notifies, but lets Wait return from time to
// time.
func TestTickAloneSuffices(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, store := newHistory(t), memory.New()
		f := follow(t, &faulty{operations: operations{real: store, wait: tick}}, projection.Options{})
		for i := range 5 {
			h.set("a", fmt.Sprint(i))
			grow(t, store, h)
			f.mustFollow(t, h, 501*time.Millisecond)
		}
	})
}

// TestChangeSetsBecomeReadableAsOne puts change sets of all sizes on pages of all sizes, and checks
// every view.
func TestChangeSetsBecomeReadableAsOne(t *testing.T) {
	h := newHistory(t)
	ends := make(map[eventstore.Seq]bool)
	for _, size := range []int{1, 2, 3, 1, 6, 1, 1, 5, 4, 2} {
		var commands []config.Command
		for i := range size {
			commands = append(commands, set(t, fmt.Sprintf("n%d", i), fmt.Sprint(h.head.Seq)))
		}
		h.commit(commands...)
		ends[h.head.Seq] = true
	}
	for page := 1; page < 10; page++ {
		var p *projection.Projection
		p = projection.New(&listener{onHear: func([]*eventstore.Revision) {
			if at := p.View().Head().Seq; !ends[at] {
				t.Errorf("pages of %d: there was a view of seq %d, within a change set", page, at)
			}
		}})
		f := projection.NewFollower(p, appended(t, h), projection.Options{PageSize: page})
		if err := f.CatchUp(t.Context()); err != nil {
			t.Fatal(err)
		}
		h.mustShow(p.View())
	}
}

// TestFollowerLetsTheWriterGoFirst checks that the follower does not read back what the writer of
// the same process is about to apply, and that a slow writer does not hold it up.
func TestFollowerLetsTheWriterGoFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHistory(t)
		store := memory.New()
		reads := 0
		counting := func(ctx context.Context, after eventstore.Seq, limit eventstore.Limit) ([]eventstore.Record, error) {
			reads++
			return store.Read(ctx, after, limit)
		}
		applied := make(chan struct{})
		f := follow(t, &faulty{operations: operations{real: store, read: counting}}, projection.Options{AwaitOwnAppend: func(ctx context.Context) {
			select {
			case <-applied:
			case <-time.After(time.Second):
			case <-ctx.Done():
			}
		}})
		f.mustFollow(t, h, 0)
		reads = 0

		h.set("a", "1")
		grow(t, store, h)
		synctest.Wait()
		if err := f.Apply(eventstore.Head{}, mustDecode(t, h.records)); err != nil {
			t.Fatal(err)
		}
		applied <- struct{}{}
		f.mustFollow(t, h, 0)
		if reads != 0 {
			t.Errorf("read back %d times what the writer has applied", reads)
		}

		h.set("a", "2")
		grow(t, store, h) // by another node
		f.mustFollow(t, h, time.Second)
		if reads != 1 {
			t.Errorf("read %d times what another node has written, want once", reads)
		}
	})
}

// TestCurrentWhileOthersWriteAllTheTime adds an event whenever the head is read, so that the
// follower is never at the head.
func TestCurrentWhileOthersWriteAllTheTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, store := newHistory(t), memory.New()
		busy := func(ctx context.Context) (eventstore.Head, error) {
			time.Sleep(100 * time.Millisecond)
			h.set("a", "busy")
			grow(t, store, h)
			return store.Head(ctx)
		}
		f := follow(t, &faulty{operations: operations{real: store, head: busy}}, projection.Options{})
		time.Sleep(time.Minute)
		if lag := time.Since(f.Current()); lag > 300*time.Millisecond || lag == 0 {
			t.Errorf("known to be current %v ago", lag)
		}
		stopped := time.Now()
		f.stop()
		time.Sleep(time.Minute)
		if got := f.Current(); got.After(stopped) {
			t.Errorf("known to be current %v after it has stopped", got.Sub(stopped))
		}
	})
}

func TestCatchUpEndsWithItsContext(t *testing.T) {
	h := newHistory(t)
	h.set("a", "1")
	ctx, cancel := context.WithCancel(t.Context())
	source := &faulty{operations: operations{real: appended(t, h)}}
	source.read = func(_ context.Context, after eventstore.Seq, _ eventstore.Limit) ([]eventstore.Record, error) {
		cancel()
		return h.records[after:], nil
	}
	f := projection.NewFollower(projection.New(&listener{}), source, projection.Options{})
	if err := f.CatchUp(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want %v", err, context.Canceled)
	}
}

// TestPageOfFewLargeRecordsIsNotTheLast has a history with more bytes than a page holds.
func TestPageOfFewLargeRecordsIsNotTheLast(t *testing.T) {
	h := newHistory(t)
	value := strings.Repeat("x", config.DefaultMaxValueBytes)
	for i := range eventstore.PageBytes/len(value) + 3 {
		h.set(fmt.Sprint(i), value)
	}
	f := projection.New(&listener{})
	if err := projection.NewFollower(f, appended(t, h), projection.Options{}).CatchUp(t.Context()); err != nil {
		t.Fatal(err)
	}
	h.mustShow(f.View())
}

// TestEventsThatComeAtTheEndOfCatchingUp appends between the last page and the read of the head.
func TestEventsThatComeAtTheEndOfCatchingUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, store := newHistory(t), memory.New()
		appendFirst := func(ctx context.Context) (eventstore.Head, error) {
			if h.head.Seq < 5 {
				h.set("a", "new")
				grow(t, store, h)
			}
			return store.Head(ctx)
		}
		f := follow(t, &faulty{operations: operations{real: store, head: appendFirst}}, projection.Options{})
		f.mustFollow(t, h, 0)
		if h.head.Seq != 5 || f.log.Len() > 0 {
			t.Errorf("at seq %d, logged:\n%s", h.head.Seq, &f.log)
		}
	})
}

// tick waits as a store does that is never notified.
func tick(ctx context.Context, _ eventstore.Seq) error {
	select {
	case <-time.After(500 * time.Millisecond):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
