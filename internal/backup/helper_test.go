package backup_test

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"configapi/internal/backup"
	"configapi/internal/config"
	"configapi/internal/eventstore"
	"configapi/internal/eventstore/memory"
	"configapi/internal/eventstore/postgres"
	"configapi/internal/eventstore/sqlite"
	"configapi/internal/postgrestest"

	"pgregory.net/rapid"
)

func TestMain(m *testing.M) { postgrestest.Main(m) }

// codec knows an event that erases others: its data is a list of their positions.
var codec = config.NewCodec(config.Kind{
	Type: "TestErased", SchemaVersion: 1,
	Decode: func(_ config.StreamEvent, _ int, data string) (content any, erases []int64, err error) {
		err = json.Unmarshal([]byte(data), &erases)
		return nil, erases, err
	},
})

// kinds are the kinds of stores.
var kinds = []string{"memory", "sqlite", "postgres"}

// MustOpen opens a new store of a kind.
func MustOpen(t testing.TB, kind string) backup.Target {
	t.Helper()
	switch kind {
	case "sqlite":
		s, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "configapi.db"), sqlite.Options{Lock: true, Restoring: true})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { s.Close() })
		return s
	case "postgres":
		s, err := postgres.Open(t.Context(), postgrestest.NewDatabase(t), postgres.Options{Restoring: true})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { s.Close() })
		return s
	}
	return memory.New()
}

// MustWrite returns a backup of a store.
func MustWrite(t testing.TB, from backup.Source) []byte {
	t.Helper()
	var out bytes.Buffer
	if _, err := backup.Write(t.Context(), &out, from, codec, nil); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// MustRestore restores a backup into a store.
func MustRestore(t testing.TB, from []byte, into backup.Target) backup.Restored {
	t.Helper()
	did, err := restore(t, from, into)
	if err != nil {
		t.Fatal(err)
	}
	return did
}

func restore(t testing.TB, from []byte, into backup.Target) (backup.Restored, error) {
	t.Helper()
	reader, err := backup.NewReader(bytes.NewReader(from), codec)
	if err != nil {
		return backup.Restored{}, err
	}
	return backup.Restore(t.Context(), reader, into, backup.Options{})
}

// MustHold returns a store in memory with some records.
func MustHold(t testing.TB, records []eventstore.Record) *memory.Store {
	t.Helper()
	store := memory.New()
	if len(records) == 0 {
		return store
	}
	if err := store.Append(t.Context(), eventstore.Head{}, records); err != nil {
		t.Fatal(err)
	}
	return store
}

// epoch is when the histories of these tests begin.
var epoch = time.Date(2026, 11, 22, 9, 10, 11, 123457000, time.UTC)

// filler makes records of 10,000 names, in a fixed order without a visible pattern.
type filler struct {
	head     eventstore.Head
	versions [benchNames]int
	random   uint64
}

// next returns n records that follow all records made before, each a change set of its own.
func (f *filler) next(n int) []eventstore.Record {
	records := make([]eventstore.Record, n)
	at := f.head.RecordedAt
	if at.IsZero() {
		at = epoch
	}
	for i := range records {
		f.random = f.random*6364136223846793005 + 1442695040888963407
		name := f.random >> 33 % benchNames
		f.versions[name]++
		at = at.Add(time.Microsecond)
		records[i] = eventstore.Record{
			Name: fmt.Sprintf("payments/service-%d/timeout", name), Version: f.versions[name], Type: "ConfigValueSet", SchemaVersion: 1,
			Data: fmt.Sprintf(`{"value":%q}`, strings.Repeat("v", 64)), RecordedAt: at,
		}
	}
	f.head = new(eventstore.Chain).Seal(f.head, appendID(int(f.head.Seq)), records)
	return records
}

func appendID(n int) (id eventstore.AppendID) {
	binary.BigEndian.PutUint64(id[8:], uint64(n))
	return id
}

// anyHistory draws a history with all that a store can hold: texts that need escapes, change sets,
// appends of many sets.
func anyHistory() *rapid.Generator[[]eventstore.Record] {
	text := rapid.OneOf(
		rapid.SampledFrom([]string{"", " ", "a", `"\`, "\u0001\b\f\n\r\t\x7f", "<&>\u2028\u2029", "é🏃", `{"value":"45 €"}`}),
		rapid.Map(rapid.String(), func(s string) string { return strings.ReplaceAll(s, "\x00", "") }))
	return rapid.Custom(func(t *rapid.T) []eventstore.Record {
		var all []eventstore.Record
		var head eventstore.Head
		at, versions := epoch, map[string]int{}
		for n := range rapid.IntRange(0, 12).Draw(t, "appends") {
			var records []eventstore.Record
			for range rapid.IntRange(1, 4).Draw(t, "sets") {
				size := rapid.IntRange(1, 5).Draw(t, "size")
				end := head.Seq + eventstore.Seq(len(records)+size)
				for range size {
					name := rapid.SampledFrom([]string{"a", "a/b", "ü", "$x"}).Draw(t, "name")
					versions[name]++
					at = at.Add(time.Duration(rapid.Int64Range(1, 1<<40).Draw(t, "later")) * time.Microsecond)
					var reverts *eventstore.Position
					if rapid.IntRange(0, 4).Draw(t, "reverts") == 0 {
						reverts = &eventstore.Position{Seq: head.Seq, Prefix: [4]byte(rapid.SliceOfN(rapid.Byte(), 4, 4).Draw(t, "prefix"))}
					}
					records = append(records, eventstore.Record{
						Reverts: reverts,
						Name:    name, Version: versions[name], Type: rapid.SampledFrom([]string{"ConfigValueSet", "ConfigValueDeleted", "É"}).Draw(t, "type"),
						SchemaVersion: rapid.IntRange(1, 3).Draw(t, "schema version"), Data: text.Draw(t, "data"),
						Actor: rapid.Ptr(text, true).Draw(t, "actor"), Reason: rapid.Ptr(text, true).Draw(t, "reason"), RecordedAt: at, ChangeSet: end,
					})
				}
			}
			head = new(eventstore.Chain).Seal(head, appendID(n), records)
			all = append(all, records...)
		}
		var seqs []int64
		for i := range all {
			if rapid.IntRange(0, 9).Draw(t, "erase") == 0 {
				seqs = append(seqs, int64(all[i].Seq))
			}
		}
		if len(seqs) > 0 {
			all = erase(all, seqs...)
		}
		return all
	})
}

// erase removes the data of events, and appends the event that says so.
func erase(records []eventstore.Record, seqs ...int64) []eventstore.Record {
	data, _ := json.Marshal(seqs)
	last := records[len(records)-1]
	said := []eventstore.Record{{
		Name: "$erased/by", Version: 1, Type: "TestErased", SchemaVersion: 1, Data: string(data), RecordedAt: last.RecordedAt.Add(time.Microsecond),
	}}
	new(eventstore.Chain).Seal(eventstore.HeadOf(&last), appendID(0), said)
	records = slices.Clone(records)
	for _, seq := range seqs {
		records[seq-1].Data, records[seq-1].SaltWhat, records[seq-1].Erased = "", eventstore.Salt{}, true
	}
	return append(records, said...)
}
