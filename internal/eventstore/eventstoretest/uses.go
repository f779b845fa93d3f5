package eventstoretest

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sync/errgroup"

	"configapi/internal/eventstore"
)

var useLaws = []law{
	{"of several uses of a secret the latest stays", latestUses},
	{"the latest use stays when nodes race", racingUses},
	{"uses are read page by page, in byte order", pagesOfUses},
	{"uses are no part of the history", usesBesideHistory},
}

func use(secret string, second int) eventstore.Use {
	return eventstore.Use{Secret: secret, At: epoch.Add(time.Duration(second)*time.Second + 7*time.Microsecond)}
}

func mustKeepUses(t testing.TB, s eventstore.Store, uses ...eventstore.Use) {
	t.Helper()
	if err := s.KeepUses(t.Context(), uses); err != nil {
		t.Fatalf("keeping %d uses: %v", len(uses), err)
	}
}

// mustHaveUses fails unless a store has these uses and no others, in this order.
func mustHaveUses(t testing.TB, s eventstore.Store, want ...eventstore.Use) {
	t.Helper()
	var got []eventstore.Use
	for after := ""; ; {
		page, err := s.ReadUses(t.Context(), after)
		if err != nil {
			t.Fatalf("reading uses after %q: %v", after, err)
		}
		if len(page) > eventstore.MaxUses {
			t.Fatalf("a page has %d uses", len(page))
		}
		if len(page) == 0 {
			break
		}
		got, after = append(got, page...), page[len(page)-1].Secret
	}
	if diff := cmp.Diff(want, got); diff != "" && len(want)+len(got) > 0 {
		t.Fatalf("uses (-want +got):\n%s", diff)
	}
}

func latestUses(t *testing.T, open func() eventstore.Store) {
	one, other := open(), open()
	mustHaveUses(t, one)
	mustKeepUses(t, one)
	mustKeepUses(t, one, use("b", 5), use("a", 5), use("B", 5))
	mustKeepUses(t, other, use("a", 4), use("b", 6), use("c", 1))
	mustKeepUses(t, one, use("c", 1))
	for _, s := range []eventstore.Store{one, other} {
		mustHaveUses(t, s, use("B", 5), use("a", 5), use("b", 6), use("c", 1))
	}
	if err := other.DropUses(t.Context(), []string{"b", "never", "B"}); err != nil {
		t.Fatal(err)
	}
	mustKeepUses(t, one, use("b", 2)) // what was dropped counts no more
	mustHaveUses(t, one, use("a", 5), use("b", 2), use("c", 1))

	ended, end := context.WithCancel(t.Context())
	end()
	if err := one.KeepUses(ended, []eventstore.Use{use("d", 1)}); err == nil {
		t.Error("KeepUses ignores the end of its context")
	}
	mustHaveUses(t, one, use("a", 5), use("b", 2), use("c", 1))
}

func racingUses(t *testing.T, open func() eventstore.Store) {
	const nodes, rounds, secrets = 4, 25, 20
	var all errgroup.Group
	for node := range nodes {
		s := open()
		all.Go(func() error {
			for round := range rounds {
				uses := make([]eventstore.Use, secrets)
				for i := range uses {
					at := (i + node + secrets*(node%2)) % secrets // nodes name them in different orders
					uses[at] = use(fmt.Sprintf("%02d", i), (round*7+node*3)%rounds)
				}
				if err := s.KeepUses(t.Context(), uses); err != nil {
					return err
				}
			}
			return nil
		})
	}
	if err := all.Wait(); err != nil {
		t.Fatal(err)
	}
	want := make([]eventstore.Use, secrets)
	for i := range want {
		want[i] = use(fmt.Sprintf("%02d", i), rounds-1)
	}
	mustHaveUses(t, open(), want...)
}

func pagesOfUses(t *testing.T, open func() eventstore.Store) {
	s := open()
	want := make([]eventstore.Use, 2*eventstore.MaxUses+1)
	for i := range want {
		want[i] = use(fmt.Sprintf("%s%04d", strings.Repeat("x", 18), i), i)
	}
	for _, from := range []int{eventstore.MaxUses, 0} {
		mustKeepUses(t, s, want[from:from+eventstore.MaxUses]...)
	}
	mustKeepUses(t, s, want[len(want)-1])
	mustHaveUses(t, s, want...)
	var all []string
	for _, u := range want[:eventstore.MaxUses] {
		all = append(all, u.Secret)
	}
	if err := s.DropUses(t.Context(), all); err != nil {
		t.Fatal(err)
	}
	mustHaveUses(t, s, want[eventstore.MaxUses:]...)
}

func usesBesideHistory(t *testing.T, open func() eventstore.Store) {
	w := newWriter(t, open())
	w.write("a", "b")
	mustKeepUses(t, w.store, use("a", 1))
	mustHold(t, open(), w.written)
	w.write("a")
	mustHold(t, open(), w.written)
	mustHaveUses(t, w.store, use("a", 1))
}
