package checker_test

import (
	"strings"
	"testing"
	"time"

	"configapi/test/faults/checker"
	"configapi/test/faults/history"
	"configapi/test/faults/record"
)

// failedOver returns the two epochs of a failover. The standby had position 2 when the primary,
// which had a third change, ended at 100 ms. Clients could write to the new primary from 90 ms on.
func failedOver(t *testing.T) []checker.Epoch {
	t.Helper()
	old, next := history.New(), history.New()
	for i, h := range []*history.History{old, next} {
		third := []string{"lost", "kept"}[i]
		for p, id := range []string{"one", "two", third} {
			e := history.Event{
				Seq: int64(p + 1), ChangeSet: int64(p + 1), Hash: hashOf(int64(p+1), id), Name: "n", Version: p + 1, Type: history.Set,
				Value: id + checker.Separator, At: time.Unix(int64(p+1), 0),
			}
			if err := h.Append(e); err != nil {
				t.Fatal(err)
			}
		}
	}
	return []checker.Epoch{
		{History: old, End: 100 * time.Millisecond},
		{History: next, Begin: 90 * time.Millisecond},
	}
}

func hashOf(position int64, id string) string {
	return strings.Repeat(string(rune('0'+position)), 4) + (id + "....")[:4]
}

// written returns a set that was acknowledged.
func written(id string, position int64, call, end time.Duration) *record.Write {
	return &record.Write{
		ID: id, Name: "n", Value: id + checker.Separator, Tries: 1, Outcome: record.Done, Version: int(position),
		Position: record.Position{Seq: position, Hash: hashOf(position, id)},
		Span:     record.Span{Call: call * time.Millisecond, Return: end * time.Millisecond}, Where: record.Where{Node: 1, Incarnation: 1},
	}
}

func readOf(id string, position int64, call, end time.Duration) *record.Read {
	return &record.Read{
		Name: "n", Found: true, Version: int(position), Value: id + checker.Separator, Position: record.Position{Seq: position, Hash: hashOf(position, id)},
		Span: record.Span{Call: call * time.Millisecond, Return: end * time.Millisecond}, Where: record.Where{Node: 1, Incarnation: 1}, Client: 7,
	}
}

func allWritten() []*record.Write {
	return []*record.Write{written("one", 1, 10, 20), written("two", 2, 30, 40), written("lost", 3, 50, 60), written("kept", 3, 150, 160)}
}

func TestRightEpochs(t *testing.T) {
	epochs := failedOver(t)
	again := written("kept", 3, 80, 160) // sent to both primaries
	for what, seen := range map[string]checker.Seen{
		"a lost tail":             {Writes: allWritten()},
		"reads of each":           {Writes: allWritten(), Reads: []*record.Read{readOf("lost", 3, 65, 70), readOf("two", 2, 120, 130), readOf("kept", 3, 170, 180)}},
		"a read under way":        {Writes: allWritten(), Reads: []*record.Read{readOf("lost", 3, 65, 70), readOf("two", 2, 95, 110)}},
		"an answer after the end": {Writes: allWritten(), Reads: []*record.Read{readOf("lost", 3, 110, 120)}},
		"made on the newer":       {Writes: append(allWritten()[:3:3], again)},
		"an ended stream":         {Writes: allWritten(), Streams: []*record.Stream{{Name: "s", Prefix: "n", After: &record.Position{Seq: 3, Hash: hashOf(3, "lost")}, Refused: true}}},
		"a history of either":     {Writes: allWritten(), Reads: []*record.Read{historyOf("lost"), historyOf("kept")}},
	} {
		v := checker.CheckEpochs(epochs, seen, time.Second)
		if len(v.Findings) > 0 || v.Losses > 0 || len(v.Undecided) > 0 {
			t.Errorf("%s: got %+v, want nothing", what, v)
		}
	}
	if left := checker.LeftBehind(epochs, allWritten()); len(left) != 1 || left[0].ID != "lost" {
		t.Errorf("writes left behind: got %v, want one", left)
	}
	if first, ok := checker.FirstAcknowledgement(epochs[0], epochs[1], allWritten()); !ok || first != 70*time.Millisecond {
		t.Errorf("the first acknowledgement: got %v, %t, want 70ms", first, ok)
	}
}

// historyOf returns a read of all changes of the config. The argument selects the third change.
func historyOf(third string) *record.Read {
	r := readOf(third, 3, 170, 180)
	if third == "lost" {
		r.Span = record.Span{Call: 62 * time.Millisecond, Return: 64 * time.Millisecond}
	}
	r.Past = true
	for i, id := range []string{"one", "two", third} {
		p := int64(i + 1)
		r.History = append(r.History, record.Revision{
			Position: record.Position{Seq: p, Hash: hashOf(p, id)}, Version: i + 1, Type: history.Set, Value: id + checker.Separator,
		})
	}
	return r
}

func TestWrongEpochs(t *testing.T) {
	epochs := failedOver(t)
	mixed := historyOf("kept")
	mixed.Position.Hash = hashOf(3, "lost")
	stale := readOf("lost", 3, 165, 170)
	stale.Linearizable = true
	stuck := readOf("lost", 3, 200, 210)
	stuck.Final = true
	message := func(id string, p int64) record.Message {
		at := record.Position{Seq: p, Hash: hashOf(p, id)}
		return record.Message{Position: at, Changes: []record.Change{{Position: at, ChangeSet: p, Name: "n", Version: int(p), Operation: "UPDATED", Value: id + checker.Separator}}}
	}
	two := &record.Position{Seq: 2, Hash: hashOf(2, "two")}
	for what, test := range map[string]struct {
		seen checker.Seen
		want string
	}{
		"a write in no epoch":      {checker.Seen{Writes: append(allWritten(), written("gone", 4, 170, 180))}, "lost: gone"},
		"a mixed history":          {checker.Seen{Writes: allWritten(), Reads: []*record.Read{mixed}}, "where the history has"},
		"a read that goes back":    {checker.Seen{Writes: allWritten(), Reads: []*record.Read{readOf("kept", 3, 165, 170), readOf("lost", 3, 180, 190)}}, "goes back to a history"},
		"a write that goes back":   {checker.Seen{Writes: append(allWritten()[:2:2], written("kept", 3, 92, 93), written("lost", 3, 95, 99))}, "goes back to a history"},
		"a linearizable old read":  {checker.Seen{Writes: allWritten(), Reads: []*record.Read{stale}}, "after that history had ended"},
		"a node that stays behind": {checker.Seen{Writes: allWritten(), Reads: []*record.Read{stuck}}, "has the hash"},
		"a mixed stream": {checker.Seen{Writes: allWritten(), Streams: []*record.Stream{
			{Name: "s", Prefix: "n", After: two, Messages: []record.Message{message("lost", 3), message("kept", 3)}},
		}}, "every stream equals"},
		"a position refused for nothing": {checker.Seen{Writes: allWritten(), Streams: []*record.Stream{
			{Name: "s", Prefix: "n", After: two, Refused: true},
		}}, "is known as long as it is in the history"},
	} {
		v := checker.CheckEpochs(epochs, test.seen, time.Second)
		text := ""
		for _, f := range v.Findings {
			text += f.String() + "\n"
		}
		if !strings.Contains(text, test.want) {
			t.Errorf("%s: got %q, want it to say %q", what, text, test.want)
		}
	}
}
