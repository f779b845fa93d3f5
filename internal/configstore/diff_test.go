package configstore_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"configapi/internal/auth"
	"configapi/internal/config"
	"configapi/internal/configstore"
	"configapi/internal/configstore/configstoretest"
	"configapi/internal/eventstore"
	"configapi/internal/eventstore/memory"
	"configapi/internal/feed"
	"configapi/internal/projection"
)

// mustBeAt returns the snapshot right after a change.
func mustBeAt(t *testing.T, r *configstore.Reader, at configstore.Outcome) *configstore.Snapshot {
	t.Helper()
	snapshot, err := r.AsOf(t.Context(), at.Position)
	if err != nil {
		t.Fatal(err)
	}
	return snapshot
}

func mustDiff(t *testing.T, r *configstore.Reader, q configstore.DiffQuery, after string, first int) configstore.DiffPage {
	t.Helper()
	page, err := r.Diff(t.Context(), q, after, first, true)
	if err != nil {
		t.Fatal(err)
	}
	return page
}

// TestDiffRefusesWhatCannotBeCompared reads as the rules about toPrefix.
func TestDiffRefusesWhatCannotBeCompared(t *testing.T) {
	store := configstoretest.New(t, configstore.Options{})
	long := strings.Repeat("n", 250)
	store.MustSet(t, "b/"+long, "1")
	store.MustSet(t, "b/x", "1")
	gone := store.MustSet(t, "longer/prefix", "1")
	r := store.Reader(auth.Anonymous)
	for _, test := range []struct {
		filter   config.Filter
		toPrefix string
		want     string
	}{
		{mustFilter(t, ""), "b", "filter must have a prefix and no names when there is a toPrefix"},
		{mustFilter(t, "a", "a/x"), "b", "filter must have a prefix and no names when there is a toPrefix"},
		{mustFilter(t, "a"), "b//c", "toPrefix has an empty segment: / may neither begin nor end it, nor follow another /"},
		{mustFilter(t, "a"), "/", "toPrefix is empty"},
		{mustFilter(t, "a"), strings.Repeat("b", 256), "toPrefix has 256 bytes; at most 255 are allowed"},
		{mustFilter(t, "longer/prefix"), "b", "toPrefix has b/" + long +
			" below it, whose name below longer/prefix would have 264 bytes; at most 255 are allowed: compare the other way round, from b to longer/prefix"},
	} {
		q := configstore.DiffQuery{From: r.Now(), To: r.Now(), Filter: test.filter, ToPrefix: test.toPrefix}
		_, ofPage := r.Diff(t.Context(), q, "", 10, false)
		_, ofCount := r.CountDiff(t.Context(), q)
		for _, err := range []error{ofPage, ofCount} {
			var invalid *config.InvalidError
			if !errors.As(err, &invalid) || err.Error() != test.want {
				t.Errorf("from %q to %q: got %v, want %s", test.filter.Prefix(), test.toPrefix, err, test.want)
			}
		}
	}
	q := configstore.DiffQuery{From: r.Now(), To: mustBeAt(t, r, gone), Filter: mustFilter(t, "b"), ToPrefix: "longer/prefix/"}
	if page := mustDiff(t, r, q, "", 10); len(page.Differences) != 3 || page.Differences[0].Name.String() != "b" {
		t.Errorf("the other way round: got %+v", page.Differences)
	}
	store.MustDelete(t, "b/"+long)
	r = store.Reader(auth.Anonymous)
	q = configstore.DiffQuery{From: r.Now(), To: r.Now(), Filter: mustFilter(t, "longer/prefix"), ToPrefix: "b"}
	if page := mustDiff(t, r, q, "", 10); len(page.Differences) != 2 {
		t.Errorf("a long name that does not exist: got %+v", page.Differences)
	}
}

// TestPagesOfDifferencesEndByBytes has values of 1 MiB: a difference has two of them, and each
// change between two more.
func TestPagesOfDifferencesEndByBytes(t *testing.T) {
	store := configstoretest.New(t, configstore.Options{Feed: feed.Options{RingEvents: 1}})
	value := func(i int) string { return strings.Repeat(string(rune('a'+i)), config.DefaultMaxValueBytes) }
	var from, changed configstore.Outcome
	for i := range 3 {
		from = store.MustSet(t, fmt.Sprint("n", i), value(0))
	}
	for i := range 3 {
		changed = store.MustSet(t, fmt.Sprint("n", i), value(1))
	}
	for i := range 6 {
		store.MustSet(t, "n0", value(2+i))
	}
	r := store.Reader(auth.Anonymous)

	// Four values for each difference.
	q := configstore.DiffQuery{From: mustBeAt(t, r, from), To: mustBeAt(t, r, changed)}
	page := mustDiff(t, r, q, "", 10)
	if len(page.Differences) != 1 || !page.More || page.End != "n0" {
		t.Errorf("with changes: got %d differences, more: %t, end %s, want 1 of 3", len(page.Differences), page.More, page.End)
	}
	if page = mustDiff(t, r, q, "n1", 10); len(page.Differences) != 1 || page.More {
		t.Errorf("the last page: got %d differences, more: %t", len(page.Differences), page.More)
	}
	if page, err := r.Diff(t.Context(), q, "", 10, false); err != nil || len(page.Differences) != 3 || page.More {
		t.Errorf("without changes: got %d differences, %v, more: %t", len(page.Differences), err, page.More)
	}

	// Of seven changes, three fit into the page.
	q.To = r.Now()
	page = mustDiff(t, r, q, "", 1)
	d := page.Differences[0]
	bytes := 2*config.DefaultMaxValueBytes + bytesOf(d.Changes)
	if len(d.Changes) == 0 || len(d.Changes) > 3 || !d.MoreChanges || bytes > configstore.PageBytes {
		t.Errorf("got %d changes of %d bytes, more: %t", len(d.Changes), bytes, d.MoreChanges)
	}
	if newest := d.Changes[len(d.Changes)-1]; newest.Version != 8 {
		t.Errorf("the last change is version %d, want the newest", newest.Version)
	}
}

// TestNearMomentsCostWhatIsBetween records what the event store is asked for.
func TestNearMomentsCostWhatIsBetween(t *testing.T) {
	events := configstoretest.NewFaulty()
	var asked []string
	events.SetHooks(configstoretest.Hooks{
		ReadNames: func(ctx context.Context, basis eventstore.Head, after, upTo eventstore.Seq) ([]string, error) {
			asked = append(asked, fmt.Sprintf("names after %d up to %d", after, upTo))
			return events.Store.ReadNames(ctx, basis, after, upTo)
		},
		ReadAsOf: func(ctx context.Context, basis eventstore.Head, q eventstore.AsOf, limit eventstore.Limit) ([]eventstore.Record, error) {
			asked = append(asked, fmt.Sprintf("%d names as of %d, no data: %t", len(q.Names), q.At, q.NoData))
			return events.Store.ReadAsOf(ctx, basis, q, limit)
		},
	})
	store := configstoretest.On(t, events, configstore.Options{Feed: feed.Options{RingEvents: 1}})
	var marks []configstore.Outcome
	for i := range 40 {
		marks = append(marks, store.MustSet(t, fmt.Sprintf("n%02d", i%20), fmt.Sprint(i)))
	}
	for range 200 {
		store.MustSet(t, "n00", "hot")
	}
	end := store.MustSet(t, "n00", "end")
	r := store.Reader(auth.Anonymous)
	for _, test := range []struct {
		what     string
		from, to *configstore.Snapshot
		want     []string
		differ   int
	}{
		{"near the head", mustBeAt(t, r, marks[37]), mustBeAt(t, r, end), []string{"3 names as of 38, no data: false"}, 3},
		{"near and past", mustBeAt(t, r, marks[30]), mustBeAt(t, r, marks[33]),
			[]string{"names after 31 up to 34", "3 names as of 31, no data: false"}, 3},
		{"near the begin", mustBeAt(t, r, marks[9]), mustBeAt(t, r, marks[11]),
			[]string{"names after 10 up to 12", "2 names as of 12, no data: false"}, 2},
		{"far apart", mustBeAt(t, r, marks[19]), mustBeAt(t, r, end), []string{"20 names as of 20, no data: false"}, 20},
		{"the same", r.Now(), r.Now(), nil, 0},
	} {
		asked = nil
		page := mustDiffWithoutChanges(t, r, configstore.DiffQuery{From: test.from, To: test.to})
		if got, want := strings.Join(asked, "; "), strings.Join(test.want, "; "); got != want || len(page.Differences) != test.differ {
			t.Errorf("%s: %d differences after reading %s; want %d after %s", test.what, len(page.Differences), got, test.differ, want)
		}
	}
}

func mustDiffWithoutChanges(t *testing.T, r *configstore.Reader, q configstore.DiffQuery) configstore.DiffPage {
	t.Helper()
	page, err := r.Diff(t.Context(), q, "", 100, false)
	if err != nil {
		t.Fatal(err)
	}
	return page
}

// TestDifferencesOfManyEqualNames has very many names that have changed and changed back, and then
// one that differs: pages end before they have read them all.
func TestDifferencesOfManyEqualNames(t *testing.T) {
	const equal = 3200
	store := configstoretest.New(t, configstore.Options{Feed: feed.Options{RingEvents: 1}})
	set := func(value string) {
		var group sync.WaitGroup
		for worker := range 8 {
			group.Go(func() {
				for i := worker; i < equal; i += 8 {
					store.MustSet(t, fmt.Sprintf("n%04d", i), value)
				}
			})
		}
		group.Wait()
	}
	set("1")
	from := store.MustSet(t, "z", "1")
	set("2")
	set("1")
	to := store.MustSet(t, "z", "2")
	set("3")
	r := store.Reader(auth.Anonymous)
	q := configstore.DiffQuery{From: mustBeAt(t, r, from), To: mustBeAt(t, r, to)}
	first := mustDiff(t, r, q, "", 10)
	if len(first.Differences) != 0 || !first.More || first.End == "" {
		t.Fatalf("got %d differences, more: %t, after %q, want an empty page and more", len(first.Differences), first.More, first.End)
	}
	second := mustDiff(t, r, q, first.End, 10)
	if len(second.Differences) != 1 || second.More || len(second.Differences[0].Changes) != 1 {
		t.Errorf("then got %+v, more: %t, want one and no more", second.Differences, second.More)
	}
	if n, err := r.CountDiff(t.Context(), q); err != nil || n != 1 {
		t.Errorf("counted %d, %v, want 1", n, err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := r.CountDiff(ended, q); !errors.Is(err, context.Canceled) {
		t.Errorf("counting for a client that has gone: got %v", err)
	}
}

// TestValuesOfUnchangedNamesAreNotRead compares two moments of the past between which few of very
// many names have changed: the event store is asked for versions first.
func TestValuesOfUnchangedNamesAreNotRead(t *testing.T) {
	const names, between = 12_000, eventstore.MaxExamined + 1500
	events := configstoretest.NewFaulty()
	w := newHistoryWriter(t, events, names)
	for i := range names {
		w.set(i, "1", nil)
	}
	for i := range between { // all of the first 500 names, which then have the value 2
		w.set(i%500, fmt.Sprint(i/500%2+1), nil)
	}
	for i := range names {
		w.set(i, "3", nil)
	}
	w.flush()
	asked, read := 0, 0
	events.SetHooks(configstoretest.Hooks{ReadAsOf: func(ctx context.Context, basis eventstore.Head, q eventstore.AsOf, limit eventstore.Limit) ([]eventstore.Record, error) {
		asked += len(q.Names)
		if !q.NoData {
			read += len(q.Names)
		}
		return events.Store.ReadAsOf(ctx, basis, q, limit)
	}})
	r := configstoretest.On(t, events, configstore.Options{Feed: feed.Options{RingEvents: 1}}).Reader(auth.Anonymous)
	for to, want := range map[eventstore.Seq]int{names + between: 0, names + between - 500: 500} {
		q := configstore.DiffQuery{From: mustAsOf(t, r, names), To: mustAsOf(t, r, to)}
		asked, read = 0, 0
		n, err := r.CountDiff(t.Context(), q)
		if err != nil || n != want || asked < 2*names || read != 2*500 {
			t.Errorf("up to %d: counted %d, %v, want %d; asked for %d names, %d of them with values, want at least %d and %d",
				to, n, err, want, asked, read, 2*names, 2*500)
		}
	}
}

// TestDifferencesOfErasedValues: nobody can know whether a value that was erased differs from
// another one, so it does, unless both are of one version.
func TestDifferencesOfErasedValues(t *testing.T) {
	events := memory.New()
	configstoretest.MustCopy(t, newErased(t), events, 2, 3)
	node := configstoretest.On(t, events, configstore.Options{Codec: configstoretest.Codec(), Feed: feed.Options{RingEvents: 1}})
	r, at := node.Reader(auth.Anonymous), history(t, events)
	for _, test := range []struct {
		from, to int
		toPrefix string
		want     string
	}{
		{1, 2, "", "a=1 a=erased"},
		{2, 1, "", "a=erased a=1"},
		{2, 3, "", "b=none b=erased"},
		{3, 4, "", "b=erased b=none"},
		{2, 5, "", "a=erased a=3"},
		{2, 3, "b", "a=erased b=erased"},
		{5, 3, "b", "a=3 b=erased"},
	} {
		var q configstore.DiffQuery
		var err error
		if q.From, err = r.AsOf(t.Context(), at[test.from-1]); err != nil {
			t.Fatal(err)
		}
		if q.To, err = r.AsOf(t.Context(), at[test.to-1]); err != nil {
			t.Fatal(err)
		}
		if q.ToPrefix = test.toPrefix; q.ToPrefix != "" {
			q.Filter = mustFilter(t, "a")
		}
		page := mustDiff(t, r, q, "", 10)
		if len(page.Differences) != 1 {
			t.Errorf("from %d to %d %s: got %d differences, want one", test.from, test.to, test.toPrefix, len(page.Differences))
			continue
		}
		d := page.Differences[0]
		if got := show(d.Name, d.Before) + " " + show(d.Name, d.After); got != test.want {
			t.Errorf("from %d to %d %s: got %s, want %s", test.from, test.to, test.toPrefix, got, test.want)
		}
	}
}

func show(name config.Name, state *projection.Config) string {
	switch {
	case state == nil:
		return name.String() + "=none"
	case state.Erased():
		return state.Name.String() + "=erased"
	}
	return state.Name.String() + "=" + state.Value.String()
}
