package eventstoretest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"configapi/internal/eventstore"
	"configapi/internal/slowtest"
)

var lockLaws = []law{
	{"a locked append gets the head and all missed records", lockedSeesWhatWasMissed},
	{"a locked append does not decide when it is ahead or too far behind", lockedOutOfReach},
	{"what is decided under the lock is written, and nothing else", lockedDecisions},
	{"no append is written while another one decides under the lock", lockedKeepsOthersOut},
	{"a locked append never loses to others", lockedNeverLoses},
}

// lockAppend appends records under the lock, and remembers them.
func (w *writer) lockAppend(after eventstore.Seq, records ...eventstore.Record) {
	w.t.Helper()
	err := w.store.AppendLocked(w.t.Context(), after, func(head eventstore.Head, missed []eventstore.Record) ([]eventstore.Record, []eventstore.Receipt, error) {
		if !head.Same(w.written.head()) || !head.RecordedAt.Equal(w.written.head().RecordedAt) {
			w.t.Errorf("the head is %v, want %v", head, w.written.head())
		}
		mustEqual(w.t, fmt.Sprintf("what was missed after seq %d", after), missed, w.written.read(after, len(w.written)))
		seal(head, records)
		return records, nil, nil
	})
	if err != nil {
		w.t.Fatalf("appending %d records under the lock: %v", len(records), err)
	}
	w.written = append(w.written, records...)
}

func lockedSeesWhatWasMissed(t *testing.T, open func() eventstore.Store) {
	w, other := newWriter(t, open()), open()
	w.lockAppend(0, w.drafts("a")...)
	for i := range 5 {
		w.write("a", "b", "c")
		for _, behind := range []int{0, 1, 3, len(w.written)} {
			w.lockAppend(eventstore.Seq(len(w.written)-behind), w.drafts("b", fmt.Sprint(i))...)
			mustHold(t, other, w.written)
		}
	}
}

func lockedOutOfReach(t *testing.T, open func() eventstore.Store) {
	slowtest.Only(t)
	w := newWriter(t, open())
	refuse := func(after int) {
		t.Helper()
		err := w.store.AppendLocked(t.Context(), eventstore.Seq(after), func(eventstore.Head, []eventstore.Record) ([]eventstore.Record, []eventstore.Receipt, error) {
			t.Errorf("asked for a decision after seq %d", after)
			return nil, nil, nil
		})
		if !errors.Is(err, eventstore.ErrHeadMoved) {
			t.Errorf("locking after seq %d of %d: got %v, want %q", after, len(w.written), err, eventstore.ErrHeadMoved)
		}
	}
	refuse(1)
	w.write("a", "b")
	refuse(3)
	for range eventstore.MaxMissed / 100 {
		w.write(strings.Split(strings.Repeat("a", 100), "")...)
	}
	refuse(0)
	w.lockAppend(2, w.drafts("b")...)
	for range 2 {
		large := w.drafts("c")
		large[0].Data = strings.Repeat("x", eventstore.MaxMissedBytes/2)
		w.append(large...)
	}
	w.write("c")
	refuse(len(w.written) - 3)
	w.lockAppend(eventstore.Seq(len(w.written)-1), w.drafts("b")...)
	mustHold(t, w.store, w.written)
}

func lockedDecisions(t *testing.T, open func() eventstore.Store) {
	w := newWriter(t, open())
	w.write("a")
	undecided := errors.New("undecided")
	for _, test := range []struct {
		records []eventstore.Record
		err     error
		want    []error
	}{
		{nil, nil, nil},
		{nil, undecided, []error{undecided, eventstore.ErrNotWritten}},
		{[]eventstore.Record{draft("b", 1)}, undecided, []error{undecided, eventstore.ErrNotWritten}},
		{[]eventstore.Record{draft("b", 1), draft("a", 1)}, nil, []error{eventstore.ErrNotWritten}},
	} {
		seal(w.written.head(), test.records)
		err := w.store.AppendLocked(t.Context(), 1, func(eventstore.Head, []eventstore.Record) ([]eventstore.Record, []eventstore.Receipt, error) {
			return test.records, nil, test.err
		})
		if err != nil && test.want == nil {
			t.Errorf("deciding to append nothing: got %v", err)
		}
		for _, want := range test.want {
			if !errors.Is(err, want) {
				t.Errorf("deciding on %d records and %v: got %v, want %q", len(test.records), test.err, err, want)
			}
		}
		mustHold(t, w.store, w.written)
	}
	w.lockAppend(0, w.drafts("a", "b")...)
	w.write("b")
	mustHold(t, open(), w.written)
}

// meanwhile is how long other goroutines try what must not be possible.
const meanwhile = 20 * time.Millisecond

func lockedKeepsOthersOut(t *testing.T, open func() eventstore.Store) {
	w := newWriter(t, open())
	others := []eventstore.Store{w.store, open()}
	for round := range 2 * len(others) {
		theirs := []eventstore.Record{draft(fmt.Sprintf("other/%d", round), 1)}
		refused := make(chan error, 1)
		err := w.store.AppendLocked(t.Context(), w.written.head().Seq, func(head eventstore.Head, _ []eventstore.Record) ([]eventstore.Record, []eventstore.Receipt, error) {
			sealAs(appendID(uint64(1000+round)), head, theirs)
			go func() { refused <- others[round%len(others)].Append(t.Context(), head, theirs) }()
			select {
			case err := <-refused:
				t.Errorf("an append returned %v while another one had the lock", err)
				refused <- err
			case <-time.After(meanwhile):
			}
			own := w.drafts("a", "b")
			seal(head, own)
			w.written = append(w.written, own...)
			return own, nil, nil
		})
		if err != nil {
			t.Fatalf("appending under the lock: %v", err)
		}
		if err := <-refused; !errors.Is(err, eventstore.ErrHeadMoved) {
			t.Fatalf("an append after a head that was locked: got %v, want %q", err, eventstore.ErrHeadMoved)
		}
	}
	mustHold(t, others[1], w.written)
}

// lockedNeverLoses appends from several goroutines, with the lock and without.
func lockedNeverLoses(t *testing.T, open func() eventstore.Store) {
	const writers = 6
	appends := slowtest.Rounds(6, 15)
	stores := []eventstore.Store{open(), open()}
	group, ctx := errgroup.WithContext(t.Context())
	for i := range writers {
		r := racer{store: stores[i%2], name: fmt.Sprintf("racer/%d", i), id: uint64(i) << 32}
		group.Go(func() error {
			var known eventstore.Seq
			for n := range appends {
				var err error
				if i < 2 {
					_, err = r.append(ctx, 1+n%3)
				} else {
					known, err = r.appendLocked(ctx, known, 1+n%3)
				}
				if err != nil {
					return err
				}
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
	all, err := Verify(t.Context(), stores[0])
	if err != nil {
		t.Fatal(err)
	}
	if want := writers * appends * 2; len(all) != want {
		t.Errorf("got %d records, want %d", len(all), want)
	}
}

// appendLocked appends n records under the lock, and returns the seq of the last one.
func (r *racer) appendLocked(ctx context.Context, after eventstore.Seq, n int) (newest eventstore.Seq, err error) {
	r.id++
	err = r.store.AppendLocked(ctx, after, func(head eventstore.Head, missed []eventstore.Record) ([]eventstore.Record, []eventstore.Receipt, error) {
		if after+eventstore.Seq(len(missed)) != head.Seq {
			return nil, nil, fmt.Errorf("%d records lead from seq %d to %d", len(missed), after, head.Seq)
		}
		records := make([]eventstore.Record, n)
		for i := range records {
			records[i] = draft(r.name, r.version+1+i)
			records[i].ChangeSet = head.Seq + eventstore.Seq(n)
		}
		newest = sealAs(appendID(r.id), head, records).Seq
		return records, nil, nil
	})
	r.version += n
	return newest, err
}
