package postgres

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"configapi/internal/eventstore"
	"configapi/internal/postgrestest"
	"configapi/internal/slowtest"
)

func TestReadsAreByIndex(t *testing.T) {
	t.Parallel()
	s := mustOpen(t, postgrestest.NewDatabase(t), Options{})
	for query, want := range map[string]struct {
		args    []any
		indexes []string
	}{
		selectAfter:        {[]any{1, 10}, []string{"events_pkey"}},
		selectAfterGuarded: {[]any{1, 10, 1 << 20}, []string{"events_pkey"}},
		selectPage:         {[]any{1, []byte{}, 1, 10, 1 << 20}, []string{"events_pkey"}},
		selectOfConfig:     {[]any{1, []byte{}, "a", 1, 10, 1 << 20}, []string{"events_pkey", "events_config_name_version_key"}},
		selectAsOf: {[]any{1, []byte{}, 1, []string{"a"}, 10, 1 << 20},
			[]string{"events_milestones", "events_config_name_version_key", "events_pkey"}},
		selectOfConfigBack: {[]any{1, []byte{}, "a", 5, 10, 1 << 20}, []string{"events_pkey", "events_config_name_version_key"}},
		selectInstant:      {[]any{1, []byte{}, time.Now()}, []string{"events_pkey"}},
		selectVersions:     {[]any{1, []byte{}, []string{"a"}, []int64{1}, 10, 1 << 20}, []string{"events_pkey", "events_config_name_version_key"}},
		selectAsOfNoData: {[]any{1, []byte{}, 1, []string{"a"}, 10, 1 << 20},
			[]string{"events_milestones", "events_config_name_version_key", "events_pkey"}},
		selectBack: {[]any{1, []byte{}, 9, 1, 5, "", -1, 10, 1 << 20}, []string{"events_pkey"}},
		selectBackActor: {[]any{1, []byte{}, 9, 1, 5, "", -1, 10, 1 << 20, "ann"},
			[]string{"events_pkey", "events_actor"}},
		selectBackNames: {[]any{1, []byte{}, 9, 1, 5, "", -1, 10, 1 << 20, []string{"a"}, nil},
			[]string{"events_milestones", "events_config_name_version_key", "events_pkey"}},
		selectHeads: {[]any{1, []byte{}, []int64{1, 5}}, []string{"events_pkey"}},
		selectNames: {[]any{1, []byte{}, 1, 5}, []string{"events_pkey"}},
		selectNewest: {[]any{1, []byte{}, "", 10, 1 << 20, afterAllNames},
			[]string{"events_config_name_version_key", "events_pkey"}},
		selectMiddle: {[]any{[]int64{1, 5}}, []string{"events_pkey"}},
	} {
		rows, err := s.nodePool.Query(t.Context(), `explain `+query, want.args...)
		if err != nil {
			t.Fatal(err)
		}
		var plan strings.Builder
		for rows.Next() {
			plan.Write(rows.RawValues()[0])
			plan.WriteByte('\n')
		}
		if err := rows.Err(); err != nil {
			t.Fatal(err)
		}
		if query == selectNewest && strings.Contains(plan.String(), "Merge") {
			t.Errorf("%s\njoins whole indexes:\n%s", query, plan.String())
		}
		if strings.Contains(plan.String(), "Seq Scan") {
			t.Errorf("%s\nreads the whole table:\n%s", query, plan.String())
		}
		for _, index := range want.indexes {
			if !strings.Contains(plan.String(), index) {
				t.Errorf("%s\ndoes not use %s:\n%s", query, index, plan.String())
			}
		}
	}
}

// TestInstantIsFoundInABrokenHistory asks for the time of each record when one row is missing: the
// answer is never of a later time.
func TestInstantIsFoundInABrokenHistory(t *testing.T) {
	t.Parallel()
	dsn := postgrestest.NewDatabase(t)
	s := mustOpen(t, dsn, Options{})
	written := records(eventstore.Head{}, 9)
	if err := s.Append(t.Context(), eventstore.Head{}, written); err != nil {
		t.Fatal(err)
	}
	connect(t, dsn).exec(`delete from events where position = 5`)
	for i, want := range []eventstore.Seq{1, 2, 3, 4, 4, 4, 4, 4, 4} {
		got, err := s.ReadInstant(t.Context(), eventstore.Head{}, written[i].RecordedAt)
		if err != nil || got.Seq != want {
			t.Errorf("at the time of record %d: got %d, %v, want %d", i+1, got.Seq, err, want)
		}
	}
}

func TestNamesAreComparedByTheirBytesWhateverTheDatabaseDoes(t *testing.T) {
	t.Parallel()
	dsn := postgrestest.NewDatabase(t)
	mustOpen(t, dsn, Options{})
	got := connect(t, dsn).text(`select collation_name from information_schema.columns where table_name = 'events' and column_name = 'config_name'`)
	if got != "C" {
		t.Errorf("collation of config_name: got %q, want C", got)
	}
}

func TestLargePagesAreTheSameWithAndWithoutTheGuard(t *testing.T) {
	slowtest.Only(t)
	t.Parallel()
	s := mustOpen(t, postgrestest.NewDatabase(t), Options{})
	written := records(eventstore.Head{}, 45)
	for i := range written {
		if i >= 20 {
			written[i].Data = strings.Repeat("x", eventstore.PageBytes/20)
		}
	}
	if err := s.Append(t.Context(), eventstore.Head{}, written); err != nil {
		t.Fatal(err)
	}
	for _, after := range []int{15, 44, 45} {
		want := 0
		for bytes := 0; want < 50 && after+want < len(written) && bytes < eventstore.PageBytes; want++ {
			bytes += len(written[after+want].Data)
		}
		for _, guarded := range []bool{false, true} {
			s.largePages.Store(guarded)
			got, err := s.Read(t.Context(), eventstore.Seq(after), eventstore.Limit{Records: 50})
			if err != nil || len(got) != want {
				t.Fatalf("Read after %d, guarded: %t: got %d records, %v, want %d", after, guarded, len(got), err, want)
			}
		}
	}
}

func TestServerSendsNoMoreThanThePageWhenGuarded(t *testing.T) {
	t.Parallel()
	s := mustOpen(t, postgrestest.NewDatabase(t), Options{})
	written := records(eventstore.Head{}, 9)
	for i := range written {
		written[i].Name, written[i].Version, written[i].Data = "a", i+1, "1234567890"
	}
	if err := s.Append(t.Context(), eventstore.Head{}, written); err != nil {
		t.Fatal(err)
	}
	for maxBytes, want := range map[int]int{1: 1, 10: 1, 11: 2, 20: 2, 51: 5, 52: 5, 1000: 5} {
		for query, args := range map[string][]any{
			selectAfterGuarded: {2, 5, maxBytes},
			selectPage:         {0, []byte{}, 2, 5, maxBytes},
			selectOfConfigBack: {0, []byte{}, "a", 8, 5, maxBytes},
			selectOfConfig:     {0, []byte{}, "a", 2, 5, maxBytes},
			selectBack:         {0, []byte{}, 8, 1, 100, "", -1, 5, maxBytes},
			selectBackNames:    {0, []byte{}, 8, 1, 100, "", -1, 5, maxBytes, []string{"a"}, nil},
		} {
			sent := 0
			count := func([][]byte) (bool, error) { sent++; return true, nil }
			if err := s.query(t.Context(), count, query, args...); err != nil || sent != want {
				t.Errorf("%s\nfor %d bytes: got %d records, %v, want %d", query, maxBytes, sent, err, want)
			}
		}
	}
}

func TestServerSendsNoMoreNamesThanThePage(t *testing.T) {
	t.Parallel()
	s := mustOpen(t, postgrestest.NewDatabase(t), Options{})
	written, names := records(eventstore.Head{}, 9), []string(nil)
	for i := range written {
		written[i].Name, written[i].Data = fmt.Sprint("n", i), "1234567890"
		names = append(names, written[i].Name)
	}
	if err := s.Append(t.Context(), eventstore.Head{}, written); err != nil {
		t.Fatal(err)
	}
	for maxBytes, want := range map[int]int{1: 1, 10: 1, 11: 2, 20: 2, 41: 5, 1000: 5} {
		sent := 0
		count := func([][]byte) (bool, error) { sent++; return true, nil }
		err := s.query(t.Context(), count, selectAsOf, 0, []byte{}, 9, names, 5, maxBytes)
		if err != nil || sent != want {
			t.Errorf("for %d bytes: got %d records, %v, want %d", maxBytes, sent, err, want)
		}
	}
}

func TestGuardIsUsedWhilePagesAreLarge(t *testing.T) {
	t.Parallel()
	var g largePages
	of := func(n, bytes int) *page {
		return &page{records: make([]eventstore.Record, n), bytes: bytes, limit: eventstore.Limit{Records: 10, Bytes: 100}}
	}
	for i, step := range []struct {
		page *page
		want bool
	}{
		{of(10, 99), false},
		{of(3, 100), true},
		{of(10, 50), true},  // neither large nor small
		{of(1, 1), true},    // the last page says nothing
		{of(10, 24), false}, // small
		{of(10, 250), true},
	} {
		if g.learn(step.page); g.Load() != step.want {
			t.Errorf("step %d: got %t, want %t", i, g.Load(), step.want)
		}
	}
}

func TestReadsEndAfterTheirTimeout(t *testing.T) {
	t.Parallel()
	dsn := postgrestest.NewDatabase(t)
	s, other := mustOpen(t, dsn, Options{queryTimeout: 20 * time.Millisecond}), connect(t, dsn)
	other.exec(`begin`)
	other.exec(`lock table events, history_head in access exclusive mode`)
	for what, read := range map[string]func() error{
		"Head": func() error { _, err := s.Head(t.Context()); return err },
		"Read": func() error { _, err := s.Read(t.Context(), 0, eventstore.Limit{Records: 1}); return err },
		"ReadConfig": func() error {
			_, err := s.ReadConfig(t.Context(), eventstore.Head{}, "a", 0, eventstore.Limit{})
			return err
		},
		"ReadAsOf": func() error {
			_, err := s.ReadAsOf(t.Context(), eventstore.Head{}, eventstore.AsOf{At: 1, Names: []string{"a"}}, eventstore.Limit{})
			return err
		},
	} {
		// Either the client or the server (SQLSTATE 57014) ends the read first.
		if err := read(); !errors.Is(err, context.DeadlineExceeded) && (err == nil || !strings.Contains(err.Error(), "57014")) {
			t.Errorf("%s of a locked table: got %v, want a time-out", what, err)
		}
	}
	other.exec(`rollback`)
	var err error
	// A slow machine may need more than one.
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); {
		if _, err = s.Head(t.Context()); err == nil {
			return
		}
	}
	t.Errorf("Head after the lock: %v", err)
}

func TestMalformedRecordIsABreakOfTheChain(t *testing.T) {
	t.Parallel()
	dsn := postgrestest.NewDatabase(t)
	s, other := mustOpen(t, dsn, Options{}), connect(t, dsn)
	mustAppend(t, s, eventstore.Head{}, 3)
	lengths := map[string]int{"hash": 32, "append_id": 16, "salt_who": 16, "salt_what": 16, "what": 32}
	for _, column := range []string{"hash", "append_id", "salt_who", "salt_what", "what", "reverts"} {
		other.exec(`update events set ` + column + ` = '\x01' where position = 2`)
		var broken *eventstore.ChainError
		if _, err := s.Read(t.Context(), 0, eventstore.Limit{Records: 10}); !errors.As(err, &broken) || broken.Seq != 2 {
			t.Errorf("Read with a malformed %s: got %v, want a break at seq 2", column, err)
		}
		if column == "reverts" {
			other.exec(`update events set reverts = null where position = 2`)
			continue
		}
		other.exec(`update events set `+column+` = decode(repeat('00', $1), 'hex') where position = 2`, lengths[column])
	}
	other.exec(`update history_head set hash = '\x01'`)
	if head, err := s.Head(t.Context()); err == nil {
		t.Errorf("Head with a short hash: got %v, want an error", head)
	}
	other.exec(`delete from history_head`)
	if head, err := s.Head(t.Context()); !errors.Is(err, errNoHead) {
		t.Errorf("Head without its row: got %v, %v, want %v", head, err, errNoHead)
	}
}

func TestEqualTextsOfNeighboursAreKeptOnce(t *testing.T) {
	t.Parallel()
	s := mustOpen(t, postgrestest.NewDatabase(t), Options{})
	written := records(eventstore.Head{}, 4)
	ann, bob := "ann", "bob"
	for i, actor := range []*string{&ann, &ann, &bob, nil} {
		written[i].Actor = actor
	}
	var chain eventstore.Chain
	chain.Seal(eventstore.Head{}, eventstore.AppendID{1}, written)
	if err := s.Append(t.Context(), eventstore.Head{}, written); err != nil {
		t.Fatal(err)
	}
	got, err := s.Read(t.Context(), 0, eventstore.Limit{Records: 10})
	if err != nil || !reflect.DeepEqual(got, written) {
		t.Fatalf("Read: got %v, %v, want %v", got, err, written)
	}
	if got[0].Actor != got[1].Actor {
		t.Errorf("the actors of two neighbours are two texts")
	}
}
