//go:build unix

package supervisor

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// fakeSource is a Source whose environment a test sets.
type fakeSource struct {
	mu      sync.Mutex // guards the rest
	next    Environment
	err     error
	changed chan struct{}
}

func (s *fakeSource) Changed() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.changed
}

func (s *fakeSource) Next() (Environment, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.changed = make(chan struct{})
	return s.next, s.err
}

// set has another environment with a position of its own.
func (s *fakeSource) set(variables ...string) { s.change(variables, nil) }

func (s *fakeSource) change(variables []string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.next, s.err = Environment{variables, "1-a"}, err
	if !isClosed(s.changed) {
		close(s.changed)
	}
}

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// fakeProgram is a program that ends as a test says.
type fakeProgram struct {
	died, sent chan os.Signal
	begin      time.Time

	mu      sync.Mutex // guards the rest
	events  []string   // what happened, with when
	refuses error      // by check
	fails   error      // once by start
	ignores bool       // SIGTERM
	slow    time.Duration
	running bool
	code    int
	left    bool // something of the group runs
}

func (f *fakeProgram) lock() (unlock func()) {
	f.mu.Lock()
	return f.mu.Unlock
}

func (f *fakeProgram) happens(what string) {
	f.events = append(f.events, fmt.Sprintf("%v %s", time.Since(f.begin), what))
}

func (f *fakeProgram) check([]string) error {
	defer f.lock()()
	return f.refuses
}

func (f *fakeProgram) start(variables []string) error {
	defer f.lock()()
	if err := f.fails; err != nil {
		f.fails = nil
		f.happens("fails")
		return err
	}
	f.running = true
	f.happens("start " + strings.Join(variables, " "))
	return nil
}

func (f *fakeProgram) signal(sig syscall.Signal) {
	defer f.lock()()
	f.happens(sig.String())
	if sig == syscall.SIGTERM && !f.ignores {
		time.AfterFunc(f.slow, func() { f.end(143) })
	}
}

func (f *fakeProgram) signalGroup(sig syscall.Signal) {
	unlock := f.lock()
	f.happens("group " + sig.String())
	f.left = false
	kills := sig == syscall.SIGKILL && f.running
	unlock()
	if kills {
		f.end(137)
	}
}

func (f *fakeProgram) end(code int) {
	unlock := f.lock()
	f.running, f.code = false, code
	unlock()
	select {
	case f.died <- syscall.SIGCHLD:
	default:
	}
}

func (f *fakeProgram) signals() <-chan os.Signal  { return f.sent }
func (f *fakeProgram) children() <-chan os.Signal { return f.died }
func (f *fakeProgram) close()                     {}

func (f *fakeProgram) reap() (int, bool) {
	defer f.lock()()
	return f.code, !f.running
}

func (f *fakeProgram) groupRuns() bool {
	defer f.lock()()
	return f.running || f.left
}

// story is a supervisor with a fake program and a fake source.
type story struct {
	*fakeProgram
	source *fakeSource
	log    []string
	code   int
	err    error
}

// play runs the supervisor in a bubble until the program ends, while do does what happens to it.
func (s *story) play(t *testing.T, change func(*Options), do func(s *story)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s.fakeProgram = &fakeProgram{begin: time.Now(), died: make(chan os.Signal, 1), sent: make(chan os.Signal, 8)}
		s.source = &fakeSource{next: Environment{[]string{"A=0"}, "1-a"}, changed: make(chan struct{})}
		o := Options{Source: s.source, Signal: syscall.SIGHUP, Grace: 10 * time.Second, Quiet: 300 * time.Millisecond, Interval: 10 * time.Second,
			Log: func(format string, args ...any) { s.log = append(s.log, fmt.Sprintf(format, args...)) }}
		if change != nil {
			change(&o)
		}
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			s.code, s.err = newSupervisor(o, s.fakeProgram).run(ctx)
		}()
		synctest.Wait()
		do(s)
		synctest.Wait()
		if !isClosed(ended) {
			s.happens("end")
			s.end(7)
			<-ended
		}
	})
}

// after waits, and lets all happen that is to happen until then.
func after(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func (s *story) want(t *testing.T, events ...string) {
	t.Helper()
	if !slices.Equal(s.events, events) {
		t.Errorf("got %q,\nwant %q; log %q", s.events, events, s.log)
	}
}

func TestChangesAreAppliedWhenItIsQuiet(t *testing.T) {
	var s story
	s.play(t, nil, func(s *story) {
		for i := range 5 { // each 200 ms after the one before
			s.source.set(fmt.Sprintf("A=%d", i+1))
			after(200 * time.Millisecond)
		}
		after(time.Second)
	})
	s.want(t, "0s start A=0", "1.1s terminated", "1.1s start A=5", "2s end")
	if s.code != 7 || s.err != nil {
		t.Errorf("got %d, %v, want 7", s.code, s.err)
	}
}

func TestRestartsKeepTheInterval(t *testing.T) {
	var s story
	s.play(t, nil, func(s *story) {
		s.source.set("A=1")
		after(time.Second)
		s.source.set("A=2")
		after(time.Second)
		s.source.set("A=3")
		after(20 * time.Second)
	})
	s.want(t, "0s start A=0", "300ms terminated", "300ms start A=1", "10.3s terminated", "10.3s start A=3", "22s end")
}

// TestChangesThatNeverPause come each 100 ms.
func TestChangesThatNeverPause(t *testing.T) {
	var s story
	s.play(t, nil, func(s *story) {
		for i := range 250 {
			s.source.set(fmt.Sprintf("A=%d", i+1))
			after(100 * time.Millisecond)
		}
	})
	var restarts int
	for _, event := range s.events {
		if strings.Contains(event, "start A=") {
			restarts++
		}
	}
	if restarts != 3 {
		t.Errorf("got %q, want two restarts in 25 s", s.events)
	}
}

func TestWhatDoesNotChangeTheProgramDoesNotRestartIt(t *testing.T) {
	var s story
	s.play(t, nil, func(s *story) {
		s.source.set("A=0") // something else has changed
		after(time.Second)
		s.source.set("A=1")
		after(100 * time.Millisecond)
		s.source.set("A=0") // and back
		after(time.Minute)
	})
	s.want(t, "0s start A=0", "1m1.1s end")
}

func TestEnvironmentThatCannotBeHad(t *testing.T) {
	var s story
	s.play(t, nil, func(s *story) {
		s.source.change(nil, errors.New("two configs make A"))
		after(time.Second)
		s.source.set("A=1")
		after(500 * time.Millisecond)
		s.refuses = errors.New("it is too large")
		s.source.set("A=2")
		after(20 * time.Second)
	})
	s.want(t, "0s start A=0", "1.3s terminated", "1.3s start A=1", "21.5s end")
	if len(s.log) != 3 || !strings.Contains(s.log[0], "runs on as it was: two configs make A") || !strings.Contains(s.log[2], "runs on as it was: it is too large") {
		t.Errorf("got %q", s.log)
	}
}

func TestProgramThatDoesNotStartAgainIsStartedAsItWas(t *testing.T) {
	var s story
	s.play(t, nil, func(s *story) {
		s.fails = errors.New("E2BIG")
		s.source.set("A=1")
		after(time.Second)
	})
	s.want(t, "0s start A=0", "300ms terminated", "300ms fails", "300ms start A=0", "1s end")
}

func TestProgramThatIgnoresSIGTERM(t *testing.T) {
	var s story
	s.play(t, func(o *Options) { o.Grace = 2 * time.Second }, func(s *story) {
		s.ignores = true
		s.source.set("A=1")
		after(5 * time.Second)
	})
	s.want(t, "0s start A=0", "300ms terminated", "2.3s group killed", "2.3s start A=1", "5s end")
}

// TestGroupIsStopped: what the program leaves behind is asked to end, too.
func TestGroupIsStopped(t *testing.T) {
	var s story
	s.play(t, nil, func(s *story) {
		s.left = true
		s.slow = 1005 * time.Millisecond
		s.source.set("A=1")
		after(5 * time.Second)
	})
	s.want(t, "0s start A=0", "300ms terminated", "1.305s group terminated", "1.31s start A=1", "5s end")
}

func TestSignalsAreForwarded(t *testing.T) {
	var s story
	s.play(t, nil, func(s *story) {
		s.sent <- syscall.SIGUSR1
		s.sent <- syscall.SIGINT
		after(time.Second)
		s.ignores = true
		s.sent <- syscall.SIGTERM
		after(time.Second)
		s.sent <- syscall.SIGHUP
		s.source.set("A=1") // nothing is started any more
		after(time.Minute)
	})
	s.want(t, "0s start A=0", "0s user defined signal 1", "0s interrupt", "1s terminated", "2s hangup", "11s group killed")
	if s.code != 137 {
		t.Errorf("got %d, want 137", s.code)
	}
}

// TestStopDuringARestart: SIGTERM comes while the program is stopped for a restart.
func TestStopDuringARestart(t *testing.T) {
	var s story
	s.play(t, nil, func(s *story) {
		s.slow = 2 * time.Second
		s.source.set("A=1")
		after(time.Second)
		s.sent <- syscall.SIGTERM
		after(5 * time.Second)
	})
	s.want(t, "0s start A=0", "300ms terminated")
	if s.code != 143 {
		t.Errorf("got %d, want 143", s.code)
	}
}

func TestReactions(t *testing.T) {
	for _, test := range []struct {
		reaction Reaction
		want     []string
	}{
		{Signal, []string{"0s start A=0", "300ms hangup", "10.3s hangup", "21s end"}},
		{None, []string{"0s start A=0", "21s end"}},
	} {
		var s story
		s.play(t, func(o *Options) { o.OnChange = test.reaction }, func(s *story) {
			s.source.set("A=1", "B=1")
			after(time.Second)
			s.source.set("A=2")
			after(20 * time.Second)
		})
		s.want(t, test.want...)
		if len(s.log) != 2 || !strings.HasPrefix(s.log[1], "A changed, B removed at position 1-a; ") {
			t.Errorf("got %q", s.log)
		}
	}
}

// TestSplay: the restarts of many are spread over the whole time.
func TestSplay(t *testing.T) {
	var earliest, latest time.Duration = time.Hour, 0
	for range 50 {
		var s story
		s.play(t, func(o *Options) { o.Splay = 5 * time.Second }, func(s *story) {
			s.source.set("A=1")
			after(6 * time.Second)
		})
		at, err := time.ParseDuration(strings.Fields(s.events[1])[0])
		if err != nil || len(s.events) != 4 {
			t.Fatalf("got %q, %v", s.events, err)
		}
		earliest, latest = min(earliest, at), max(latest, at)
	}
	// 50 times in the same half of 5 s: once in 2^49 runs.
	if earliest < 300*time.Millisecond || latest > 5300*time.Millisecond || earliest > 2800*time.Millisecond || latest < 2800*time.Millisecond {
		t.Errorf("got restarts from %v to %v", earliest, latest)
	}
}
