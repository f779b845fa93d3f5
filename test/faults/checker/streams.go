package checker

import (
	"fmt"

	"configapi/test/faults/history"
	"configapi/test/faults/record"
)

// streams checks that each stream equals the filtered history: every change once, in order, with no
// change set split, up to the end.
func streams(h *history.History, seen Seen) []Finding {
	found := findings{promise: "every stream equals the filtered history, once, in order"}
	for _, s := range seen.Streams {
		for _, fault := range s.Faults {
			found.add("%s: %s", s.Name, fault)
		}
		if problem := stream(h, s); problem != "" {
			found.add("%s: %s", s.Name, problem)
		}
	}
	return found.all()
}

// stream describes what is wrong with one stream. It returns "" when it is right.
func stream(h *history.History, s *record.Stream) string {
	if len(s.Messages) == 0 && s.Refused {
		return ""
	}
	if len(s.Messages) == 0 {
		return "it has got no message"
	}
	at := begin(s)
	for i, m := range s.Messages {
		if problem := badPosition(h, m.Position); problem != "" {
			return fmt.Sprintf("message %d: %s", i, problem)
		}
		if m.Position.Seq < at {
			return fmt.Sprintf("message %d goes back from seq %d to %s", i, at, m.Position)
		}
		want := h.Between(at, m.Position.Seq, s.Prefix)
		for j := range max(len(want), len(m.Changes)) {
			switch {
			case j >= len(m.Changes):
				return fmt.Sprintf("message %d, from seq %d to %s, leaves out seq %d", i, at, m.Position, want[j].Seq)
			case j >= len(want):
				return fmt.Sprintf("message %d, from seq %d to %s, has %+v too many", i, at, m.Position, m.Changes[j])
			case !same(want[j], m.Changes[j]):
				return fmt.Sprintf("message %d, from seq %d to %s, has %+v where the history has %+v", i, at, m.Position, m.Changes[j], *want[j])
			}
		}
		at = m.Position.Seq
	}
	if s.Refused {
		return "" // another stream continues this one
	}
	if missed := h.Between(at, h.Head(), s.Prefix); len(missed) > 0 {
		return fmt.Sprintf("it ends at seq %d and misses %d changes, the first at seq %d", at, len(missed), missed[0].Seq)
	}
	return ""
}

// begin returns the seq after which a stream began.
func begin(s *record.Stream) int64 {
	first := s.Messages[0]
	switch {
	case s.After != nil:
		return s.After.Seq
	case len(first.Changes) > 0:
		return first.Changes[0].Position.Seq - 1
	}
	return first.Position.Seq
}

func same(e *history.Event, c record.Change) bool {
	operation := map[string]string{history.Deleted: "DELETED", history.Restored: "RESTORED", history.Set: "UPDATED"}[e.Type]
	if e.Version == 1 {
		operation = "CREATED"
	}
	return c.Position == record.Position{Seq: e.Seq, Hash: e.Hash} && c.ChangeSet == e.ChangeSet &&
		c.Name == e.Name && c.Version == e.Version && c.Value == e.Value && c.Operation == operation
}
