package configstore

import (
	"cmp"
	"container/heap"
	"context"
	"sync"
	"sync/atomic"
	"time"

	"configapi/internal/auth"
	"configapi/internal/eventstore"
)

// Session is the time during which a caller's rights stay what they were when it began. It is for
// connections and streams, which outlast a request. It is safe for concurrent use.
type Session struct {
	of    *secretSessions // nil: the rights of such callers never end
	index int             // in of.members; guarded by the mutex of sessions
	ended func(error)
}

// Session begins a session of a caller. When its rights end, ended is called once, with
// [auth.ErrRevoked], [auth.ErrExpired] or [auth.ErrChanged], with [auth.ErrNoToken] when the server
// was closed for an anonymous caller, or with an error of kind [fault.Unavailable] when this node
// has not reached the event store for longer than Options.MaxRightsAge. [Session.Err] has the
// reason as soon as this node has applied what ends the rights; ended is called right after that,
// and must not block. Rights change when the caller may read other names; what it may write is
// decided for each write. Session.End must be called.
//
// The error is [auth.ErrNotValid] when the caller's secret is not in force, or of kind
// [fault.Unavailable].
func (s *Store) Session(caller auth.Caller, ended func(error)) (*Session, error) {
	g, caller, err := s.readyFor(caller)
	if err != nil {
		return nil, err
	}
	return s.sessions.begin(g, caller, ended)
}

// Err returns why the rights have ended, nil while they have not.
func (s *Session) Err() error {
	if s.of == nil {
		return nil
	}
	if reason := s.of.reason.Load(); reason != nil {
		return *reason
	}
	return nil
}

// End ends the session: ended is not called any more, unless the rights have ended already. It may
// be called several times.
func (s *Session) End() {
	if s.of != nil {
		s.of.all.end(s)
	}
}

// sessions are those of all callers of a store, by token and secret. One goroutine, run, ends them,
// however many end at once, and looks at one heap for those that expire. So events of configs cost
// nothing here, and one of a token costs what that token's secrets have.
type sessions struct {
	store *Store
	woken chan struct{} // holds an element when run must look

	mu      sync.Mutex                                   // guards what is below
	byToken map[string]map[auth.PublicID]*secretSessions // :: name of a token, "" for anonymous callers → its secrets
	expire  expiries
	ending  []*secretSessions // their rights have ended, and their members do not know yet
}

// secretSessions are the sessions of callers with one secret, or of all anonymous callers.
type secretSessions struct {
	all    *sessions
	reason atomic.Pointer[error] // why the rights have ended; nil: they have not

	// Guarded by the mutex of sessions. When reason is set, members does not change any more.
	rights  rights
	due     int // its index in sessions.expire; -1: it is not there
	members []*Session
}

func newSessions(s *Store) *sessions {
	return &sessions{store: s, woken: make(chan struct{}, 1), byToken: make(map[string]map[auth.PublicID]*secretSessions)}
}

// begin begins a session of a caller that has its grants of a recent view of a generation.
func (s *sessions) begin(g *generation, caller auth.Caller, ended func(error)) (*Session, error) {
	if caller.Secret == "" && !caller.IsAnonymous() {
		return &Session{ended: ended}, nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	of := s.byToken[caller.Name][caller.Secret]
	if of != nil && s.check(g, of) {
		of = nil
	}
	if of == nil {
		// The caller is looked up once more: an event that is applied after that finds the session.
		caller, err := g.present(caller)
		if err != nil {
			return nil, err
		}
		of = s.add(caller)
	}
	session := &Session{of: of, index: len(of.members), ended: ended}
	of.members = append(of.members, session)
	return session, nil
}

// add makes the sessions of a secret, which has none yet. It needs s.mu.
func (s *sessions) add(caller auth.Caller) *secretSessions {
	of := &secretSessions{all: s, rights: newRights(caller), due: -1}
	secrets := s.byToken[caller.Name]
	if secrets == nil {
		secrets = make(map[auth.PublicID]*secretSessions)
		s.byToken[caller.Name] = secrets
	}
	secrets[caller.Secret] = of
	s.schedule(of)
	s.wake()
	return of
}

// schedule puts the end of a secret into the heap, or moves it there. It needs s.mu.
func (s *sessions) schedule(of *secretSessions) {
	switch never := of.rights.caller.ExpiresAt.IsZero(); {
	case of.due >= 0 && never:
		heap.Remove(&s.expire, of.due)
	case of.due >= 0:
		heap.Fix(&s.expire, of.due)
	case !never:
		heap.Push(&s.expire, of)
	}
}

func (s *sessions) end(session *Session) {
	s.mu.Lock()
	defer s.mu.Unlock()
	of := session.of
	if of.reason.Load() != nil || session.index < 0 {
		return
	}
	last := len(of.members) - 1
	of.members[session.index] = of.members[last]
	of.members[session.index].index = session.index
	of.members[last] = nil
	of.members, session.index = of.members[:last], -1
	if last == 0 {
		s.remove(of)
	}
}

// remove removes the sessions of a secret. It needs s.mu.
func (s *sessions) remove(of *secretSessions) {
	caller := of.rights.caller
	secrets := s.byToken[caller.Name]
	if delete(secrets, caller.Secret); len(secrets) == 0 {
		delete(s.byToken, caller.Name)
	}
	if of.due >= 0 {
		heap.Remove(&s.expire, of.due)
	}
}

// check ends the sessions of a secret if the rights have ended on the newest view. It reports
// whether they have. It needs s.mu.
func (s *sessions) check(g *generation, of *secretSessions) (over bool) {
	before := of.rights.caller.ExpiresAt
	if reason := of.rights.check(g, g.view()); reason != nil {
		s.remove(of)
		of.reason.Store(&reason)
		s.ending = append(s.ending, of)
		s.wake()
		return true
	}
	if !of.rights.caller.ExpiresAt.Equal(before) {
		s.schedule(of)
	}
	return false
}

// applied ends the sessions whose rights end with events that are applied, and not published yet.
// While the history is read anew, tokens are as they were in the past: checkAll comes after that.
func (s *sessions) applied(g *generation, revisions []*eventstore.Revision) {
	for _, r := range revisions {
		if r.Stream == nil || g.err() != nil {
			continue
		}
		if event, is := r.Stream.Content.(auth.TokenEvent); is {
			s.checkToken(g, event.Token.Name.String())
		}
	}
}

// checkToken checks the sessions of a token, and those of anonymous callers, for which its first
// event may have closed the server.
func (s *sessions) checkToken(g *generation, name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, of := range s.byToken[name] {
		s.check(g, of)
	}
	for _, of := range s.byToken[""] {
		s.check(g, of)
	}
}

// appliedAll checks all sessions after a history was applied as a whole.
func (s *sessions) appliedAll(g *generation) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.checkAll(g)
}

// checkAll checks all sessions. It needs s.mu.
func (s *sessions) checkAll(g *generation) {
	for _, secrets := range s.byToken {
		for _, of := range secrets {
			s.check(g, of)
		}
	}
}

func (s *sessions) wake() {
	select {
	case s.woken <- struct{}{}:
	default:
	}
}

// lookInterval is the longest time between two looks at the heap while it is not empty: clocks are
// set, and stand still while a machine is suspended.
const lookInterval = time.Second

// run ends sessions until ctx ends.
func (s *sessions) run(ctx context.Context) {
	timer := time.NewTimer(lookInterval)
	defer timer.Stop()
	for {
		ending, next := s.look()
		for _, of := range ending {
			of.end()
		}
		timer.Stop()
		if next > 0 {
			timer.Reset(next)
		}
		select {
		case <-s.woken:
		case <-timer.C:
		case <-ctx.Done():
			return
		}
	}
}

// end lets the members know. Sessions begin no more goroutines than their functions do, one after
// the other.
func (of *secretSessions) end() {
	for _, session := range of.members {
		session.ended(session.Err())
	}
}

// look returns what has ended, and after how long to look again. 0: when woken.
func (s *sessions) look() (ending []*secretSessions, next time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	const least = time.Millisecond // the clocks of timers and of days differ
	g := s.store.generation.Load()
	for len(s.expire) > 0 {
		if left := s.expire[0].rights.caller.ExpiresAt.Sub(s.store.opts.Now()); left > 0 {
			next = min(max(left, least), lookInterval)
			break
		}
		s.check(g, s.expire[0]) // which takes it out of the heap
	}
	if longest := s.store.opts.MaxRightsAge; longest > 0 && len(s.byToken) > 0 {
		left := longest - g.rightsAge()
		if left < 0 {
			s.checkAll(g)
			left = lookInterval
		}
		next = min(cmp.Or(next, lookInterval), max(left, least))
	}
	ending, s.ending = s.ending, nil
	return ending, next
}

// expiries is a heap of sessions by when their rights end by themselves.
type expiries []*secretSessions

func (e expiries) Len() int { return len(e) }

func (e expiries) Less(i, j int) bool {
	return e[i].rights.caller.ExpiresAt.Before(e[j].rights.caller.ExpiresAt)
}

func (e expiries) Swap(i, j int) {
	e[i], e[j] = e[j], e[i]
	e[i].due, e[j].due = i, j
}

// Push is for package heap.
func (e *expiries) Push(of any) {
	last := of.(*secretSessions)
	last.due = len(*e)
	*e = append(*e, last)
}

// Pop is for package heap.
func (e *expiries) Pop() any {
	last := (*e)[len(*e)-1]
	(*e)[len(*e)-1] = nil
	*e, last.due = (*e)[:len(*e)-1], -1
	return last
}
