package configstoretest

import (
	"encoding/json"
	"slices"
	"testing"
	"time"

	"configapi/internal/auth"
	"configapi/internal/config"
	"configapi/internal/eventstore"
)

// erasureType is the type of the events of a kind that only tests know.
const erasureType = "TestValuesErased"

// Codec returns the codec of a server that also knows a kind of events that only tests have: they
// erase values.
func Codec() config.Codec {
	erasure := config.Kind{Type: erasureType, SchemaVersion: 1, Decode: func(_ config.StreamEvent, _ int, data string) (content any, erases []int64, err error) {
		err = json.Unmarshal([]byte(data), &erases)
		return nil, erases, err
	}}
	return config.NewCodec(append(auth.TokenKinds(), erasure)...)
}

// MustAppendErasure appends an event of a stream that is no config, which erases events, as another
// node does. It does not remove their data.
func MustAppendErasure(t testing.TB, events eventstore.Store, stream string, version int, erases ...eventstore.Seq) eventstore.Head {
	t.Helper()
	head, err := events.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	data, err := json.Marshal(slices.Concat([]eventstore.Seq{}, erases))
	if err != nil {
		t.Fatal(err)
	}
	at := head.RecordedAt.Add(time.Microsecond)
	if head.Seq == 0 {
		at = time.UnixMicro(1)
	}
	records := []eventstore.Record{{Name: stream, Version: version, Type: erasureType, SchemaVersion: 1, Data: string(data), RecordedAt: at}}
	after := new(eventstore.Chain).Seal(head, eventstore.AppendID{byte(version), 1}, records)
	if err := events.Append(t.Context(), head, records); err != nil {
		t.Fatal(err)
	}
	return after
}

// MustCopy appends the history of one event store to an empty one, without the data of the events
// at some seqs.
func MustCopy(t testing.TB, from, to eventstore.Store, erased ...eventstore.Seq) {
	t.Helper()
	records, err := from.Read(t.Context(), 0, eventstore.Limit{Records: 1 << 30})
	if err != nil {
		t.Fatal(err)
	}
	records = slices.Clone(records)
	for _, seq := range erased {
		r := &records[seq-1]
		r.Data, r.SaltWhat, r.Erased = "", eventstore.Salt{}, true
	}
	if err := to.Append(t.Context(), eventstore.Head{}, records); err != nil {
		t.Fatal(err)
	}
}
