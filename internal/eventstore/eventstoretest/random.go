package eventstoretest

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"configapi/internal/eventstore"
	"configapi/internal/slowtest"
)

var randomLaws = []law{{"random operations do the same as on a slice", randomOperations}}

// seedVariable names the environment variable that repeats a run of random operations.
const seedVariable = "EVENTSTORETEST_SEED"

func randomOperations(t *testing.T, open func() eventstore.Store) {
	seed := rand.Uint64()
	if text := os.Getenv(seedVariable); text != "" {
		var err error
		if seed, err = strconv.ParseUint(text, 10, 64); err != nil {
			t.Fatalf("reading %s: %v", seedVariable, err)
		}
	}
	t.Logf("to repeat this run, set %s=%d", seedVariable, seed)
	m := &monkey{
		Rand:   rand.New(rand.NewPCG(seed, 0)),
		writer: newWriter(t, nil),
		open:   open,
		stores: []eventstore.Store{open(), open()},
	}
	for range slowtest.Rounds(60, 150) {
		m.store = m.stores[m.IntN(len(m.stores))]
		m.step()
		if t.Failed() {
			return
		}
	}
	for _, s := range m.stores {
		mustHold(t, s, m.written)
	}
}

// monkey does random operations on a history, through all of its handles, and compares each with a
// model.
type monkey struct {
	*rand.Rand
	*writer
	open   func() eventstore.Store
	stores []eventstore.Store
}

func (m *monkey) step() {
	m.t.Helper()
	switch m.IntN(16) {
	case 0, 1, 2, 3:
		m.append(m.someDrafts()...)
	case 12:
		m.lockAppend(eventstore.Seq(max(0, len(m.written)-m.IntN(100))), m.someDrafts()...)
	case 13:
		m.readBack()
	case 4:
		m.appendAfterAnotherHead()
	case 5:
		m.appendTakenVersion()
	case 6:
		mustHaveHead(m.t, m.store, m.written.head())
	case 7:
		m.read()
	case 8:
		m.readConfig()
	case 14:
		m.readVersions()
	case 9, 10:
		m.readAsOf()
	case 15:
		mustReadNewest(m.t, m.store, m.written, m.basis())
	case 11:
		if len(m.stores) < 4 {
			m.stores = append(m.stores, m.open())
		}
	}
}

func (m *monkey) someDrafts() []eventstore.Record {
	records := m.drafts(m.names(1 + m.IntN(20))...)
	for i := range records {
		r := &records[i]
		r.Data = strings.Repeat("ä\"\\\n", m.IntN(100))
		if m.IntN(3) == 0 {
			actor := fmt.Sprintf("actor %d", m.IntN(10))
			r.Actor = &actor
		}
		if m.IntN(3) == 0 {
			r.Reason = new(string)
		}
		if m.IntN(5) == 0 {
			r.Reverts = &eventstore.Position{Seq: m.seq(), Prefix: [4]byte{byte(m.IntN(256))}}
		}
	}
	return records
}

// names returns n names, some of which are equal.
func (m *monkey) names(n int) []string {
	names := make([]string, n)
	for i := range names {
		names[i] = strings.Repeat("n/", m.IntN(4)) + string("AZaz_-.:09"[m.IntN(10)])
	}
	return names
}

func (m *monkey) appendAfterAnotherHead() {
	m.t.Helper()
	head := m.written.head()
	if m.IntN(2) == 0 && head.Seq > 0 {
		head = m.written[:m.IntN(int(head.Seq))].head()
	} else {
		head.Hash[m.IntN(len(head.Hash))]++
	}
	m.mustNotAppend(head, eventstore.ErrHeadMoved, draft("x", 1), draft("y", 1))
}

func (m *monkey) appendTakenVersion() {
	m.t.Helper()
	if len(m.written) == 0 {
		return
	}
	taken := m.written[m.IntN(len(m.written))]
	records := make([]eventstore.Record, m.IntN(20))
	for i := range records {
		records[i] = draft(fmt.Sprintf("new/%d", i), 1)
	}
	m.mustNotAppend(m.written.head(), eventstore.ErrNotWritten, append(records, draft(taken.Name, taken.Version))...)
}

// mustNotAppend is refuse without reading all records each time.
func (m *monkey) mustNotAppend(after eventstore.Head, want error, records ...eventstore.Record) {
	m.t.Helper()
	seal(after, records)
	if err := m.store.Append(m.t.Context(), after, records); !errors.Is(err, want) {
		m.t.Fatalf("appending after %s: got error %v, want %q", after.Position(), err, want)
	}
	mustHaveHead(m.t, m.store, m.written.head())
}

func (m *monkey) seq() eventstore.Seq {
	return eventstore.Seq(m.IntN(len(m.written) + 2))
}

func (m *monkey) read() {
	m.t.Helper()
	after, limit := m.seq(), 1+m.IntN(100)
	got, err := m.store.Read(m.t.Context(), after, eventstore.Limit{Records: limit})
	if err != nil {
		m.t.Fatal(err)
	}
	mustEqual(m.t, fmt.Sprintf("Read(%d, %d)", after, limit), got, m.written.read(after, limit))
	got, err = m.store.ReadHistory(m.t.Context(), m.basis(), after, eventstore.Limit{Records: limit})
	if err != nil {
		m.t.Fatal(err)
	}
	mustEqual(m.t, fmt.Sprintf("ReadHistory(%d, %d)", after, limit), got, m.written.read(after, limit))
}

// basis returns a random basis that the history contains.
func (m *monkey) basis() eventstore.Head { return m.written[:m.IntN(len(m.written)+1)].head() }

func (m *monkey) readConfig() {
	m.t.Helper()
	name := m.names(1)[0]
	after, limit := m.IntN(m.versions[name]+2), 1+m.IntN(20)
	got, err := m.store.ReadConfig(m.t.Context(), m.basis(), name, after, eventstore.Limit{Records: limit})
	if err != nil {
		m.t.Fatal(err)
	}
	mustEqual(m.t, fmt.Sprintf("ReadConfig(%q, %d, %d)", name, after, limit), got, m.written.readConfig(name, after, limit))
}

func (m *monkey) readVersions() {
	m.t.Helper()
	var versions []eventstore.VersionOf
	known := make(map[eventstore.VersionOf]bool)
	for _, name := range m.names(m.IntN(30)) {
		v := eventstore.VersionOf{Name: name, Version: m.IntN(m.versions[name] + 2)}
		if !known[v] {
			known[v] = true
			versions = append(versions, v)
		}
	}
	got, err := m.store.ReadVersions(m.t.Context(), m.basis(), versions, eventstore.Limit{})
	if err == nil && m.IntN(2) == 0 {
		got, err = m.store.LookUp(m.t.Context(), versions, eventstore.Limit{})
	}
	if err != nil {
		m.t.Fatal(err)
	}
	mustEqual(m.t, fmt.Sprintf("versions %v", versions), got, m.written.readVersions(versions))
}

func (m *monkey) readBack() {
	m.t.Helper()
	q := eventstore.Back{Before: m.seq() + 1, Examine: 1 + m.IntN(50)}
	if m.IntN(2) == 0 {
		actor := fmt.Sprintf("actor %d", m.IntN(10))
		q.Actor = &actor
	}
	switch m.IntN(3) {
	case 0:
		q.Names = slices.Compact(slices.Sorted(slices.Values(m.names(5))))
	case 1:
		q.Prefix = "n"
	}
	mustReadBack(m.writer, q, eventstore.Limit{Records: 1 + m.IntN(20)})
}

func (m *monkey) readAsOf() {
	m.t.Helper()
	var names []string
	known := make(map[string]bool)
	for _, name := range m.names(m.IntN(30)) {
		if !known[name] {
			known[name] = true
			names = append(names, name)
		}
	}
	mustReadAsOf(m.t, m.writer, m.seq(), names)
}
