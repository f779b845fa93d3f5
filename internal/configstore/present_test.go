package configstore_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"

	"configapi/internal/auth"
	"configapi/internal/config"
	"configapi/internal/configstore"
	"configapi/internal/configstore/configstoretest"
	"configapi/internal/eventstore"
)

// mustEndByBytes checks that pages of the present end where they hold so many bytes.
func mustEndByBytes(t *testing.T, r *configstore.Reader, configs int) {
	t.Helper()
	byChange, children := 0, 0
	for page := (configstore.ChangedPage{More: true}); page.More; {
		var err error
		if page, err = r.ConfigsByChange(t.Context(), config.Filter{}, page.End, configstore.MaxPageSize); err != nil {
			t.Fatal(err)
		}
		bytes := 0
		for _, c := range page.Configs {
			bytes += len(c.Name.String()) + len(c.Value.String())
		}
		mustFit(t, "configs by change", len(page.Configs), bytes)
		byChange += len(page.Configs)
	}
	after := ""
	for page := (configstore.ChildPage{More: true}); page.More; {
		var err error
		if page, err = r.Children("", after, configstore.MaxPageSize); err != nil {
			t.Fatal(err)
		}
		bytes := 0
		for _, c := range page.Children {
			bytes += len(c.Name.String()) + len(c.Config.Value.String())
			after = c.Segment
		}
		mustFit(t, "children", len(page.Children), bytes)
		children += len(page.Children)
	}
	if byChange != configs || children != configs {
		t.Errorf("got %d configs by change and %d children, want %d", byChange, children, configs)
	}
}

// TestPagesByChangeGoOn changes and deletes configs between pages, each of which is of the newest
// position.
func TestPagesByChangeGoOn(t *testing.T) {
	store := configstoretest.New(t, configstore.Options{})
	for i := range 6 {
		store.MustSet(t, fmt.Sprint(i), "v") // seq 1 to 6
	}
	page := func(before eventstore.Seq) (names []string, end eventstore.Seq) {
		t.Helper()
		found, err := store.Reader(auth.Anonymous).ConfigsByChange(t.Context(), config.Filter{}, before, 2)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range found.Configs {
			names = append(names, c.Name.String())
		}
		return names, found.End
	}
	want := func(got []string, want ...string) {
		t.Helper()
		if !slices.Equal(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	names, end := page(0)
	want(names, "5", "4")
	store.MustSet(t, "3", "changed")
	store.MustDelete(t, "1")
	names, end = page(end)
	want(names, "2", "0")
	names, _ = page(end)
	want(names)
	names, _ = page(0)
	want(names, "3", "5")
}

func TestChildrenOfInvalidPrefixes(t *testing.T) {
	r := configstoretest.New(t, configstore.Options{}).Reader(auth.Anonymous)
	for prefix, want := range map[string]string{
		"/":    "prefix is empty",
		"a//b": "prefix has an empty segment: / may neither begin nor end it, nor follow another /",
		"a b":  "prefix may hold only letters, digits, and _ - . : /",
	} {
		_, err := r.Children(prefix, "", 1)
		var invalid *config.InvalidError
		if !errors.As(err, &invalid) || err.Error() != want {
			t.Errorf("prefix %q: got %v, want %q", prefix, err, want)
		}
	}
}

// TestScansTakeTurns checks that reads which look at many names wait for a turn until their ctx
// ends, and that no others do.
func TestScansTakeTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := configstoretest.New(t, configstore.Options{ScanNames: 20})
		for i := range 10 {
			store.MustSet(t, fmt.Sprintf("a/%d", i), "v")
			store.MustSet(t, fmt.Sprintf("b/%d", i), "v")
			store.MustDelete(t, fmt.Sprintf("b/%d", i))
		}
		r := store.Reader(auth.Anonymous)
		ofA, ofB, part := mustSelect(t, "a", nil, ""), mustSelect(t, "b", nil, ""), mustSelect(t, "", nil, "1")
		scans := map[string]func(context.Context) error{
			"Configs": func(ctx context.Context) error { _, err := r.Now().Configs(ctx, part, "", 5); return err },
			"Count":   func(ctx context.Context) error { _, err := r.Now().Count(ctx, part); return err },
			"ConfigsByChange with a prefix": func(ctx context.Context) error {
				_, err := r.ConfigsByChange(ctx, ofA, 0, 5)
				return err
			},
			"Deleted":      func(ctx context.Context) error { _, err := r.Deleted(ctx, part, 0, 5); return err },
			"CountDeleted": func(ctx context.Context) error { _, err := r.CountDeleted(ctx, part); return err },
		}
		others := map[string]func(context.Context) error{
			"Configs":         func(ctx context.Context) error { _, err := r.Now().Configs(ctx, ofA, "", 5); return err },
			"Count":           func(ctx context.Context) error { _, err := r.Now().Count(ctx, ofA); return err },
			"ConfigsByChange": func(ctx context.Context) error { _, err := r.ConfigsByChange(ctx, config.Filter{}, 0, 5); return err },
			"CountDeleted":    func(ctx context.Context) error { _, err := r.CountDeleted(ctx, ofB); return err },
			"Children":        func(context.Context) error { _, err := r.Children("", "", 5); return err },
		}
		release, err := store.TakeScanTurns(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for name, read := range others {
			if err := read(t.Context()); err != nil {
				t.Errorf("%s while all turns are taken: %v", name, err)
			}
		}
		for name, read := range scans {
			ctx, cancel := context.WithCancel(t.Context())
			ended := make(chan error, 1)
			go func() { ended <- read(ctx) }()
			synctest.Wait()
			select {
			case err := <-ended:
				t.Errorf("%s did not wait for a turn: %v", name, err)
			default:
			}
			cancel()
			if err := <-ended; !errors.Is(err, context.Canceled) {
				t.Errorf("%s: got %v when its ctx ended", name, err)
			}
		}
		release()
		for name, read := range scans {
			if err := read(t.Context()); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}

// TestPagesOfPartsEndEarly checks how many names pages look at, at a position of the present and of
// the past.
func TestPagesOfPartsEndEarly(t *testing.T) {
	store := configstoretest.New(t, configstore.Options{ScanNames: 10})
	for i := range 25 {
		store.MustSet(t, fmt.Sprintf("n%02d", i), "v")
	}
	then := store.Reader(auth.Anonymous).Head().Position()
	store.MustSet(t, "n24", "changed")
	r := store.Reader(auth.Anonymous)
	past, err := r.AsOf(t.Context(), then)
	if err != nil {
		t.Fatal(err)
	}
	filter := mustSelect(t, "", nil, "N24")
	for _, snapshot := range []*configstore.Snapshot{r.Now(), past} {
		var ends []string
		var found int
		for page := (configstore.ConfigPage{More: true}); page.More && len(ends) < 5; {
			if page, err = snapshot.Configs(t.Context(), filter, page.End, 5); err != nil {
				t.Fatal(err)
			}
			ends, found = append(ends, page.End), found+len(page.Configs)
		}
		if n, err := snapshot.Count(t.Context(), filter); err != nil || n != 1 || found != 1 || !slices.Equal(ends, []string{"n09", "n19", "n24"}) {
			t.Errorf("at %s: got %d configs on pages that end at %q; counted %d, %v", snapshot.At().Position(), found, ends, n, err)
		}
	}
	var ends []eventstore.Seq
	for page := (configstore.ChangedPage{More: true}); page.More && len(ends) < 5; {
		if page, err = r.ConfigsByChange(t.Context(), filter, page.End, 5); err != nil {
			t.Fatal(err)
		}
		ends = append(ends, page.End)
	}
	if !slices.Equal(ends, []eventstore.Seq{15, 5, 1}) {
		t.Errorf("pages by change end at %v", ends)
	}
}
