package supervisor

import (
	"context"
	"math/rand/v2"
	"os"
	"runtime"
	"slices"
	"sync"
	"syscall"
	"time"
)

// Reaction is what the program gets of a new environment.
type Reaction int

const (
	Restart Reaction = iota // it is stopped, and started with the environment
	Signal                  // it is sent a signal, and has to read its configs itself
	None                    // nothing
)

// Environment is what a program is started with.
type Environment struct {
	Variables []string // as NAME=VALUE, sorted by their names
	Position  string   // of the configs that they are made of, for people
}

// Source has the environment of the program. One goroutine uses it.
type Source interface {
	// Changed returns a channel that is closed when there may be a newer environment than Next
	// returned last.
	Changed() <-chan struct{}
	// Next returns the newest environment. An error says why there is none, without values.
	Next() (Environment, error)
}

// Options of [Run]. Args, Source and Log are required.
type Options struct {
	Args   []string // the program, which is looked for as shells do, and its arguments
	Stdin  *os.File // nil: there is none
	Stdout *os.File // as Stdin
	Stderr *os.File // as Stdin

	Source   Source
	OnChange Reaction
	Signal   syscall.Signal // for the reaction Signal

	Grace    time.Duration // from SIGTERM to SIGKILL; 0: the program may take as long as it likes
	Quiet    time.Duration // without a change before one is applied
	Interval time.Duration // at least, between two changes that are applied
	Splay    time.Duration // a change is applied up to this much later, at random

	// Log gets a line about each thing that happens to the program. It has no values.
	Log func(format string, args ...any)
	// Children is held while another part of this process waits for processes that it has started
	// itself; nil: there is none. Meanwhile the supervisor reaps no process but the program.
	Children *sync.Mutex
}

// StartError is returned when the program cannot be started.
type StartError struct {
	Code int // as shells end with it: 127 when there is no such program, else 126
	Err  error
}

func (e *StartError) Error() string { return e.Err.Error() }
func (e *StartError) Unwrap() error { return e.Err }

// Run runs the program until it ends by itself, or after SIGTERM or the end of ctx. It returns its
// exit code, or 128 and the number of the signal that has ended it. It must be called once at a
// time, since it handles the signals of the process.
func Run(ctx context.Context, o Options) (code int, err error) {
	// On Linux the program gets SIGTERM when the thread that started it ends, which is thus kept.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	p, err := newProcess(o)
	if err != nil {
		return 0, err
	}
	defer p.close()
	return newSupervisor(o, p).run(ctx)
}

// program is the program with its process group, of which one at a time runs.
type program interface {
	// check returns why the program could not be started with an environment.
	check(variables []string) error
	// start starts it. The error is a [*StartError].
	start(variables []string) error
	// signal sends a signal to the program, but to all of its group when the terminal has sent it.
	signal(syscall.Signal)
	// signalGroup sends a signal to all of the group.
	signalGroup(syscall.Signal)
	// signals returns the signals that this process gets and the program should.
	signals() <-chan os.Signal
	// children returns a channel that says that reap may find something.
	children() <-chan os.Signal
	// reap takes note of what has become of the program, and reaps it and orphans. It reports
	// whether the program has ended.
	reap() (code int, ended bool)
	// groupRuns reports whether processes of the group are left.
	groupRuns() bool
	close()
}

type supervisor struct {
	Options
	program program
	pacer   pacer
	current Environment // that of the program
	next    Environment // the newest one
	invalid error       // why there is no next
	code    int         // of the program, once it has ended
	ended   bool        // the program has ended
	ending  bool        // nothing is started any more
}

func newSupervisor(o Options, p program) *supervisor {
	s := &supervisor{Options: o, program: p}
	s.pacer = pacer{quiet: o.Quiet, interval: o.Interval, splay: func() time.Duration {
		if o.Splay <= 0 {
			return 0
		}
		return rand.N(o.Splay)
	}}
	return s
}

func (s *supervisor) run(ctx context.Context) (code int, err error) {
	if s.current, err = s.Source.Next(); err != nil {
		return 0, err
	}
	s.next = s.current
	if err := s.program.start(s.current.Variables); err != nil {
		return 0, err
	}
	timer := time.NewTimer(0)
	defer timer.Stop()
	for !s.ended {
		timer.Stop()
		if at, waits := s.pacer.due(); waits {
			timer.Reset(time.Until(at))
		}
		select {
		case <-s.Source.Changed():
			s.take()
		case <-timer.C:
			err = s.apply()
		case <-s.program.children():
			s.reap()
		case sig := <-s.program.signals():
			s.forward(sig)
		case <-ctx.Done():
			s.ending = true
		}
		if err != nil {
			return 0, err
		}
		if s.ending && !s.ended {
			s.stop()
		}
	}
	return s.code, nil
}

// take takes the newest environment, which is applied later if it is another one.
func (s *supervisor) take() {
	next, err := s.Source.Next()
	switch {
	case err == nil && slices.Equal(next.Variables, s.current.Variables):
		s.next, s.invalid = next, nil
		s.pacer.none()
	case err == nil && s.invalid == nil && slices.Equal(next.Variables, s.next.Variables):
		s.next = next // something else has changed
	case err != nil && s.invalid != nil && err.Error() == s.invalid.Error():
	default:
		s.next, s.invalid = next, err
		s.pacer.changed(time.Now())
	}
}

// apply has the program get the newest environment. The error is that of a program that cannot be
// started again, and none runs.
func (s *supervisor) apply() error {
	s.pacer.none()
	if s.invalid != nil {
		s.Log("the program runs on as it was: %v", s.invalid)
		return nil
	}
	what := difference(s.current.Variables, s.next.Variables)
	switch s.OnChange {
	case None:
		s.Log("%s at position %s; the program runs on as it was", what, s.next.Position)
		s.current = s.next
	case Signal:
		s.Log("%s at position %s; the program gets the signal %q", what, s.next.Position, s.Signal)
		s.current = s.next
		s.pacer.applied(time.Now())
		s.program.signal(s.Signal)
	case Restart:
		return s.restart(what)
	}
	return nil
}

// restart starts the program with the next environment. If the system does not start it, the
// program is started as it was.
func (s *supervisor) restart(what string) error {
	if err := s.program.check(s.next.Variables); err != nil {
		s.Log("%s at position %s, but the program runs on as it was: %v", what, s.next.Position, err)
		return nil
	}
	if s.reap(); s.ended {
		return nil
	}
	s.Log("%s at position %s; the program is started again", what, s.next.Position)
	s.stop()
	if s.ending {
		return nil
	}
	s.pacer.applied(time.Now())
	s.ended = false
	err := s.program.start(s.next.Variables)
	if err == nil {
		s.current = s.next
		return nil
	}
	s.Log("the program is started as it was: %v", err)
	return s.program.start(s.current.Variables)
}

const (
	// drainPause is how often a group is looked at whose program has ended.
	drainPause = 10 * time.Millisecond
	// killPause is how long the rest of a group may take to end once it is killed.
	killPause = time.Second
)

// stop stops the program and what is left of its group, and returns when they have ended.
func (s *supervisor) stop() {
	var kill, giveUp <-chan time.Time
	if s.Grace > 0 {
		timer := time.NewTimer(s.Grace)
		defer timer.Stop()
		kill = timer.C
	}
	look := time.NewTicker(drainPause)
	defer look.Stop()
	s.program.signal(syscall.SIGTERM)
	for asked, left := false, false; !s.ended || s.program.groupRuns() && !left; {
		if s.ended && !asked {
			s.program.signalGroup(syscall.SIGTERM)
			asked = true
		}
		select {
		case <-look.C:
			s.reap() // a signal that says so may come before there is something to reap
		case <-s.program.children():
			s.reap()
		case sig := <-s.program.signals():
			s.forward(sig)
		case <-kill:
			s.Log("the program has not ended within %v, and is killed", s.Grace)
			s.program.signalGroup(syscall.SIGKILL)
			giveUp = time.After(killPause)
		case <-giveUp:
			left = true // a process that its own parent does not reap
		}
	}
}

func (s *supervisor) reap() {
	if code, ended := s.program.reap(); ended {
		s.code, s.ended = code, true
	}
}

// forward hands a signal on. SIGTERM is for this process, too.
func (s *supervisor) forward(sig os.Signal) {
	if sig == syscall.SIGTERM && !s.ending {
		s.ending = true // stop sends it
		return
	}
	if number, is := sig.(syscall.Signal); is && !s.ended {
		s.program.signal(number)
	}
}
