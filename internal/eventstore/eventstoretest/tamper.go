package eventstoretest

import (
	"errors"
	"slices"
	"testing"
	"time"

	"configapi/internal/eventstore"
)

// tampering is a change to a history of ten records that its store does not know of.
type tampering struct {
	name   string
	change func(records []eventstore.Record) []eventstore.Record
	found  eventstore.Seq // the seq at which the chain breaks
}

func edit(place eventstore.Seq, field string, change func(*eventstore.Record)) tampering {
	return tampering{"an edited " + field, func(records []eventstore.Record) []eventstore.Record {
		change(&records[place-1])
		return records
	}, place}
}

var tamperings = []tampering{
	edit(4, "name", func(r *eventstore.Record) { r.Name = "other" }),
	edit(4, "version", func(r *eventstore.Record) { r.Version = 99 }),
	edit(4, "type", func(r *eventstore.Record) { r.Type += "s" }),
	edit(4, "schema version", func(r *eventstore.Record) { r.SchemaVersion++ }),
	edit(4, "data", func(r *eventstore.Record) { r.Data += " " }),
	edit(1, "data at the start", func(r *eventstore.Record) { r.Data = "{}" }),
	edit(10, "data at the end", func(r *eventstore.Record) { r.Data = "{}" }),
	edit(4, "actor that was null", func(r *eventstore.Record) { r.Actor = new(string) }),
	edit(5, "actor that was empty", func(r *eventstore.Record) { r.Actor = nil }),
	edit(4, "reason that was null", func(r *eventstore.Record) { r.Reason = new(string) }),
	edit(5, "reason that was empty", func(r *eventstore.Record) { r.Reason = nil }),
	edit(4, "time", func(r *eventstore.Record) { r.RecordedAt = r.RecordedAt.Add(-time.Microsecond) }),
	edit(10, "time at the end", func(r *eventstore.Record) { r.RecordedAt = r.RecordedAt.Add(time.Microsecond) }),
	edit(4, "append id", func(r *eventstore.Record) { r.AppendID[15]++ }),
	edit(4, "change set", func(r *eventstore.Record) { r.ChangeSet++ }),
	edit(4, "reverts that was null", func(r *eventstore.Record) { r.Reverts = new(eventstore.Position) }),
	edit(5, "reverts", func(r *eventstore.Record) { r.Reverts = &eventstore.Position{Seq: r.Reverts.Seq} }),
	edit(5, "reverts that became null", func(r *eventstore.Record) { r.Reverts = nil }),
	edit(4, "salt of who", func(r *eventstore.Record) { r.SaltWho[15]++ }),
	edit(4, "salt of what", func(r *eventstore.Record) { r.SaltWhat[15]++ }),
	edit(4, "digest", func(r *eventstore.Record) { r.What[31]++ }),
	edit(4, "hash", func(r *eventstore.Record) { r.Hash[31]++ }),
	{"a removed record", func(records []eventstore.Record) []eventstore.Record {
		return slices.Delete(records, 3, 4)
	}, 4},
	{"a removed record, and the gap closed", func(records []eventstore.Record) []eventstore.Record {
		return renumbered(slices.Delete(records, 3, 4))
	}, 4},
	{"an inserted record", func(records []eventstore.Record) []eventstore.Record {
		return renumbered(slices.Insert(records, 3, draft("inserted", 1)))
	}, 4},
	{"an appended record", func(records []eventstore.Record) []eventstore.Record {
		return renumbered(append(records, draft("appended", 1)))
	}, 11},
	{"two swapped records", func(records []eventstore.Record) []eventstore.Record {
		records[3], records[4] = records[4], records[3]
		return renumbered(records)
	}, 4},
	{"a record from another place in another's", func(records []eventstore.Record) []eventstore.Record {
		records[3].Data, records[7].Data = records[7].Data, records[3].Data
		return records
	}, 4},
	{"a cut tail", func(records []eventstore.Record) []eventstore.Record { return records[:8] }, 9},
	{"no records at all", func([]eventstore.Record) []eventstore.Record { return nil }, 1},
	{"a new chain over a time that stands still", func(records []eventstore.Record) []eventstore.Record {
		records[3].RecordedAt = records[2].RecordedAt
		return rechained(records)
	}, 4},
	{"a new chain that does not lead to the head", func(records []eventstore.Record) []eventstore.Record {
		records[3].Data = "{}"
		return rechained(records)
	}, 11},
}

func renumbered(records []eventstore.Record) []eventstore.Record {
	for i := range records {
		records[i].Seq = eventstore.Seq(i + 1)
	}
	return records
}

func rechained(records []eventstore.Record) []eventstore.Record {
	var chain eventstore.Chain
	var previous eventstore.Hash
	for i := range records {
		if !records[i].Erased {
			records[i].What = chain.What(&records[i])
		}
		records[i].Hash = chain.Hash(previous, &records[i])
		previous = records[i].Hash
	}
	return records
}

func tamperingLaws(rewrite Rewrite) []law {
	return []law{
		{"the chain shows that a history was changed", func(t *testing.T, open func() eventstore.Store) {
			findTampering(t, open(), rewrite)
		}},
		{"a known head shows that a history was forged", func(t *testing.T, open func() eventstore.Store) {
			noticeForgedHistory(t, open(), rewrite)
		}},
	}
}

func findTampering(t *testing.T, s eventstore.Store, rewrite Rewrite) {
	written := tenRecords(t, s)
	for _, tampering := range tamperings {
		t.Run(tampering.name, func(t *testing.T) {
			rewrite(t, s, written.head(), tampering.change(slices.Clone(written)))
			var broken *eventstore.ChainError
			if _, err := Verify(t.Context(), s); !errors.As(err, &broken) || broken.Seq != tampering.found {
				t.Errorf("got %v, want a break at seq %d", err, tampering.found)
			}
		})
	}
	rewrite(t, s, written.head(), written)
	mustHold(t, s, written)
}

// tenRecords writes a history that has a value in each field.
func tenRecords(t *testing.T, s eventstore.Store) model {
	t.Helper()
	w := newWriter(t, s)
	w.write("a", "b", "a")
	w.write("b")
	r := draft("c", 1)
	r.Actor, r.Reason = new(string), new(string)
	r.Reverts = &eventstore.Position{Seq: 3, Prefix: [4]byte{1, 2, 3, 4}}
	w.append(r)
	w.write("a", "b", "c/d", "e", "f")
	if _, err := Verify(t.Context(), s); err != nil {
		t.Fatalf("before any change: %v", err)
	}
	return w.written
}

// noticeForgedHistory forges histories that are valid in themselves but not the one that was
// written: the tail is cut and the head set back, or everything is hashed again after an edit.
func noticeForgedHistory(t *testing.T, s eventstore.Store, rewrite Rewrite) {
	written := tenRecords(t, s)
	edited := slices.Clone(written)
	edited[3].Data = "{}"
	for what, forged := range map[string]model{"cut": written[:8], "edited": rechained(edited)} {
		rewrite(t, s, forged.head(), forged)
		if _, err := Verify(t.Context(), s); err != nil {
			t.Fatalf("the forged history %q is not valid in itself: %v", what, err)
		}
		w := &writer{t: t, store: s, written: forged}
		w.refuse(written.head(), eventstore.ErrHeadMoved, draft("x", 1))
	}
}
