package rights

import (
	"fmt"
	"slices"
	"time"

	"configapi/test/faults/checker"
	"configapi/test/faults/history"
)

// The reasons why a stream may end.
const (
	revoked = "revoked"
	expired = "expired"
	changed = "changed"
	closed  = "closed" // the first token has closed the server for anonymous callers
	refused = "refused"
)

// The promises about one stream.
const (
	inScope    = "a caller gets nothing outside of its scope"
	notAfter   = "a caller gets nothing from the end of its rights on"
	complete   = "a stream has all changes of its scope, once, in order"
	goesOn     = "a stream goes on as long as its rights"
	ends       = "a stream ends with its rights"
	endsInForm = "a websocket is closed with 4403, and an event stream ends with an error event"
)

// Change is a change that a stream received.
type Change struct {
	Seq  int64
	Name string
}

// Message is a message of a stream. Its position is that of all that the stream has sent by then.
type Message struct {
	Changes  []Change
	Position int64
}

// End is how a stream ended.
type End struct {
	At     time.Time
	Reason string // one of the reasons; "": the connection broke, or ended in another way
	InForm bool   // in the way that belongs to the stream's edge
	Text   string // what the server said
}

// Seen is what one stream has received, and what it should have.
type Seen struct {
	Name  string
	Scope []string // the prefixes that its caller may read
	After int64    // the seq after which it began

	Messages []Message
	End      *End // nil: it goes on

	// Want is the reason with which it must end; "": it must go on.
	Want string
	// Until is the seq of the event that ended its rights; 0: none did.
	Until int64
	// Expires is when its rights ended by themselves; the zero time: they did not.
	Expires time.Time
}

// check returns the promises that were broken to a stream. h is the whole history, up to a change
// that each stream that goes on has waited for.
func check(h *history.History, s Seen) []checker.Finding {
	for _, found := range []*checker.Finding{s.checkScope(), s.checkUntil(h), s.checkComplete(h), s.checkEnd()} {
		if found != nil {
			return []checker.Finding{*found} // the others follow from it
		}
	}
	return nil
}

func (s *Seen) broken(promise, format string, args ...any) *checker.Finding {
	return &checker.Finding{Promise: promise, Text: s.Name + ": " + fmt.Sprintf(format, args...)}
}

// selects reports whether the caller may read a name.
func (s *Seen) selects(name string) bool {
	return slices.ContainsFunc(s.Scope, func(prefix string) bool { return history.Selects(prefix, name) })
}

func (s *Seen) checkScope() *checker.Finding {
	for _, c := range s.changes() {
		if !s.selects(c.Name) {
			return s.broken(inScope, "it got seq %d of %q, and may read %q", c.Seq, c.Name, s.Scope)
		}
	}
	return nil
}

// checkUntil checks that nothing was sent that the node applied with the end of the rights or
// later.
func (s *Seen) checkUntil(h *history.History) *checker.Finding {
	for _, m := range s.Messages {
		if s.Until > 0 && m.Position >= s.Until {
			return s.broken(notAfter, "it got a message at %d, and its rights ended at %d", m.Position, s.Until)
		}
		for _, c := range m.Changes {
			e := h.Event(c.Seq)
			if e == nil || e.Name != c.Name {
				return s.broken(complete, "it got seq %d of %q, which is not in the history", c.Seq, c.Name)
			}
			if s.Until > 0 && c.Seq >= s.Until {
				return s.broken(notAfter, "it got seq %d, and its rights ended at %d", c.Seq, s.Until)
			}
			if !s.Expires.IsZero() && e.At.After(s.Expires) {
				return s.broken(notAfter, "it got seq %d of %v, and its rights ended at %v", c.Seq, e.At, s.Expires)
			}
		}
	}
	return nil
}

// checkComplete compares what was received with the history: a stream that ended may lack the last
// changes.
func (s *Seen) checkComplete(h *history.History) *checker.Finding {
	got := s.changes()
	expected := s.expected(h)
	for i, c := range got {
		if i >= len(expected) || expected[i] != c {
			return s.broken(complete, "change %d after seq %d is %v, want %v", i, s.After, c, expected[min(i, len(expected)):min(i+1, len(expected))])
		}
	}
	if s.End == nil && len(got) < len(expected) {
		return s.broken(complete, "it got %d of %d changes, and lacks %v", len(got), len(expected), expected[len(got)])
	}
	return nil
}

// expected are the changes of the scope, after the beginning of the stream.
func (s *Seen) expected(h *history.History) (expected []Change) {
	for _, e := range h.Between(s.After, h.Head(), "") {
		if s.selects(e.Name) {
			expected = append(expected, Change{e.Seq, e.Name})
		}
	}
	return expected
}

func (s *Seen) checkEnd() *checker.Finding {
	switch {
	case s.Want == "" && s.End != nil:
		return s.broken(goesOn, "it ended: %q", s.End.Text)
	case s.Want != "" && s.End == nil:
		return s.broken(ends, "it goes on, and should be %s", s.Want)
	case s.Want != "" && s.End.Reason != s.Want:
		return s.broken(ends, "it ended with %q, and should be %s", s.End.Text, s.Want)
	case s.Want != "" && !s.End.InForm:
		return s.broken(endsInForm, "it ended with %q", s.End.Text)
	}
	return nil
}

func (s *Seen) changes() (all []Change) {
	for _, m := range s.Messages {
		all = append(all, m.Changes...)
	}
	return all
}
