package configstore_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"configapi/internal/auth"
	"configapi/internal/config"
	"configapi/internal/configstore"
	"configapi/internal/configstore/configstoretest"
	"configapi/internal/eventstore"
	"configapi/internal/eventstore/memory"
	"configapi/internal/fault"
	"configapi/internal/feed"
)

// newErased returns a history in which values of a and b, at positions 2 and 3, are erased, which
// the event at position 6 says.
func newErased(t *testing.T) *memory.Store {
	node := configstoretest.New(t, configstore.Options{})
	node.MustSet(t, "a", "1")
	node.MustSet(t, "a", "2")
	node.MustSet(t, "b", "x")
	node.MustDelete(t, "b")
	node.MustSet(t, "a", "3")
	configstoretest.MustAppendErasure(t, node.Events, "$erasure/1", 1, 2, 3)
	return node.Events.(*memory.Store)
}

// TestErasedValues reads, restores and reverts on all stores what was erased.
func TestErasedValues(t *testing.T) {
	whole := newErased(t)
	for name, open := range stores {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			events := open(t)
			configstoretest.MustCopy(t, whole, events, 2, 3)
			node := configstoretest.On(t, events, configstore.Options{Codec: configstoretest.Codec(), Feed: feed.Options{RingEvents: 1}})
			reader := node.Reader(auth.Anonymous)
			for config, want := range map[string]string{"a": "a3=3(erased) a2=erased(1) a1=1", "b": "b2=(erased) b1=erased"} {
				history, _, err := reader.History(t.Context(), configstoretest.Name(t, config), 0, 10)
				mustShow(t, "the history of "+config, history, err, want)
			}
			const all = "a1=1 a2=erased(1) b1=erased b2=(erased) a3=3(erased)"
			changes, err := reader.Changes(t.Context(), eventstore.Position{}, config.Filter{}, 100)
			mustShow(t, "all changes", changes.Revisions, err, all)
			if changes.Position.Seq != 6 || !changes.CaughtUp {
				t.Errorf("the changes end at %s, caught up: %t", changes.Position, changes.CaughtUp)
			}
			recent, err := reader.RecentChanges(t.Context(), configstore.ChangeFilter{}, 0, 3)
			mustShow(t, "recent changes", recent.Revisions, err, "a3=3(erased) b2=(erased) b1=erased")
			watch := mustWatch(t, node, config.Filter{}, &eventstore.Position{})
			var streamed []*eventstore.Revision
			for at := eventstore.Seq(0); at < 6; {
				m, err := watch.Next(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				streamed, at = append(streamed, m.Revisions...), m.Position.Seq
			}
			mustShow(t, "a stream", streamed, nil, all)
			mustNotShowStreams(t, node)
			mustRefuseErased(t, node, history(t, events))
		})
	}
}

func history(t *testing.T, events eventstore.Store) (positions []eventstore.Position) {
	records := mustReadAfter(t, events, 0)
	for i := range records {
		positions = append(positions, eventstore.HeadOf(&records[i]).Position())
	}
	return positions
}

// mustShow fails unless revisions are as wanted: name, version, value and old value of each.
func mustShow(t *testing.T, what string, revisions []*eventstore.Revision, err error, want string) {
	t.Helper()
	got := ""
	for i, r := range revisions {
		if i > 0 {
			got += " "
		}
		got += fmt.Sprintf("%s%d=", r.Name, r.Version)
		switch {
		case r.Erased && (r.HasValue() || r.Value.String() != ""):
			t.Errorf("%s: position %d is erased and has a value", what, r.Seq)
		case r.Erased:
			got += "erased"
		case r.HasValue():
			got += r.Value.String()
		}
		switch {
		case r.OldErased && !r.HasOldValue():
			got += "(erased)"
		case r.HasOldValue():
			got += "(" + r.OldValue.String() + ")"
		}
	}
	if err != nil || got != want {
		t.Errorf("%s: got %s, %v, want %s", what, got, err, want)
	}
}

// mustNotShowStreams fails if anything about configs shows the stream that is no config.
func mustNotShowStreams(t *testing.T, node *configstoretest.Store) {
	t.Helper()
	reader := node.Reader(auth.Anonymous)
	page, err := reader.Now().Configs(t.Context(), config.Filter{}, "", 10)
	if err != nil || len(page.Configs) != 1 || page.Configs[0].Name.String() != "a" {
		t.Errorf("got a page of %d configs, %v, want one", len(page.Configs), err)
	}
	if n, err := reader.Now().Count(t.Context(), config.Filter{}); err != nil || n != 1 {
		t.Errorf("counted %d configs, %v, want 1", n, err)
	}
	if r, err := reader.Revision(t.Context(), reader.Head().Position()); r != nil || err != nil {
		t.Errorf("the position of a stream that is no config has the revision %+v, %v", r, err)
	}
	if old, err := node.OldValue(page.Configs[0]).Of(t.Context(), page.Configs[0]); old != nil || err != nil {
		t.Errorf("the old value of a is %v, %v, want none", old, err)
	}
	if _, err := config.ParseName("$erasure/1"); err == nil {
		t.Error("a config can have the name of a stream")
	}
}

// mustRefuseErased fails unless nothing can be brought back to an erased value.
func mustRefuseErased(t *testing.T, node *configstoretest.Store, at []eventstore.Position) {
	t.Helper()
	snapshot, err := node.Reader(auth.Anonymous).AsOf(t.Context(), at[2])
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"a", "b"} {
		then, err := snapshot.Config(t.Context(), configstoretest.Name(t, name))
		if err != nil || then == nil || !then.Erased() || then.Event().HasValue() {
			t.Errorf("%s as of position 3: %+v, %v, want one without its value", name, then, err)
		}
	}
	_, err = node.Do(t.Context(), auth.Anonymous, config.Single(config.Restore{Name: configstoretest.Name(t, "b")}))
	configstoretest.MustBeKind(t, err, fault.Erased, false)
	for _, dryRun := range []bool{true, false} {
		_, err = node.Revert(t.Context(), auth.Anonymous, configstore.Revert{To: configstore.PointInTime{Position: at[2]}, DryRun: dryRun})
		mustLackValues(t, err, 2)
		_, err = node.RevertChangeSet(t.Context(), auth.Anonymous, configstore.RevertSet{ChangeSet: at[4], DryRun: dryRun})
		mustLackValues(t, err, 1)
	}
	value := configstoretest.Value(t, "new")
	if _, err = node.Do(t.Context(), auth.Anonymous, config.Single(config.Restore{Name: configstoretest.Name(t, "b"), Value: &value})); err != nil {
		t.Errorf("a restore with a value: %v", err)
	}
}

func mustLackValues(t *testing.T, err error, failures int) {
	t.Helper()
	var rejection *fault.Rejection
	if !errors.As(err, &rejection) || len(rejection.Failures) != failures {
		t.Fatalf("got %v, want %d failures", err, failures)
	}
	for _, f := range rejection.Failures {
		if !errors.Is(f.Err, fault.ErrErased) {
			t.Errorf("got the failure %v, want %v", f.Err, fault.ErrErased)
		}
	}
}

// TestUnexplainedErasures starts on histories that lack data without a right to.
func TestUnexplainedErasures(t *testing.T) {
	whole := newErased(t)
	for name, open := range stores {
		for what, test := range map[string]struct {
			erased []eventstore.Seq
			codec  config.Codec
			want   string
		}{
			"no event says so":                   {[]eventstore.Seq{1, 2}, configstoretest.Codec(), "the history is broken at position 1: its data is missing"},
			"the present value":                  {[]eventstore.Seq{5}, configstoretest.Codec(), "the history is broken at position 5: its value was erased, but it is the present one"},
			"a deletion":                         {[]eventstore.Seq{4}, configstoretest.Codec(), "decoding the event at seq 4: the data of a ConfigValueDeleted was erased"},
			"an event of the stream":             {[]eventstore.Seq{6}, configstoretest.Codec(), "decoding the event at seq 6: the data of an event of $erasure/1 was erased"},
			"a program that cannot read the why": {[]eventstore.Seq{2}, config.Codec{}, `unknown event type "TestValuesErased"`},
		} {
			t.Run(name+"/"+what, func(t *testing.T) {
				t.Parallel()
				events := open(t)
				configstoretest.MustCopy(t, whole, events, test.erased...)
				mustNotStart(t, events, configstore.Options{Codec: test.codec}, test.want)
			})
		}
	}
}

// mustNotStart runs a store until it says why it does not get ready.
func mustNotStart(t *testing.T, events eventstore.Store, opts configstore.Options, want string) {
	t.Helper()
	store := configstore.New(events, opts)
	ctx, stop := context.WithTimeout(t.Context(), configstoretest.Patience)
	defer stop()
	done := make(chan error, 1)
	go func() { done <- store.Run(ctx) }()
	health := store.Health(ctx)
	for !strings.Contains(fmt.Sprint(health.Projection), want) && ctx.Err() == nil {
		select {
		case <-store.Ready():
			t.Fatal("the store got ready")
		case <-time.After(time.Millisecond):
		}
		health = store.Health(ctx)
	}
	if !strings.Contains(fmt.Sprint(health.Projection), want) {
		t.Errorf("health says %v, want %q", health.Projection, want)
	}
	if _, err := store.Reader(auth.Anonymous); fault.KindOf(err) != fault.Unavailable {
		t.Errorf("reads: got %v", err)
	}
	stop()
	<-done
}
