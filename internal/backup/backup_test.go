package backup_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"configapi/internal/backup"
	"configapi/internal/config"
	"configapi/internal/eventstore"
	"configapi/internal/eventstore/memory"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"
)

// TestFormat reads a file of version 1 and writes it again. The file never changes, because people
// keep backups for years.
func TestFormat(t *testing.T) {
	file, err := os.ReadFile("testdata/version1.ndjson")
	if err != nil {
		t.Fatal(err)
	}
	want := []eventstore.Record{
		{Name: "payments/timeout", Version: 1, Type: "ConfigValueSet", Data: `{"value":"30s"}`, RecordedAt: epoch, ChangeSet: 2},
		{
			Name: "$token/ci", Version: 1, Type: "TokenIssued", Data: `{"x":"\\u0001\"\\\\€🏃"}`,
			Actor: new("anna"), Reason: new("slow\nbank\u007f\u2028"), RecordedAt: epoch.Add(time.Microsecond), ChangeSet: 2,
		},
		{
			Name: "payments/timeout", Version: 2, Type: "ConfigValueDeleted", Data: `{}`,
			Actor: new(""), Reason: new(""), RecordedAt: epoch.Add(time.Second), ChangeSet: 3,
		},
		{
			Name: "payments/timeout", Version: 3, Type: "ConfigValueRestored", Erased: true,
			RecordedAt: epoch.Add(2 * time.Second), ChangeSet: 4, Reverts: &eventstore.Position{Seq: 3, Prefix: [4]byte{0x9f, 0x3a, 0x21, 0xc0}},
		},
		{Name: "$erased/by", Version: 1, Type: "TestErased", Data: `[4]`, RecordedAt: epoch.Add(2*time.Second + time.Microsecond), ChangeSet: 5},
	}
	got, err := readAll(bytes.NewReader(file)) // it verifies the chain
	if err != nil {
		t.Fatal(err)
	}
	if again := MustWrite(t, MustHold(t, got)); !bytes.Equal(again, file) {
		t.Errorf("got %s\nwant %s", again, file)
	}
	chained := cmpopts.IgnoreFields(eventstore.Record{}, "Seq", "Hash", "SchemaVersion", "AppendID", "SaltWho", "SaltWhat", "What")
	if diff := cmp.Diff(want, got, chained); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// TestRestoredHistoryIsTheSame moves random histories from store to store: all backups are the same
// bytes, and all records are the same.
func TestRestoredHistoryIsTheSame(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		records := anyHistory().Draw(rt, "history")
		want := MustWrite(t, MustHold(t, records))
		into := memory.New()
		MustRestore(t, want, into)
		mustHave(t, into, records)
		if got := MustWrite(t, into); !bytes.Equal(got, want) {
			rt.Fatalf("got %s\nwant %s", got, want)
		}
	})
	for seed := range 3 {
		records := anyHistory().Example(seed)
		want := MustWrite(t, MustHold(t, records))
		last := want
		for _, kind := range []string{"sqlite", "postgres", "sqlite", "memory", "postgres"} {
			into := MustOpen(t, kind)
			did := MustRestore(t, last, into)
			if n := eventstore.Seq(len(records)); did.Found != 0 || did.Added != n || did.Head.Seq != n {
				t.Errorf("%s: got %+v, want %d events added", kind, did, n)
			}
			mustHave(t, into, records)
			if last = MustWrite(t, into); !bytes.Equal(last, want) {
				t.Fatalf("%s: got %s\nwant %s", kind, last, want)
			}
		}
	}
}

func mustHave(t *testing.T, store backup.Source, want []eventstore.Record) {
	t.Helper()
	got, err := store.Read(t.Context(), 0, eventstore.Limit{})
	if err != nil {
		t.Fatal(err)
	}
	// cmp.Diff is a hundred times slower.
	if len(want)+len(got) > 0 && !reflect.DeepEqual(want, got) {
		t.Fatalf("(-want +got)\n%s", cmp.Diff(want, got))
	}
}

// TestRestoreGoesOn restores ever longer backups of one history into one store.
func TestRestoreGoesOn(t *testing.T) {
	for _, kind := range kinds {
		t.Run(kind, func(t *testing.T) {
			var f filler
			records := f.next(9000)
			into := MustOpen(t, kind)
			found := 0
			for _, n := range []int{0, 1, 8192, 8192, 9000} {
				of := MustWrite(t, MustHold(t, records[:n]))
				did := MustRestore(t, of, into)
				if int(did.Found) != found || int(did.Added) != n-found {
					t.Errorf("%d events after %d: got %+v", n, found, did)
				}
				if got := MustWrite(t, into); !bytes.Equal(got, of) {
					t.Fatalf("%d events after %d: the store has another history", n, found)
				}
				found = n
			}
			mustBeWhole(t, into)
		})
	}
}

func mustBeWhole(t *testing.T, store backup.Target) {
	t.Helper()
	if target, err := store.RestoreTarget(t.Context()); err != nil || target.Seq != 0 {
		t.Errorf("got an unfinished restore to %+v, %v", target, err)
	}
}

// TestCutBackupLeavesAnUnfinishedStore: what was restored of it stays, and a whole backup goes on.
func TestCutBackupLeavesAnUnfinishedStore(t *testing.T) {
	for _, kind := range kinds {
		t.Run(kind, func(t *testing.T) {
			var f filler
			whole := MustWrite(t, MustHold(t, f.next(9500)))
			into := MustOpen(t, kind)
			_, err := restore(t, whole[:len(whole)*9/10], into)
			if damaged := new(backup.DamagedError); !errors.As(err, &damaged) || !strings.Contains(err.Error(), "cut off") {
				t.Errorf("got %v, want that the file was cut off", err)
			}
			target, err := into.RestoreTarget(t.Context())
			if head, _ := into.Head(t.Context()); err != nil || !target.Same(f.head) || head.Seq == 0 {
				t.Errorf("got an unfinished restore to %+v, %v, and head %+v", target, err, head)
			}
			if did := MustRestore(t, whole, into); did.Found == 0 || did.Head.Seq != 9500 {
				t.Errorf("got %+v", did)
			}
			mustBeWhole(t, into)
			if !bytes.Equal(MustWrite(t, into), whole) {
				t.Error("the store has another history")
			}
		})
	}
}

// TestOtherHistoriesAreRefused: the store is not changed, and not marked.
func TestOtherHistoriesAreRefused(t *testing.T) {
	var f, g filler
	f.random, g.random = 1, 2
	records, others := f.next(100), g.next(50)
	changed := bytes.Clone([]byte(records[10].Data))
	changed[10]++
	edited := append([]eventstore.Record{}, records[:50]...)
	edited[10].Data = string(changed)
	erased := erase(records, 21)
	for _, test := range []struct {
		name   string
		backup []eventstore.Record
		store  []eventstore.Record
		want   string
	}{
		{"longer", records, append(append([]eventstore.Record{}, records...), f.next(1)...), "the store has 101 events, more than the 100 of the backup"},
		{"another", records, others, "the store has another event than the backup at position 1;"},
		{"the same hashes, other data", records, edited, "the store has another event than the backup at position 11;"},
		{"a value that was erased since", erased, records[:50], "the store has another event than the backup at position 21;"},
	} {
		t.Run(test.name, func(t *testing.T) {
			into := MustHold(t, test.store)
			_, err := restore(t, MustWrite(t, MustHold(t, test.backup)), into)
			if refused := new(backup.RefusedError); !errors.As(err, &refused) || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %q", err, test.want)
			}
			mustBeWhole(t, into)
			mustHave(t, into, test.store)
		})
	}
}

// TestChangeSetsAreAppendedWhole looks at the appends of a restore.
func TestChangeSetsAreAppendedWhole(t *testing.T) {
	var f filler
	records := f.next(18_000)
	for i := range records { // sets of 700, the last of which is cut
		records[i].ChangeSet = eventstore.Seq(min((i/700+1)*700, len(records)))
	}
	new(eventstore.Chain).Seal(eventstore.Head{}, appendID(1), records)
	into := &appends{Store: memory.New()}
	MustRestore(t, MustWrite(t, MustHold(t, records)), into)
	for _, append := range into.appends {
		if last := append[len(append)-1]; last.Seq != last.ChangeSet {
			t.Errorf("an append ends at %d, inside the change set that ends at %d", last.Seq, last.ChangeSet)
		}
	}
	if len(into.appends) < 2 || len(into.appends) > 3 {
		t.Errorf("got %d appends of 18,000 events", len(into.appends))
	}
}

// appends remembers the appends to a store.
type appends struct {
	*memory.Store
	appends [][]eventstore.Record
}

func (a *appends) Append(ctx context.Context, expected eventstore.Head, records []eventstore.Record, receipts ...eventstore.Receipt) error {
	a.appends = append(a.appends, records)
	return a.Store.Append(ctx, expected, records, receipts...)
}

// TestHugeChangeSetIsAppendedInParts: memory is bounded, whatever the file says.
func TestHugeChangeSetIsAppendedInParts(t *testing.T) {
	var f filler
	records := f.next(18_000)
	for i := range records {
		records[i].ChangeSet = 18_000
	}
	new(eventstore.Chain).Seal(eventstore.Head{}, appendID(1), records)
	into := &appends{Store: memory.New()}
	whole := MustWrite(t, MustHold(t, records))
	MustRestore(t, whole, into)
	if len(into.appends) < 2 {
		t.Errorf("got %d appends of 18,000 events", len(into.appends))
	}
	if !bytes.Equal(MustWrite(t, into), whole) {
		t.Error("the store has another history")
	}
}

// TestAnotherWriterEndsARestore: the head decides.
func TestAnotherWriterEndsARestore(t *testing.T) {
	var f filler
	whole := MustWrite(t, MustHold(t, f.next(9000)))
	into := &intruded{Store: memory.New()}
	_, err := restore(t, whole, into)
	if !errors.Is(err, eventstore.ErrHeadMoved) || !strings.Contains(err.Error(), "another program writes to the store") {
		t.Errorf("got %v", err)
	}
}

// intruded is a store to which another program writes after the first append.
type intruded struct{ *memory.Store }

func (i *intruded) Append(ctx context.Context, expected eventstore.Head, records []eventstore.Record, receipts ...eventstore.Receipt) error {
	if err := i.Store.Append(ctx, expected, records, receipts...); err != nil || expected.Seq > 0 {
		return err
	}
	other := eventstore.Record{Name: "other", Version: 1, Type: "ConfigValueSet", SchemaVersion: 1, Data: "{}", RecordedAt: epoch.Add(1 << 50)}
	one := []eventstore.Record{other}
	before := eventstore.HeadOf(&records[len(records)-1])
	new(eventstore.Chain).Seal(before, appendID(99), one)
	return i.Store.Append(ctx, before, one)
}

// TestBrokenHistoryIsNotBackedUp names the first position that is wrong.
func TestBrokenHistoryIsNotBackedUp(t *testing.T) {
	var f filler
	records := f.next(5000)
	for what, test := range map[string]struct {
		change func(records []eventstore.Record) (eventstore.Head, []eventstore.Record)
		want   eventstore.Seq
	}{
		"edited": {func(r []eventstore.Record) (eventstore.Head, []eventstore.Record) {
			r[4500].Data += " "
			return f.head, r
		}, 4501},
		"cut": {func(r []eventstore.Record) (eventstore.Head, []eventstore.Record) { return f.head, r[:4800] }, 4801},
		"removed": {func(r []eventstore.Record) (eventstore.Head, []eventstore.Record) {
			return f.head, append(r[:9:9], r[10:]...)
		}, 10},
		"head": {func(r []eventstore.Record) (eventstore.Head, []eventstore.Record) {
			return eventstore.Head{Seq: 5000}, r
		}, 5000},
		"no text": {func(r []eventstore.Record) (eventstore.Head, []eventstore.Record) {
			r[8].Data = "\xff"
			return new(eventstore.Chain).Seal(eventstore.Head{}, appendID(1), r), r
		}, 9},
	} {
		t.Run(what, func(t *testing.T) {
			store := memory.New()
			if err := store.Replace(test.change(append([]eventstore.Record{}, records...))); err != nil {
				t.Fatal(err)
			}
			_, err := backup.Write(t.Context(), io.Discard, store, codec, nil)
			if broken := new(eventstore.ChainError); !errors.As(err, &broken) || broken.Seq != test.want {
				t.Errorf("got %v, want position %d", err, test.want)
			}
		})
	}
}

// TestBackupIsOfTheHeadAtItsBeginning: what is written meanwhile is not in it.
func TestBackupIsOfTheHeadAtItsBeginning(t *testing.T) {
	var f filler
	first := f.next(9000)
	store := MustHold(t, first)
	want := MustWrite(t, store)
	before := f.head
	var out bytes.Buffer
	done := eventstore.Seq(0)
	head, err := backup.Write(t.Context(), &out, store, codec, func(n, of eventstore.Seq) {
		if done = n; of != 9000 {
			t.Errorf("got %d of %d events", n, of)
		}
		next := f.next(10)
		if err := store.Append(t.Context(), before, next); err != nil {
			t.Error(err)
		}
		before = f.head
	})
	if err != nil || head.Seq != 9000 || done != 9000 || !bytes.Equal(out.Bytes(), want) {
		t.Errorf("got head %+v, %v, %d done, and other bytes: %t", head, err, done, !bytes.Equal(out.Bytes(), want))
	}
}

// TestErasedValuesMustBeExplained: a missing value without an event that says so is a broken
// history, in a store and in a file.
func TestErasedValuesMustBeExplained(t *testing.T) {
	var f filler
	records := f.next(5000)
	whole := erase(records, 7, 4999)
	file := MustWrite(t, MustHold(t, whole))
	if got, err := readAll(bytes.NewReader(file)); err != nil || len(got) != 5001 {
		t.Fatalf("got %d events, %v", len(got), err)
	}

	_, err := backup.Write(t.Context(), io.Discard, MustHold(t, whole[:5000]), codec, nil)
	if broken := new(eventstore.ChainError); !errors.As(err, &broken) || broken.Seq != 7 {
		t.Errorf("without the event that says so: got %v, want position 7", err)
	}
	var cut bytes.Buffer // as if no event said so: the codec knows none that erases
	if _, err := backup.Write(t.Context(), &cut, MustHold(t, whole), config.Codec{}, nil); err == nil {
		t.Error("a codec that does not know the event explains it")
	}
	reader, err := backup.NewReader(bytes.NewReader(file), config.Codec{})
	if err != nil {
		t.Fatal(err)
	}
	_, err = backup.Restore(t.Context(), reader, memory.New(), backup.Options{})
	if damaged := new(backup.DamagedError); !errors.As(err, &damaged) || damaged.Line != 8 || !strings.Contains(err.Error(), "position 7: its data is missing") {
		t.Errorf("restoring: got %v, want line 8", err)
	}
}

// TestErasedWhileABackupIsMade: the backup has neither the value nor the event that says so, and
// another one has both.
func TestErasedWhileABackupIsMade(t *testing.T) {
	var f filler
	records := f.next(9000)
	store := MustHold(t, records)
	whole := erase(records, 8999)
	_, err := backup.Write(t.Context(), io.Discard, store, codec, func(done, _ eventstore.Seq) {
		if done == 4096 {
			if err := store.Replace(eventstore.HeadOf(&whole[9000]), whole); err != nil {
				t.Error(err)
			}
		}
	})
	if !errors.Is(err, backup.ErrErasedMeanwhile) {
		t.Errorf("got %v", err)
	}
	MustWrite(t, store)
}
