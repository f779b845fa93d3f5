package projection_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"configapi/internal/config"
	"configapi/internal/eventstore"
	"configapi/internal/eventstore/memory"
	"configapi/internal/projection"
)

// longHistory has three names and change sets of several events; one config is deleted and one is
// deleted and restored. Its newest events are of one name alone.
func longHistory(t testing.TB) *history {
	h := newHistory(t)
	for i := range 40 {
		h.set("a", fmt.Sprint(i))
		h.commit(set(t, "b", fmt.Sprint(i)), set(t, "c/d", "x"), set(t, "a", "y"))
	}
	h.commit(remove(t, "b"), remove(t, "c/d"))
	h.commit(config.Restore{Name: mustName(t, "c/d")})
	for i := range 60 {
		h.set("a", fmt.Sprint("late ", i))
	}
	return h
}

// loading is a follower of a long history that loads its state.
type loading struct {
	*projection.Follower
	*projection.Projection
	heard  *listener
	loaded eventstore.Head
}

func newLoading(source projection.Source, opts projection.Options) *loading {
	l := &loading{heard: &listener{}}
	l.Projection = projection.New(l.heard)
	opts.Loaded = func(at eventstore.Head) { l.loaded = at }
	l.Follower = projection.NewFollower(l.Projection, source, opts)
	return l
}

// states returns all states of a view.
func states(view *projection.View) (all []projection.Config) {
	view.Ascend(config.Filter{}, "", func(c *projection.Config) bool {
		all = append(all, *c)
		return true
	})
	return all
}

func TestLoadedStateIsThatOfAReplay(t *testing.T) {
	h := longHistory(t)
	replay := newLoading(appended(t, h), projection.Options{Replay: true})
	if err := replay.CatchUp(t.Context()); err != nil || replay.loaded.Seq != 0 {
		t.Fatal(err, replay.loaded)
	}
	for _, recent := range []int{1, 2, 10, 61, 62, 63, 64, 150} {
		for _, page := range []int{1, 2, 3, 0} {
			l := newLoading(appended(t, h), projection.Options{RecentEvents: recent, PageSize: page})
			if err := l.CatchUp(t.Context()); err != nil {
				t.Fatal(err)
			}
			h.mustShow(l.View())
			if got, want := states(l.View()), states(replay.View()); !reflect.DeepEqual(got, want) {
				t.Errorf("%d recent events: got states\n%+v, want\n%+v", recent, got, want)
			}
			if l.loaded.Seq == 0 || l.heard.begun != l.loaded {
				t.Errorf("%d recent events: loaded at %d, the publisher begins at %d", recent, l.loaded.Seq, l.heard.begun.Seq)
			}
			if n := len(l.heard.heard); n < min(recent-3, 60) || n != int(h.head.Seq-l.loaded.Seq) {
				t.Errorf("%d recent events: published %d, loaded at %d", recent, n, l.loaded.Seq)
			}
		}
	}
}

// TestWhenAReplayIsAsCheap has histories that are short, or in which nearly every event has a name
// of its own.
func TestWhenAReplayIsAsCheap(t *testing.T) {
	names := newHistory(t)
	for i := range 300 {
		names.set(fmt.Sprintf("n%d", i), "x")
	}
	for what, row := range map[string]struct {
		h      *history
		recent int
	}{"short": {longHistory(t), 1000}, "of many names": {names, 10}, "empty": {newHistory(t), 0}} {
		l := newLoading(appended(t, row.h), projection.Options{RecentEvents: row.recent})
		if err := l.CatchUp(t.Context()); err != nil || l.loaded.Seq != 0 {
			t.Errorf("%s: loaded at %d, %v", what, l.loaded.Seq, err)
		}
		row.h.mustShow(l.View())
	}
}

// TestLargeRecentEvents has recent events that are too large to be read twice.
func TestLargeRecentEvents(t *testing.T) {
	h := longHistory(t)
	for range 20 {
		h.set("a", strings.Repeat("x", config.DefaultMaxValueBytes))
	}
	l := newLoading(appended(t, h), projection.Options{RecentEvents: 100})
	if err := l.CatchUp(t.Context()); err != nil {
		t.Fatal(err)
	}
	h.mustShow(l.View())
	if read := h.head.Seq - l.loaded.Seq; read > 1 {
		t.Errorf("%d events were read twice, although a page of 8 MiB does not hold the newest 10", read)
	}
}

// TestTamperedNewestRecords changes records that a load reads. It notices, and reads the whole
// history, which breaks at the record that was changed.
func TestTamperedNewestRecords(t *testing.T) {
	h := longHistory(t)
	deletionOfB := eventstore.Seq(161)
	for _, row := range []struct {
		name   string
		change func([]eventstore.Record) []eventstore.Record
		found  eventstore.Seq
	}{
		{"an edited newest record", func(r []eventstore.Record) []eventstore.Record { r[deletionOfB-1].Type = "ConfigValueSet"; return r }, deletionOfB},
		{"an edited neighbour", func(r []eventstore.Record) []eventstore.Record { r[deletionOfB-2].Hash[0]++; return r }, deletionOfB - 1},
		{"a removed newest record", func(r []eventstore.Record) []eventstore.Record {
			return slices.Delete(r, int(deletionOfB)-1, int(deletionOfB))
		}, deletionOfB},
		{"a removed neighbour", func(r []eventstore.Record) []eventstore.Record {
			return slices.Delete(r, int(deletionOfB)-2, int(deletionOfB)-1)
		}, deletionOfB - 1},
		{"swapped neighbours", func(r []eventstore.Record) []eventstore.Record {
			a, b := &r[deletionOfB-2], &r[deletionOfB-1]
			*a, *b = *b, *a
			a.Seq, b.Seq = b.Seq, a.Seq
			return r
		}, deletionOfB - 1},
		{"a removed first record", func(r []eventstore.Record) []eventstore.Record { return slices.Delete(r, 1, 2) }, 2},
		{"a cut end", func(r []eventstore.Record) []eventstore.Record { return r[:len(r)-1] }, h.head.Seq},
	} {
		store := memory.New()
		if err := store.Replace(h.head, row.change(slices.Clone(h.records))); err != nil {
			t.Fatal(err)
		}
		for _, recent := range []int{1, 20, 61} {
			l := newLoading(store, projection.Options{RecentEvents: recent})
			var broken *eventstore.ChainError
			if err := l.CatchUp(t.Context()); !errors.As(err, &broken) || broken.Seq != row.found {
				t.Errorf("%s, %d recent events: got %v, want a break at seq %d", row.name, recent, err, row.found)
			}
		}
	}
}

// TestPartsOfNames loads from a store that reads two parts of the names at once: the later one
// comes first.
func TestPartsOfNames(t *testing.T) {
	h := longHistory(t)
	h.set("x", "1")
	h.set("y", "1")
	for range 20 {
		h.set("a", "z")
	}
	source := &faulty{operations: operations{real: appended(t, h)}}
	source.newest = func(ctx context.Context, basis eventstore.Head, yield func([]eventstore.Newest) error) error {
		var parts [2][]eventstore.Newest
		err := source.real.EachNewest(ctx, basis, func(page []eventstore.Newest) error {
			for _, n := range page {
				if n.Name > "b" {
					n.Part, n.Order = 1, len(parts[1])
				}
				parts[n.Part] = append(parts[n.Part], n)
			}
			return nil
		})
		return cmp.Or(err, yield(parts[1]), yield(parts[0]))
	}
	l := newLoading(source, projection.Options{RecentEvents: 10})
	if err := l.CatchUp(t.Context()); err != nil || l.loaded.Seq == 0 {
		t.Errorf("got %v, and a state that was loaded at seq %d", err, l.loaded.Seq)
	}
	h.mustShow(l.View())
}

// TestNewestRecordThatIsThereTwice reads the newest record of one name in place of another's, with
// the same version. That is not loaded.
func TestNewestRecordThatIsThereTwice(t *testing.T) {
	h := longHistory(t)
	h.set("x", "1")
	h.set("y", "1")
	for range 20 {
		h.set("a", "z")
	}
	source := &faulty{operations: operations{real: appended(t, h)}}
	source.newest = func(ctx context.Context, basis eventstore.Head, yield func([]eventstore.Newest) error) error {
		var x eventstore.Newest
		return source.real.EachNewest(ctx, basis, func(page []eventstore.Newest) error {
			for i := range page {
				switch page[i].Name {
				case "x":
					x = page[i]
				case "y":
					x.Order = page[i].Order
					page[i] = x
				}
			}
			return yield(page)
		})
	}
	l := newLoading(source, projection.Options{RecentEvents: 10})
	if err := l.CatchUp(t.Context()); err != nil || l.loaded.Seq != 0 {
		t.Errorf("got %v, and a state that was loaded at seq %d", err, l.loaded.Seq)
	}
	h.mustShow(l.View())
}

// TestLoadedStreams has erasures among the events that a load does not read one by one.
func TestLoadedStreams(t *testing.T) {
	h := longHistory(t)
	h.erase(1, 2, 3, 5)
	h.set("a", "between")
	h.erase(2, 7)
	for range 30 {
		h.set("a", "later")
	}
	store := memory.New()
	if err := store.Replace(h.head, h.records); err != nil {
		t.Fatal(err)
	}
	replay := newLoading(store, projection.Options{Replay: true, Codec: erasureCodec()})
	if err := replay.CatchUp(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, recent := range []int{1, 31, 33, 100} {
		l := newLoading(store, projection.Options{RecentEvents: recent, Codec: erasureCodec()})
		if err := l.CatchUp(t.Context()); err != nil || l.loaded.Seq == 0 {
			t.Fatalf("loaded at %d, %v", l.loaded.Seq, err)
		}
		h.mustShow(l.View())
		if got, want := states(l.View()), states(replay.View()); !reflect.DeepEqual(got, want) {
			t.Errorf("got states\n%+v, want\n%+v", got, want)
		}
		if got, want := l.View().Stream("$erasure"), replay.View().Stream("$erasure"); !reflect.DeepEqual(got, want) {
			t.Errorf("the stream is at %+v, want %+v", got, want)
		}
		for seq := range h.head.Seq + 1 {
			if replay.View().IsErased(seq) && !l.View().MayBeErased(seq) {
				t.Errorf("loaded at %d: position %d is said not to be erased", l.loaded.Seq, seq)
			}
		}
	}
	// The standard codec does not know the events, old ones and new ones alike.
	var unknown *config.UnknownEventError
	for _, recent := range []int{10, 100} {
		if err := newLoading(store, projection.Options{RecentEvents: recent}).CatchUp(t.Context()); !errors.As(err, &unknown) {
			t.Errorf("with a program that does not know the events: got %v", err)
		}
	}
}

// TestOldTamperingIsLoaded changes a record that no load reads: that is for a [projection.Verifier]
// to find.
func TestOldTamperingIsLoaded(t *testing.T) {
	h := longHistory(t)
	records := slices.Clone(h.records)
	records[9].Data = `{"value":"forged"}`
	store := memory.New()
	if err := store.Replace(h.head, records); err != nil {
		t.Fatal(err)
	}
	l := newLoading(store, projection.Options{RecentEvents: 10})
	if err := l.CatchUp(t.Context()); err != nil {
		t.Fatal(err)
	}
	h.mustShow(l.View())
}

// TestUnknownEventIsNotLoaded has an event that this program does not know as the newest of a name.
func TestUnknownEventIsNotLoaded(t *testing.T) {
	h := longHistory(t)
	h.seal([]eventstore.Record{{Name: "c/d", Version: 43, Type: "ConfigRenamed", SchemaVersion: 1, RecordedAt: h.head.RecordedAt.Add(time.Microsecond)}})
	for range 20 {
		h.set("a", "x")
	}
	l := newLoading(appended(t, h), projection.Options{RecentEvents: 5})
	var unknown *config.UnknownEventError
	if err := l.CatchUp(t.Context()); !errors.As(err, &unknown) || !projection.Permanent(err) {
		t.Errorf("got %v, want that the event is not known", err)
	}
}

// TestHistoryThatIsReplacedWhileItIsLoaded replaces it after its head was read. That is no rebuild:
// nobody has seen the old history.
func TestHistoryThatIsReplacedWhileItIsLoaded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := longHistory(t)
		next := h.fork()
		for range 30 {
			next.set("a", "next")
			h.set("a", "old")
		}
		store := appended(t, h)
		source := &faulty{operations: operations{real: store}}
		source.newest = func(ctx context.Context, basis eventstore.Head, yield func([]eventstore.Newest) error) error {
			if err := store.Replace(next.head, next.records); err != nil {
				t.Error(err)
			}
			return store.EachNewest(ctx, basis, yield)
		}
		follow(t, source, projection.Options{RecentEvents: 10}).mustFollow(t, next, time.Second)
	})
}

// TestNothingIsLoadedOnceReady follows an empty history, to which others then add more than is read
// one by one at a start. To load the state would drop what a writer applies meanwhile, and leave
// out events that readers wait for.
func TestNothingIsLoadedOnceReady(t *testing.T) {
	events := memory.New()
	l := newLoading(events, projection.Options{RecentEvents: 1})
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- l.Run(ctx) }()
	<-l.Ready()
	stop()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	h := longHistory(t)
	if err := events.Append(t.Context(), eventstore.Head{}, h.records); err != nil {
		t.Fatal(err)
	}
	if err := l.CatchUp(t.Context()); err != nil {
		t.Fatal(err)
	}
	h.mustShow(l.View())
	if l.loaded.Seq != 0 {
		t.Errorf("the state at seq %d was loaded", l.loaded.Seq)
	}
}
