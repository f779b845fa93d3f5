package eventstoretest

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"

	"golang.org/x/sync/errgroup"

	"configapi/internal/eventstore"
	"configapi/internal/slowtest"
)

var raceLaws = []law{
	{"of several appends after one head exactly one wins", oneWinnerPerHead},
	{"the same append sent twice at once is written once", sameAppendAtOnce},
	{"racing writers leave no gap and lose nothing", racingWriters},
	{"readers never see a gap or a part of an append", readersDuringWrites},
}

func oneWinnerPerHead(t *testing.T, open func() eventstore.Store) {
	const writers = 8
	stores := []eventstore.Store{open(), open()}
	var written model
	for round := range slowtest.Rounds(8, 20) {
		appends := make([][]eventstore.Record, writers)
		for i := range appends {
			for k := range 1 + i%3 {
				appends[i] = append(appends[i], draft(fmt.Sprintf("%d/%d/%d", round, i, k), 1))
			}
			sealAs(appendID(uint64(round*writers+i)), written.head(), appends[i])
		}
		winner := mustHaveOneWinner(t, stores, written.head(), appends)
		written = append(written, appends[winner]...)
		mustHaveHead(t, stores[round%2], written.head())
	}
	mustHold(t, stores[0], written)
	mustHold(t, stores[1], written)
}

func sameAppendAtOnce(t *testing.T, open func() eventstore.Store) {
	stores := []eventstore.Store{open(), open()}
	w := newWriter(t, stores[0])
	for range slowtest.Rounds(8, 20) {
		records := w.drafts("a", "b")
		seal(w.written.head(), records)
		mustHaveOneWinner(t, stores, w.written.head(), [][]eventstore.Record{records, records})
		w.written = append(w.written, records...)
	}
	mustHold(t, stores[1], w.written)
}

// mustHaveOneWinner sends all appends at once, and returns the index of the one that was written.
// All others must return ErrHeadMoved.
func mustHaveOneWinner(t *testing.T, stores []eventstore.Store, head eventstore.Head, appends [][]eventstore.Record) int {
	t.Helper()
	start := make(chan struct{})
	outcomes := make([]error, len(appends))
	var group errgroup.Group
	for i := range appends {
		group.Go(func() error {
			<-start
			outcomes[i] = stores[i%len(stores)].Append(t.Context(), head, appends[i])
			return nil
		})
	}
	close(start)
	_ = group.Wait()
	winner := -1
	for i, err := range outcomes {
		switch {
		case err == nil && winner >= 0:
			t.Fatalf("appends %d and %d were both acknowledged after %s", winner, i, head.Position())
		case err == nil:
			winner = i
		case !errors.Is(err, eventstore.ErrHeadMoved):
			t.Fatalf("append %d after %s: got error %v, want %q", i, head.Position(), err, eventstore.ErrHeadMoved)
		}
	}
	if winner < 0 {
		t.Fatalf("no append after %s was acknowledged", head.Position())
	}
	return winner
}

func racingWriters(t *testing.T, open func() eventstore.Store) {
	const writers = 6
	appends := slowtest.Rounds(6, 15)
	stores := []eventstore.Store{open(), open()}
	acknowledged := make([][]eventstore.Record, writers)
	group, ctx := errgroup.WithContext(t.Context())
	for i := range writers {
		r := racer{store: stores[i%2], name: fmt.Sprintf("racer/%d", i), id: uint64(i) << 32}
		group.Go(func() error {
			for n := range appends {
				records, err := r.append(ctx, 1+n%3)
				if err != nil {
					return err
				}
				acknowledged[i] = append(acknowledged[i], records...)
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
	total := 0
	for i := range acknowledged {
		total += len(acknowledged[i])
		mustEqual(t, "acknowledged records", model(all).readConfig(fmt.Sprintf("racer/%d", i), 0, len(all)), acknowledged[i])
	}
	if len(all) != total {
		t.Errorf("got %d records, want the %d acknowledged ones", len(all), total)
	}
}

// racer appends records of one name after whatever head it finds, until it succeeds.
type racer struct {
	store   eventstore.Store
	name    string
	version int
	id      uint64 // of the next append
}

// append appends n records as one change set, and returns them.
func (r *racer) append(ctx context.Context, n int) ([]eventstore.Record, error) {
	for {
		head, err := r.store.Head(ctx)
		if err != nil {
			return nil, err
		}
		records := make([]eventstore.Record, n)
		for i := range records {
			records[i] = draft(r.name, r.version+1+i)
			records[i].ChangeSet = head.Seq + eventstore.Seq(n)
		}
		r.id++
		sealAs(appendID(r.id), head, records)
		err = r.store.Append(ctx, head, records)
		if err == nil {
			r.version += n
			return records, nil
		}
		if !errors.Is(err, eventstore.ErrHeadMoved) {
			return nil, fmt.Errorf("appending after %s: %w", head.Position(), err)
		}
	}
}

func readersDuringWrites(t *testing.T, open func() eventstore.Store) {
	const writers, readers = 3, 3
	appends := slowtest.Rounds(6, 12)
	stores := []eventstore.Store{open(), open()}
	var writing atomic.Int32
	writing.Store(writers)
	group, ctx := errgroup.WithContext(t.Context())
	for i := range writers {
		r := racer{store: stores[i%2], name: fmt.Sprintf("racer/%d", i), id: uint64(i) << 32}
		group.Go(func() error {
			defer writing.Add(-1)
			for n := range appends {
				if _, err := r.append(ctx, 1+n%6); err != nil {
					return err
				}
			}
			return nil
		})
	}
	for i := range readers {
		r := follower{store: stores[i%2]}
		group.Go(func() error {
			for writing.Load() > 0 {
				if err := r.follow(ctx); err != nil {
					return err
				}
			}
			return r.follow(ctx)
		})
	}
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
}

// follower reads new records again and again, and reports what must not be visible.
type follower struct {
	store eventstore.Store
	chain eventstore.Chain
	seen  eventstore.Head
}

func (f *follower) follow(ctx context.Context) error {
	before, err := f.store.Head(ctx)
	if err != nil {
		return err
	}
	page, err := f.store.Read(ctx, f.seen.Seq, eventstore.Limit{})
	if err != nil {
		return err
	}
	if f.seen, err = f.chain.Verify(f.seen, page); err != nil {
		return err
	}
	if f.seen.Seq < before.Seq {
		return fmt.Errorf("the head was at seq %d, but the records read after that end at %d", before.Seq, f.seen.Seq)
	}
	if len(page) == 0 {
		return nil
	}
	last := page[len(page)-1]
	if last.ChangeSet != last.Seq {
		return fmt.Errorf("the records read end at seq %d, within an append that ends at %d", last.Seq, last.ChangeSet)
	}
	return f.followBy(ctx, last)
}

// followBy checks that a record that was read once is found by all other reads, too.
func (f *follower) followBy(ctx context.Context, last eventstore.Record) error {
	after, err := f.store.Head(ctx)
	if err != nil {
		return err
	}
	if after.Seq < last.Seq {
		return fmt.Errorf("seq %d was read, but the head after that is at %d", last.Seq, after.Seq)
	}
	found, err := f.store.ReadAsOf(ctx, f.seen, eventstore.AsOf{At: last.Seq, Names: []string{last.Name}}, eventstore.Limit{})
	if err != nil {
		return err
	}
	if len(found) != 1 || found[0].Hash != last.Hash {
		return fmt.Errorf("as of seq %d, config %q is not what was read there", last.Seq, last.Name)
	}
	found, err = f.store.ReadConfig(ctx, f.seen, last.Name, last.Version-1, eventstore.Limit{Records: 1})
	if err != nil {
		return err
	}
	if len(found) != 1 || found[0].Hash != last.Hash {
		return fmt.Errorf("version %d of config %q is not what was read at seq %d", last.Version, last.Name, last.Seq)
	}
	return nil
}
