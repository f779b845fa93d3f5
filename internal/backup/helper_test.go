package backup_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strings"
	"testing"
	"time"

	"configapi/internal/backup"
	"configapi/internal/eventstore"
	"configapi/internal/postgrestest"
)

func TestMain(m *testing.M) { postgrestest.Main(m) }

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
	var id eventstore.AppendID
	binary.BigEndian.PutUint64(id[8:], uint64(f.head.Seq))
	f.head = new(eventstore.Chain).Seal(f.head, id, records)
	return records
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
	reader, err := backup.NewReader(bytes.NewReader(from))
	if err != nil {
		return backup.Restored{}, err
	}
	return backup.Restore(t.Context(), reader, into, nil)
}
