package checker_test

import (
	"slices"
	"testing"
	"time"

	"configapi/test/faults/checker"
	"configapi/test/faults/history"
	"configapi/test/faults/record"
)

// story is a history and what clients have seen of it. It begins without a mistake; each test
// changes one thing.
type story struct {
	events []history.Event
	seen   checker.Seen
}

// at is the position of the n-th event of all stories.
func at(n int64) record.Position { return record.Position{Seq: n, Hash: hash(n)} }

func hash(n int64) string { return "abcdef0" + string(rune('0'+n)) }

// write returns an acknowledged write, from call to call + 10.
func write(id string, kind record.Kind, name string, version int, seq int64, call time.Duration) *record.Write {
	w := &record.Write{
		ID: id, Kind: kind, Name: name, Version: version, Position: at(seq), Outcome: record.Done,
		Span: record.Span{Call: call, Return: call + 10}, Where: record.Where{Node: 0, Incarnation: 1},
	}
	if kind != record.Delete {
		w.Value = id + checker.Separator
	}
	return w
}

func expecting(version int, w *record.Write) *record.Write {
	w.Expected = &version
	return w
}

// refusal makes a write one that a rule forbids.
func refusal(reason record.Refusal, version int, w *record.Write) *record.Write {
	w.Outcome, w.Refusal, w.Version, w.Position = record.Refused, reason, version, record.Position{}
	return w
}

// open makes the outcome of a write unknown.
func open(w *record.Write) *record.Write {
	w.Outcome, w.Version, w.Position = record.Unknown, 0, record.Position{}
	return w
}

// event returns the event of a write.
func event(seq int64, w *record.Write, version int) history.Event {
	e := history.Event{
		Seq: seq, ChangeSet: seq, Hash: hash(seq), Name: w.Name, Version: version, Value: w.Value,
		Type: [...]string{history.Set, history.Deleted, history.Restored}[w.Kind], Reason: w.ID, At: time.UnixMicro(seq),
	}
	return e
}

// soundStory returns a story of five events: a set, a set of another name, a conditional set, a
// deletion, and a restore of unknown outcome.
func soundStory() *story {
	a1 := write("w1", record.Set, "r/a", 1, 1, 0)
	b1 := write("w2", record.Set, "r/b", 1, 2, 20)
	a2 := expecting(1, write("w3", record.Set, "r/a", 2, 3, 40))
	a3 := write("w4", record.Delete, "r/a", 3, 4, 60)
	a4 := open(write("w5", record.Restore, "r/a", 4, 5, 80))
	conflicting := expecting(1, refusal(record.Conflict, 2, write("w6", record.Set, "r/a", 0, 0, 45)))
	gone := refusal(record.Gone, 0, write("w7", record.Set, "r/a", 0, 0, 72))
	never := open(write("w8", record.Set, "r/a", 0, 0, 30))
	s := &story{events: []history.Event{
		event(1, a1, 1), event(2, b1, 1), event(3, a2, 2), event(4, a3, 3), event(5, a4, 4),
	}}
	s.seen.Writes = []*record.Write{a1, b1, a2, a3, a4, conflicting, gone, never}
	s.seen.Reads = []*record.Read{
		{Span: record.Span{Call: 31, Return: 33}, Where: record.Where{Node: 0, Incarnation: 1}, Name: "r/a", Found: true, Version: 1, Value: a1.Value, Position: at(2)},
		{Span: record.Span{Call: 55, Return: 57}, Where: record.Where{Node: 1, Incarnation: 1}, Name: "r/a", Found: true, Version: 2, Value: a2.Value, Position: at(3), Linearizable: true},
		{Span: record.Span{Call: 75, Return: 77}, Where: record.Where{Node: 1, Incarnation: 1}, Prefix: "r", Values: map[string]string{"r/b": b1.Value}, Position: at(4), AtLeast: 4},
		{Span: record.Span{Call: 75, Return: 77}, Where: record.Where{Node: 2, Incarnation: 1}, Client: 1, Name: "r/b", Position: record.Position{Hash: "00000000"}},
	}
	s.seen.Streams = []*record.Stream{
		{Name: "all", Prefix: "r", After: &record.Position{Hash: "00000000"}, Messages: []record.Message{
			{Changes: []record.Change{change(s.events[0], "CREATED"), change(s.events[1], "CREATED")}, Position: at(2)},
			{Position: at(2)},
			{Changes: []record.Change{change(s.events[2], "UPDATED")}, Position: at(3)},
			{Changes: []record.Change{change(s.events[3], "DELETED"), change(s.events[4], "RESTORED")}, Position: at(5)},
		}},
		{Name: "b, from where it was", Prefix: "r/b", Messages: []record.Message{{Position: at(1)}, {Changes: []record.Change{change(s.events[1], "CREATED")}, Position: at(3)}}},
	}
	return s
}

func change(e history.Event, operation string) record.Change {
	return record.Change{
		Position: record.Position{Seq: e.Seq, Hash: e.Hash}, ChangeSet: e.ChangeSet,
		Name: e.Name, Version: e.Version, Operation: operation, Value: e.Value,
	}
}

func (s *story) check(t *testing.T) checker.Verdict {
	t.Helper()
	h := history.New()
	for _, e := range s.events {
		if err := h.Append(e); err != nil {
			t.Fatal(err)
		}
	}
	return checker.Check(h, s.seen, time.Minute)
}

func TestSoundStoryIsAccepted(t *testing.T) {
	if v := soundStory().check(t); len(v.Findings) > 0 || v.Losses > 0 || len(v.Undecided) > 0 {
		t.Errorf("got %+v, want nothing", v)
	}
}

// The promises, as findings name them.
const (
	exact    = "acknowledged ⊆ history ⊆ acknowledged ∪ unknown"
	once     = "exactly one effect"
	sets     = "change sets are atomic"
	ordered  = "one order over the whole store"
	replayed = "every read equals the replay at its position"
	fresh    = "no read is older than was asked for"
	forward  = "positions never go back on one server"
	streamed = "every stream equals the filtered history, once, in order"
	linear   = "writes of one name are linearizable"
)

func TestBrokenPromisesAreFound(t *testing.T) {
	for what, test := range map[string]struct {
		promise string
		spoil   func(s *story)
	}{
		"an acknowledged write is lost":           {exact, func(s *story) { s.events = s.events[:3] }},
		"a refused write is there":                {exact, func(s *story) { refusal(record.Conflict, 9, s.seen.Writes[2]) }},
		"a write that was not written is there":   {exact, func(s *story) { s.seen.Writes[2].Outcome = record.NotWritten }},
		"an event without a write":                {exact, func(s *story) { s.seen.Writes = s.seen.Writes[1:] }},
		"it was acknowledged with another value":  {exact, func(s *story) { s.seen.Writes[1].Value = "w2|other" }},
		"it was acknowledged as another version":  {exact, func(s *story) { s.seen.Writes[1].Version = 2 }},
		"it was acknowledged at another position": {exact, func(s *story) { s.seen.Writes[1].Position = at(1) }},
		"it was acknowledged with another hash":   {exact, func(s *story) { s.seen.Writes[1].Position.Hash = "00000000" }},
		"a write has two effects":                 {once, func(s *story) { s.events[2].Reason, s.seen.Writes[2].ID = "w1", "w1" }},
		"half of a set is missing":                {sets, func(s *story) { s.seen.Writes[0].Set, s.seen.Writes[7].Set = "set", "set" }},
		"a set was taken apart":                   {sets, func(s *story) { s.seen.Writes[0].Set, s.seen.Writes[1].Set = "set", "set" }},
		"a write that was alone is in a set":      {sets, func(s *story) { s.events[3].ChangeSet = 5 }},
		"a write is before one that had ended":    {ordered, func(s *story) { s.seen.Writes[0].Span = record.Span{Call: 41, Return: 50} }},
		"an unknown write was made before its call": {ordered, func(s *story) {
			open(s.seen.Writes[0])
			s.seen.Writes[0].Call = 70
		}},
		"a read has another value":         {replayed, func(s *story) { s.seen.Reads[0].Value = "other" }},
		"a read has another version":       {replayed, func(s *story) { s.seen.Reads[0].Version = 2 }},
		"a read finds nothing":             {replayed, func(s *story) { s.seen.Reads[0].Found = false }},
		"a read finds what is deleted":     {replayed, func(s *story) { s.seen.Reads[1].Position = at(4) }},
		"a read is of no position":         {replayed, func(s *story) { s.seen.Reads[0].Position = record.Position{Seq: 9, Hash: hash(9)} }},
		"a read is of another history":     {replayed, func(s *story) { s.seen.Reads[0].Position.Hash = "11111111" }},
		"a read is in the middle of a set": {replayed, func(s *story) { s.events[1].ChangeSet = 3 }},
		"a list leaves a config out":       {replayed, func(s *story) { clear(s.seen.Reads[2].Values) }},
		"a list has a config too many":     {replayed, func(s *story) { s.seen.Reads[2].Values["r/a"] = "w1|" }},
		"a read is older than asked for":   {fresh, func(s *story) { s.seen.Reads[2].AtLeast = 5 }},
		"a linearizable read is stale":     {fresh, func(s *story) { s.seen.Reads[0].Linearizable, s.seen.Reads[0].Call = true, 51 }},
		"positions go back": {forward, func(s *story) {
			s.seen.Reads[3].Where, s.seen.Reads[3].Client = record.Where{Node: 0, Incarnation: 1}, 0
		}},
		"a stream leaves a change out":     {streamed, func(s *story) { drop(s, 0, 1) }},
		"a stream has no progress left":    {streamed, func(s *story) { s.seen.Streams[1].Messages = nil }},
		"a stream repeats a change":        {streamed, func(s *story) { again(s, 2, 0) }},
		"a stream goes back":               {streamed, func(s *story) { s.seen.Streams[0].Messages[1].Position = at(1) }},
		"a stream ends too early":          {streamed, func(s *story) { s.seen.Streams[0].Messages = s.seen.Streams[0].Messages[:3] }},
		"a stream has changes that others": {streamed, func(s *story) { s.seen.Streams[0].Messages[0].Changes[0].Name = "r/c" }},
		"a stream says another operation":  {streamed, func(s *story) { s.seen.Streams[0].Messages[2].Changes[0].Operation = "CREATED" }},
		"a stream changes the order": {streamed, func(s *story) {
			c := s.seen.Streams[0].Messages[0].Changes
			c[0], c[1] = c[1], c[0]
		}},
		"a stream was refused its position":         {streamed, func(s *story) { s.seen.Streams[0].Faults = []string{"POSITION_UNKNOWN"} }},
		"two expected the same version":             {linear, func(s *story) { expecting(1, s.seen.Writes[3]) }},
		"a conflict with the version that there is": {linear, func(s *story) { expecting(2, s.seen.Writes[5]) }},
		"a conflict with a version that never was":  {linear, func(s *story) { s.seen.Writes[5].Version = 7 }},
		"refused as deleted long before":            {linear, func(s *story) { s.seen.Writes[6].Span = record.Span{Call: 1, Return: 2} }},
		"refused as missing although it is there":   {linear, func(s *story) { s.seen.Writes[6].Refusal = record.NotFound }},
		"a linearizable read of what is not yet": {linear, func(s *story) {
			s.seen.Reads[1].Span = record.Span{Call: 35, Return: 36}
		}},
	} {
		s := soundStory()
		test.spoil(s)
		if v := s.check(t); !promises(v, test.promise) {
			t.Errorf("%s: got %v, want %q to be broken", what, v.Findings, test.promise)
		}
	}
}

func promises(v checker.Verdict, promise string) bool {
	for _, f := range v.Findings {
		if f.Promise == promise {
			return true
		}
	}
	return false
}

// drop removes a change from a message of the first stream.
func drop(s *story, message, n int) {
	m := &s.seen.Streams[0].Messages[message]
	m.Changes = append(m.Changes[:n:n], m.Changes[n+1:]...)
}

// again repeats a change of the first message in another message of the first stream.
func again(s *story, message, n int) {
	m := &s.seen.Streams[0].Messages[message]
	m.Changes = append([]record.Change{s.seen.Streams[0].Messages[0].Changes[n]}, m.Changes...)
}

func TestLossesAreCounted(t *testing.T) {
	s := soundStory()
	s.events = s.events[:2]
	if v := s.check(t); v.Losses != 2 {
		t.Errorf("got %d losses, want 2", v.Losses)
	}
}

func TestWholeSetIsAccepted(t *testing.T) {
	s := soundStory()
	s.events[0].ChangeSet = 2
	s.seen.Writes[0].Set, s.seen.Writes[1].Set = "set", "set"
	s.seen.Writes[1].Span = s.seen.Writes[0].Span
	s.seen.Streams[0].Messages[0].Changes[0].ChangeSet = 2
	s.seen.Streams[1].Messages[0].Position = record.Position{Hash: "00000000"}
	if v := s.check(t); len(v.Findings) > 0 {
		t.Errorf("got %v, want nothing", v.Findings)
	}
}

// A name that was not decided in time must be reported: it proves nothing.
func TestUndecidedNamesAreReported(t *testing.T) {
	s := &story{}
	for i := range 60 { // all concurrent; no order explains half of the answers
		w := expecting(9, refusal(record.Conflict, i%2, write("w", record.Set, "r/a", 0, 0, 0)))
		s.seen.Writes = append(s.seen.Writes, w)
	}
	if v := checker.Check(history.New(), s.seen, 0); !slices.Equal(v.Undecided, []string{"r/a"}) {
		t.Errorf("got %+v, want r/a to be undecided", v)
	}
}
