package audit

import (
	"sync"
	"time"
)

const (
	// linesPerSecond is how many of the events of each second have a line, and of the others one in
	// sampled has one.
	linesPerSecond = 10
	sampled        = 1000
)

// Sample decides which of the events that anyone can cause have a log line: the first 10 of each
// second, and of the others each thousandth. The zero value is ready to use. It is safe for
// concurrent use.
type Sample struct {
	mu      sync.Mutex // guards the following
	second  time.Time  // the beginning of the present second
	inIt    int        // events in this second
	leftOut int        // events without a line, since the last line
}

// Next counts one more event, and reports whether it has a line. leftOut is how many before it have
// none, since the last one that has; 0 when this one has none.
func (s *Sample) Next() (leftOut int, has bool) {
	now := time.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	if now.Sub(s.second) >= time.Second {
		s.second, s.inIt = now, 0
	}
	if s.inIt++; s.inIt > linesPerSecond && s.inIt%sampled != 0 {
		s.leftOut++
		return 0, false
	}
	leftOut, s.leftOut = s.leftOut, 0
	return leftOut, true
}

// leaveOut counts events whose lines were dropped.
func (s *Sample) leaveOut(events int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.leftOut += events
}

// takeLeftOut returns how many events have no line, since the last one that has, and forgets them.
func (s *Sample) takeLeftOut() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	leftOut := s.leftOut
	s.leftOut = 0
	return leftOut
}
