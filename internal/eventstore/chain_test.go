package eventstore_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"testing"
	"time"

	"configapi/internal/eventstore"

	"pgregory.net/rapid"
)

// three returns a history of three records, sealed without the code under test.
func three() []eventstore.Record {
	return []eventstore.Record{
		{
			Name: "payments/timeout", Version: 1, Type: "ConfigValueSet", SchemaVersion: 1,
			Data:       `{"value":"30s","old_value":null}`,
			RecordedAt: time.Date(2026, 3, 1, 12, 0, 0, 1000, time.UTC),
		},
		{
			Name: "payments/timeout", Version: 2, Type: "ConfigValueSet", SchemaVersion: 1,
			Data:  `{"value":"45 €","old_value":"30s"}`,
			Actor: new("anna"), Reason: new("slow bank"),
			RecordedAt: time.Date(2026, 3, 1, 12, 0, 0, 123456000, time.UTC),
		},
		{
			Name: "payments/timeout", Version: 3, Type: "ConfigValueDeleted", SchemaVersion: 1,
			Data:  `{"deleted_value":"45 €"}`,
			Actor: new(""), Reason: nil,
			RecordedAt: time.Date(2026, 3, 1, 14, 0, 1, 0, time.FixedZone("", 7200)),
			ChangeSet:  7,
		},
	}
}

var appendID = eventstore.AppendID([]byte("0123456789abcdef"))

// TestGoldenHashes fixes the format of the hash, because histories hold such hashes. A program in
// another language computed them.
func TestGoldenHashes(t *testing.T) {
	records := three()
	head := new(eventstore.Chain).Seal(eventstore.Head{}, appendID, records)
	for i, want := range []string{
		"e9bd5f0f9769f784df9f424d2c98cebd0393cdff92329a3b5c5dd377b687d4e2",
		"86100ee49e0d7d9076b9b6d540ce165b4ace78db4a131e56aefac4e0baa1a9a5",
		"261f747a9dfbb41d79f2604bee8aaea12692b180136f109856eb7f2e4138294e",
	} {
		if got := hex.EncodeToString(records[i].Hash[:]); got != want {
			t.Errorf("record %d: got %s, want %s", i+1, got, want)
		}
	}
	if want := eventstore.HeadOf(&records[2]); head != want {
		t.Errorf("got head %+v, want %+v", head, want)
	}
}

// TestHashIsWhatIsDocumented computes hashes of random records a second way, from the
// documentation.
func TestHashIsWhatIsDocumented(t *testing.T) {
	var chain eventstore.Chain
	rapid.Check(t, func(t *rapid.T) {
		r := anyRecord().Draw(t, "record")
		previous := eventstore.Hash(rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, "previous"))
		if got, want := chain.Hash(previous, &r), documentedHash(previous, r); got != want {
			t.Fatalf("got %x, want %x", got, want)
		}
	})
}

// documentedHash is SHA-256 over "configapi1", the previous hash, and each field after its length.
func documentedHash(previous eventstore.Hash, r eventstore.Record) eventstore.Hash {
	text := func(s string) []byte { return []byte(s) }
	nullable := func(s *string) []byte {
		if s == nil {
			return nil
		}
		return append([]byte{}, *s...) // empty, not nil, for an empty text
	}
	var all bytes.Buffer
	all.WriteString("configapi1")
	all.Write(previous[:])
	for _, field := range [][]byte{
		bigEndian(int64(r.Seq)), text(r.Name), bigEndian(int64(r.Version)), text(r.Type), bigEndian(int64(r.SchemaVersion)),
		text(r.Data), nullable(r.Actor), nullable(r.Reason), bigEndian(r.RecordedAt.UnixMicro()), r.AppendID[:], bigEndian(int64(r.ChangeSet)),
	} {
		length := bigEndian(int64(len(field)))[4:]
		if field == nil {
			length = []byte{0xff, 0xff, 0xff, 0xff}
		}
		all.Write(length)
		all.Write(field)
	}
	return sha256.Sum256(all.Bytes())
}

// bigEndian returns the 8 bytes of a number, the highest first.
func bigEndian(n int64) []byte {
	b := make([]byte, 8)
	for i := range b {
		b[i] = byte(n >> (56 - 8*i))
	}
	return b
}

// anyRecord draws records with many empty, equal and adjacent fields.
func anyRecord() *rapid.Generator[eventstore.Record] {
	text := rapid.OneOf(rapid.SampledFrom([]string{"", "a", "aa", "a\x00", "\xff\xff\xff\xff", "é"}), rapid.String())
	nullable := rapid.Ptr(text, true)
	return rapid.Custom(func(t *rapid.T) eventstore.Record {
		return eventstore.Record{
			Seq:           eventstore.Seq(rapid.Int64().Draw(t, "position")),
			Name:          text.Draw(t, "name"),
			Version:       rapid.Int().Draw(t, "version"),
			Type:          text.Draw(t, "type"),
			SchemaVersion: rapid.Int().Draw(t, "schema version"),
			Data:          text.Draw(t, "data"),
			Actor:         nullable.Draw(t, "actor"),
			Reason:        nullable.Draw(t, "reason"),
			RecordedAt:    time.UnixMicro(rapid.Int64Range(-1<<50, 1<<55).Draw(t, "recorded at")),
			AppendID:      eventstore.AppendID(rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "append id")),
			ChangeSet:     eventstore.Seq(rapid.Int64().Draw(t, "change set")),
		}
	})
}

// TestHashCoversEveryField changes one field after the other.
func TestHashCoversEveryField(t *testing.T) {
	type record = eventstore.Record
	changes := map[string]func(r *record){
		"nothing":                   func(r *record) {},
		"position":                  func(r *record) { r.Seq++ },
		"name":                      func(r *record) { r.Name = "payments/timeouT" },
		"version":                   func(r *record) { r.Version++ },
		"type":                      func(r *record) { r.Type = "ConfigValueRestored" },
		"schema version":            func(r *record) { r.SchemaVersion++ },
		"data":                      func(r *record) { r.Data = strings.Replace(r.Data, "45", "46", 1) },
		"data, white space":         func(r *record) { r.Data += " " },
		"actor":                     func(r *record) { r.Actor = new("anne") },
		"actor empty":               func(r *record) { r.Actor = new("") },
		"actor null":                func(r *record) { r.Actor = nil },
		"reason":                    func(r *record) { r.Reason = new("slow banks") },
		"reason empty":              func(r *record) { r.Reason = new("") },
		"reason null":               func(r *record) { r.Reason = nil },
		"actor and reason swapped":  func(r *record) { r.Actor, r.Reason = r.Reason, r.Actor },
		"time":                      func(r *record) { r.RecordedAt = r.RecordedAt.Add(time.Microsecond) },
		"append id, first byte":     func(r *record) { r.AppendID[0]++ },
		"append id, last byte":      func(r *record) { r.AppendID[15]++ },
		"change set":                func(r *record) { r.ChangeSet++ },
		"numbers swapped":           func(r *record) { r.Version, r.SchemaVersion = r.SchemaVersion, r.Version },
		"bytes moved, name to type": func(r *record) { r.Name, r.Type = r.Name+r.Type[:1], r.Type[1:] },
		"bytes moved, type to name": func(r *record) { r.Name, r.Type = r.Name[:7], r.Name[7:]+r.Type },
		"bytes moved, data to actor": func(r *record) {
			r.Data, r.Actor = r.Data[:9], new(r.Data[9:]+*r.Actor)
		},
		"bytes moved, actor to reason": func(r *record) { r.Actor, r.Reason = new("ann"), new("aslow bank") },
		"a null as bytes":              func(r *record) { r.Actor = new("\xff\xff\xff\xff") },
		"previous hash, first byte":    nil,
		"previous hash, last byte":     nil,
	}
	var chain eventstore.Chain
	seen := map[eventstore.Hash]string{} // :: hash → what was changed to get it
	for what, change := range changes {
		records := three()
		chain.Seal(eventstore.Head{}, appendID, records)
		previous, r := records[0].Hash, records[1]
		switch what {
		case "previous hash, first byte":
			previous[0] ^= 1
		case "previous hash, last byte":
			previous[31] ^= 1
		default:
			change(&r)
		}
		hash := chain.Hash(previous, &r)
		if other, twice := seen[hash]; twice {
			t.Errorf("%s and %s have the same hash", what, other)
		}
		seen[hash] = what
	}
}

// TestHashCoversNoMore: the hash must not depend on what a store does not keep.
func TestHashCoversNoMore(t *testing.T) {
	var chain eventstore.Chain
	for what, change := range map[string]func(r *eventstore.Record){
		"its own hash":          func(r *eventstore.Record) { r.Hash[0]++ },
		"the time's location":   func(r *eventstore.Record) { r.RecordedAt = r.RecordedAt.In(time.FixedZone("", 3600)) },
		"a pointer, not a text": func(r *eventstore.Record) { r.Actor = new(*r.Actor) },
	} {
		r := three()[1]
		want := chain.Hash(eventstore.Hash{}, &r)
		change(&r)
		if chain.Hash(eventstore.Hash{}, &r) != want {
			t.Errorf("%s changes the hash", what)
		}
	}
}
