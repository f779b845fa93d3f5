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

// three returns a history of three records that are not sealed.
func three() []eventstore.Record {
	return []eventstore.Record{
		{
			Name: "payments/timeout", Version: 1, Type: "ConfigValueSet", SchemaVersion: 1,
			Data:       `{"value":"30s"}`,
			RecordedAt: time.Date(2026, 3, 1, 12, 0, 0, 1000, time.UTC),
		},
		{
			Name: "payments/timeout", Version: 2, Type: "ConfigValueSet", SchemaVersion: 1,
			Data:  `{"value":"45 €"}`,
			Actor: new("anna"), Reason: new("slow bank"), Reverts: &eventstore.Position{Seq: 1, Prefix: [4]byte{14, 15, 16, 17}},
			RecordedAt: time.Date(2026, 3, 1, 12, 0, 0, 123456000, time.UTC),
		},
		{
			Name: "payments/timeout", Version: 3, Type: "ConfigValueDeleted", SchemaVersion: 1,
			Data:  `{}`,
			Actor: new(""), Reason: nil,
			RecordedAt: time.Date(2026, 3, 1, 14, 0, 1, 0, time.FixedZone("", 7200)),
			ChangeSet:  7,
		},
	}
}

var appendID = eventstore.AppendID([]byte("0123456789abcdef"))

// sealThree seals records without the randomness of Seal.
func sealThree(records []eventstore.Record) {
	var chain eventstore.Chain
	var previous eventstore.Hash
	for i := range records {
		r := &records[i]
		r.Seq, r.AppendID = eventstore.Seq(i+1), appendID
		r.ChangeSet = max(r.ChangeSet, r.Seq)
		for n := range r.SaltWho {
			r.SaltWho[n], r.SaltWhat[n] = byte(r.Seq), byte(16*r.Seq)
		}
		r.What = chain.What(r)
		r.Hash = chain.Hash(previous, r)
		previous = r.Hash
	}
}

// TestGoldenHashes fixes the format of the hashes, because histories hold such hashes. A program in
// another language computed them.
func TestGoldenHashes(t *testing.T) {
	records := three()
	sealThree(records)
	for i, want := range []struct{ who, what, hash string }{
		{
			"cf73bd6f927b43416a1c72b2682160c5108cd882211125e1f8fc4726273fd587",
			"914a30aa8aa91c485729cb5007fea9364ecd9e51df705483193a7b9daa8b895e",
			"46609fdeebba95705c67608b17cc61830333dca0f3d685519df9d5270bea44b2",
		},
		{
			"a0274c066679e258e7fdef20720a4447ab0e6873ee86637bef9f9df0344d2789",
			"5649446dc071f1a3b4b3f4ff2a7fe7d202f716233f5de6ad37cb830ba0288167",
			"61037f80f284c5bd65b1f17f191428a827119da56c2601f6dc75fdda191b4f6f",
		},
		{
			"7451f821b3b56ec57b37af9eeeb98b05ca4133f01cf7730031128092661deefd",
			"681be10d50268138da04fb4d49d56ea566fc1e51b5a73dd14251922dba666b7b",
			"5e01c929840e7d3596481b7d52d2bdf1eb20a5ce94098687939155e3f95e163e",
		},
	} {
		var chain eventstore.Chain
		r := records[i]
		who := chain.Who(&r)
		if got := hex.EncodeToString(who[:]); got != want.who {
			t.Errorf("record %d: got who %s, want %s", i+1, got, want.who)
		}
		if got := hex.EncodeToString(r.What[:]); got != want.what {
			t.Errorf("record %d: got what %s, want %s", i+1, got, want.what)
		}
		if got := hex.EncodeToString(r.Hash[:]); got != want.hash {
			t.Errorf("record %d: got hash %s, want %s", i+1, got, want.hash)
		}
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
		if got, want := chain.What(&r), documentedWhat(r); got != want {
			t.Fatalf("got what %x, want %x", got, want)
		}
	})
}

// TestLongDataIsHashedAsDocumented: long data are hashed in pieces.
func TestLongDataIsHashedAsDocumented(t *testing.T) {
	var chain eventstore.Chain
	for _, n := range []int{8<<10 - 1, 8 << 10, 8<<10 + 1, 16 << 10, 16<<10 + 1, 1 << 20} {
		r := eventstore.Record{Data: strings.Repeat("0123456", n)[:n], SaltWhat: eventstore.Salt{1, 2, 3}}
		if got, want := chain.What(&r), documentedWhat(r); got != want {
			t.Errorf("%d bytes: got %x, want %x", n, got, want)
		}
	}
}

// documentedHash is the SHA-256 of "configapi2", the previous hash, and each field after its
// length.
func documentedHash(previous eventstore.Hash, r eventstore.Record) eventstore.Hash {
	who := documentedWho(r)
	return digest("configapi2"+string(previous[:]),
		bigEndian(int64(r.Seq)), bigEndian(r.RecordedAt.UnixMicro()), bigEndian(int64(r.ChangeSet)), who[:], r.What[:])
}

func documentedWho(r eventstore.Record) [32]byte {
	nullable := func(s *string) []byte {
		if s == nil {
			return nil
		}
		return append([]byte{}, *s...) // empty, not nil, for an empty text
	}
	var reverts *string
	if r.Reverts != nil {
		reverts = new(r.Reverts.String())
	}
	return digest("who", r.SaltWho[:], r.AppendID[:],
		bigEndian(int64(r.Seq)), []byte(r.Name), bigEndian(int64(r.Version)), []byte(r.Type), bigEndian(int64(r.SchemaVersion)),
		nullable(r.Actor), nullable(r.Reason), nullable(reverts))
}

func documentedWhat(r eventstore.Record) eventstore.Digest {
	return digest("what", r.SaltWhat[:], append([]byte{}, r.Data...))
}

// digest is the SHA-256 of a text and of fields after their lengths. A field that is nil is null.
func digest(domain string, fields ...[]byte) [32]byte {
	var all bytes.Buffer
	all.WriteString(domain)
	for _, field := range fields {
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
	salt := rapid.Custom(func(t *rapid.T) eventstore.Salt {
		return eventstore.Salt(rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "salt"))
	})
	reverts := rapid.Ptr(rapid.Custom(func(t *rapid.T) eventstore.Position {
		return eventstore.Position{Seq: eventstore.Seq(rapid.Int64().Draw(t, "reverts")), Prefix: [4]byte{rapid.Byte().Draw(t, "prefix")}}
	}), true)
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
			SaltWho:       salt.Draw(t, "salt of who"),
			SaltWhat:      salt.Draw(t, "salt of what"),
			What:          eventstore.Digest(rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, "what")),
			Reverts:       reverts.Draw(t, "reverts"),
		}
	})
}

// TestHashCoversEveryField changes one field after the other.
func TestHashCoversEveryField(t *testing.T) {
	type record = eventstore.Record
	changes := map[string]func(r *record){
		"nothing":                      func(r *record) {},
		"position":                     func(r *record) { r.Seq++ },
		"name":                         func(r *record) { r.Name = "payments/timeouT" },
		"version":                      func(r *record) { r.Version++ },
		"type":                         func(r *record) { r.Type = "ConfigValueRestored" },
		"schema version":               func(r *record) { r.SchemaVersion++ },
		"what, first byte":             func(r *record) { r.What[0]++ },
		"what, last byte":              func(r *record) { r.What[31]++ },
		"salt of who, first byte":      func(r *record) { r.SaltWho[0]++ },
		"salt of who, last byte":       func(r *record) { r.SaltWho[15]++ },
		"reverts":                      func(r *record) { r.Reverts = &eventstore.Position{Seq: 1} },
		"reverts null":                 func(r *record) { r.Reverts = nil },
		"actor":                        func(r *record) { r.Actor = new("anne") },
		"actor empty":                  func(r *record) { r.Actor = new("") },
		"actor null":                   func(r *record) { r.Actor = nil },
		"reason":                       func(r *record) { r.Reason = new("slow banks") },
		"reason empty":                 func(r *record) { r.Reason = new("") },
		"reason null":                  func(r *record) { r.Reason = nil },
		"actor and reason swapped":     func(r *record) { r.Actor, r.Reason = r.Reason, r.Actor },
		"time":                         func(r *record) { r.RecordedAt = r.RecordedAt.Add(time.Microsecond) },
		"append id, first byte":        func(r *record) { r.AppendID[0]++ },
		"append id, last byte":         func(r *record) { r.AppendID[15]++ },
		"change set":                   func(r *record) { r.ChangeSet++ },
		"numbers swapped":              func(r *record) { r.Version, r.SchemaVersion = r.SchemaVersion, r.Version },
		"bytes moved, name to type":    func(r *record) { r.Name, r.Type = r.Name+r.Type[:1], r.Type[1:] },
		"bytes moved, type to name":    func(r *record) { r.Name, r.Type = r.Name[:7], r.Name[7:]+r.Type },
		"bytes moved, actor to reason": func(r *record) { r.Actor, r.Reason = new("ann"), new("aslow bank") },
		"a null as bytes":              func(r *record) { r.Actor = new("\xff\xff\xff\xff") },
		"previous hash, first byte":    nil,
		"previous hash, last byte":     nil,
	}
	var chain eventstore.Chain
	seen := map[eventstore.Hash]string{} // :: hash → what was changed to get it
	for what, change := range changes {
		records := three()
		sealThree(records)
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
		"what the digest covers": func(r *eventstore.Record) {
			r.Data, r.SaltWhat, r.Erased = "", eventstore.Salt{}, true
		},
	} {
		r := three()[1]
		want := chain.Hash(eventstore.Hash{}, &r)
		change(&r)
		if chain.Hash(eventstore.Hash{}, &r) != want {
			t.Errorf("%s changes the hash", what)
		}
	}
}

// TestWhatCoversDataAndSalt changes them.
func TestWhatCoversDataAndSalt(t *testing.T) {
	var chain eventstore.Chain
	seen := make(map[eventstore.Digest]string) // :: digest → what was changed to get it
	for what, change := range map[string]func(r *eventstore.Record){
		"nothing":                   func(*eventstore.Record) {},
		"data":                      func(r *eventstore.Record) { r.Data += " " },
		"no data":                   func(r *eventstore.Record) { r.Data = "" },
		"salt, first byte":          func(r *eventstore.Record) { r.SaltWhat[0]++ },
		"salt, last byte":           func(r *eventstore.Record) { r.SaltWhat[15]++ },
		"bytes moved, salt to data": func(r *eventstore.Record) { r.Data = "\x20" + r.Data },
	} {
		records := three()
		sealThree(records)
		change(&records[1])
		digest := chain.What(&records[1])
		if other, twice := seen[digest]; twice {
			t.Errorf("%s and %s have the same digest", what, other)
		}
		seen[digest] = what
	}
}

// TestSealDrawsNewSalts: two records with one salt would show whether their values are the same.
func TestSealDrawsNewSalts(t *testing.T) {
	var chain eventstore.Chain
	seen := make(map[eventstore.Salt]bool)
	head := eventstore.Head{}
	for _, n := range []int{1, 1, 3, 2000, 1, 100} {
		records := make([]eventstore.Record, n)
		head = chain.Seal(head, appendID, records)
		for _, r := range records {
			if seen[r.SaltWho] || seen[r.SaltWhat] || r.SaltWho == r.SaltWhat {
				t.Fatalf("record %d: a salt comes again", r.Seq)
			}
			seen[r.SaltWho], seen[r.SaltWhat] = true, true
		}
	}
	if seen[eventstore.Salt{}] {
		t.Error("a record has no salt")
	}
}
