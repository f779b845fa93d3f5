package eventstore_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"configapi/internal/config"
	"configapi/internal/eventstore"
	"configapi/internal/eventstore/eventstoretest"
)

func TestDecode(t *testing.T) {
	record := three()[1]
	record.Seq, record.ChangeSet, record.Hash = 7, 7, eventstore.Hash{1, 2, 3, 4, 5}
	record.RecordedAt = record.RecordedAt.In(time.FixedZone("east", 3600))

	got, err := eventstore.Decode(&record)
	if err != nil {
		t.Fatal(err)
	}
	want := eventstore.Revision{
		Event: config.Event{
			Type: config.ValueSet, Name: got.Name, Version: 2, Value: got.Value,
			At: time.Date(2026, 3, 1, 12, 0, 0, 123456000, time.UTC),
		},
		Seq: 7, Hash: record.Hash, ChangeSet: eventstore.NewPosition(7, record.Hash), Actor: record.Actor, Reason: record.Reason, Reverts: record.Reverts,
	}
	if *got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if got.Name.String() != "payments/timeout" || got.Value.String() != "45 €" {
		t.Errorf("got name %q, value %q", got.Name, got.Value)
	}
	if head := got.Head(); !head.Same(eventstore.HeadOf(&record)) || !head.RecordedAt.Equal(record.RecordedAt) {
		t.Errorf("got head %+v", head)
	}
}

func TestDecodeNamesThePositionOfWhatItCannotRead(t *testing.T) {
	for _, test := range []struct {
		change func(r *eventstore.Record)
		want   string
	}{
		{
			func(r *eventstore.Record) { r.Name = "payments//timeout" },
			"decoding the event at seq 2: name has an empty segment",
		},
		{
			func(r *eventstore.Record) { r.Data = `{"value":null}` },
			"decoding the event at seq 2: decoding the data of ConfigValueSet, schema version 1: want",
		},
		{
			func(r *eventstore.Record) { r.Type = "ConfigRenamed" },
			`decoding the event at seq 2: unknown event type "ConfigRenamed", schema version 1`,
		},
		{
			func(r *eventstore.Record) { r.SchemaVersion = 9 },
			`decoding the event at seq 2: unknown event type "ConfigValueSet", schema version 9`,
		},
	} {
		records := sealedThree()
		test.change(&records[1])
		one, err := eventstore.Decode(&records[1])
		all, allErr := eventstore.DecodeAll(records)
		for _, err := range []error{err, allErr} {
			if err == nil || !strings.HasPrefix(err.Error(), test.want) {
				t.Fatalf("got %v, want %s …", err, test.want)
			}
			if isUnknown := strings.Contains(test.want, "unknown"); errors.As(err, new(*config.UnknownEventError)) != isUnknown {
				t.Errorf("%v: wraps an UnknownEventError: %t", err, !isUnknown)
			}
			if errors.As(err, new(*config.InvalidError)) {
				t.Errorf("%v looks like a caller's mistake", err)
			}
		}
		if one != nil || all != nil {
			t.Errorf("got %v and %v beside the error", one, all)
		}
	}
}

func sealedThree() []eventstore.Record {
	records := three()
	new(eventstore.Chain).Seal(eventstore.Head{}, appendID, records)
	return records
}

// sets returns records whose change sets end at the given seqs: the record with seq i+1 is of the
// set that ends at ends[i].
func sets(ends ...eventstore.Seq) []eventstore.Record {
	records := sealed(len(ends))
	for i, end := range ends {
		records[i].ChangeSet = end
	}
	new(eventstore.Chain).Seal(eventstore.Head{}, appendID, records)
	return records
}

func TestDecodeAllMarksTheEndsOfChangeSets(t *testing.T) {
	for what, test := range map[string]struct {
		records []eventstore.Record
		unknown []eventstore.Seq // revisions of change sets whose end is not among the records
	}{
		"none":                       {nil, nil},
		"all":                        {sets(1, 4, 4, 4, 6, 6), nil},
		"the end of a set is beyond": {sets(1, 4, 4, 4, 9, 9), []eventstore.Seq{5, 6}},
		"all of one endless set":     {sets(9, 9, 9), []eventstore.Seq{1, 2, 3}},
		"begins within a set":        {sets(1, 4, 4, 4, 6, 6)[2:], nil},
		"of one name, the end of whose set is another's": {
			pick(sets(1, 4, 4, 4, 6, 6), 2, 5, 6), []eventstore.Seq{2},
		},
		"of one name, one in each set": {pick(sets(1, 4, 4, 4, 6, 6), 3, 5), []eventstore.Seq{3, 5}},
	} {
		t.Run(what, func(t *testing.T) {
			for i := range test.records {
				test.records[i].Data = `{"value":"x"}`
				test.records[i].Version = 2
			}
			revisions, err := eventstore.DecodeAll(test.records)
			if err != nil || len(revisions) != len(test.records) {
				t.Fatalf("got %d revisions, %v", len(revisions), err)
			}
			for i, r := range revisions {
				record := test.records[i]
				want := eventstore.Position{Seq: record.ChangeSet}
				known := !slices.Contains(test.unknown, r.Seq)
				if known {
					end := slices.IndexFunc(test.records, func(e eventstore.Record) bool { return e.Seq == record.ChangeSet })
					want = eventstore.NewPosition(record.ChangeSet, test.records[end].Hash)
				}
				if r.ChangeSet != want || r.ChangeSetKnown() != known || r.EndsChangeSet() != (record.Seq == record.ChangeSet) {
					t.Errorf("seq %d: got set %s (known: %t, ends it: %t), want %s (known: %t)",
						r.Seq, r.ChangeSet, r.ChangeSetKnown(), r.EndsChangeSet(), want, known)
				}
			}
		})
	}
}

func TestTheEndOfASetKnowsItsSetWhateverItsHash(t *testing.T) {
	end, other := eventstore.Revision{Seq: 5}, eventstore.Revision{Seq: 4}
	end.ChangeSet.Seq, other.ChangeSet.Seq = 5, 5
	if !end.ChangeSetKnown() || other.ChangeSetKnown() {
		t.Errorf("the end knows its set: %t; another does: %t", end.ChangeSetKnown(), other.ChangeSetKnown())
	}
}

// pick returns the records with some seqs.
func pick(records []eventstore.Record, seqs ...eventstore.Seq) []eventstore.Record {
	var picked []eventstore.Record
	for _, p := range seqs {
		picked = append(picked, records[p-1])
	}
	return picked
}

func TestWholeSets(t *testing.T) {
	for _, test := range []struct {
		ends []eventstore.Seq
		want int
	}{
		{nil, 0},
		{[]eventstore.Seq{1}, 1},
		{[]eventstore.Seq{1, 2, 3}, 3},
		{[]eventstore.Seq{1, 4, 4, 4}, 4},
		{[]eventstore.Seq{1, 4, 4}, 1},
		{[]eventstore.Seq{1, 3, 3, 5}, 3},
		{[]eventstore.Seq{3, 3}, 0},
	} {
		records := sets(test.ends...)
		whole := eventstore.WholeSets(records)
		if len(whole) != test.want {
			t.Errorf("sets that end at %d: got %d records, want %d", test.ends, len(whole), test.want)
		}
		if rest := append(whole, eventstore.Record{Name: "other"}); len(records) > test.want && &rest[0] == &records[0] {
			t.Errorf("change sets that end at %d: appending to the result overwrites the records after it", test.ends)
		}
	}
}

func TestDecodingLargeRecordsLetsOthersRun(t *testing.T) {
	records := make([]eventstore.Record, 16)
	for i := range records {
		records[i] = three()[1]
		records[i].Data = strings.Replace(records[i].Data, "45", strings.Repeat("4", 16<<10), 1)
	}
	eventstoretest.MustYield(t, int64(len(records)/4), func() {
		if _, err := eventstore.DecodeAll(records); err != nil {
			t.Error(err)
		}
	})
}
