package writer_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"

	"configapi/internal/auth"
	"configapi/internal/config"
	"configapi/internal/configstore"
	"configapi/internal/configstore/configstoretest"
	"configapi/internal/eventstore"
	"configapi/internal/eventstore/memory"
	"configapi/internal/fault"
	"configapi/internal/feed"
	"configapi/internal/projection"
	"configapi/internal/writer"
)

// startWriter runs a writer on an event store, without the config store before it. The test must be
// in a bubble.
func startWriter(t *testing.T, events eventstore.Store) (*writer.Writer, *projection.Projection) {
	p := projection.New(feed.New(feed.Options{}))
	follower := projection.NewFollower(p, events, projection.Options{})
	w := writer.New(events, p, follower, writer.NewAttempts(writer.Options{}), writer.Options{})
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan struct{}, 2)
	go func() { _ = follower.Run(ctx); done <- struct{}{} }()
	<-follower.Ready()
	go func() { w.Run(ctx); done <- struct{}{} }()
	t.Cleanup(func() {
		stop()
		<-done
		<-done
	})
	return w, p
}

// TestWriterAuthorisesOnceMore sends requests that nobody has authorised, as those are whose
// caller's rights have ended while they were queued. The writer refuses each before it looks at the
// state, at the receipts of its caller, or at what other requests of the batch have done.
func TestWriterAuthorisesOnceMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		events := heldAppends{memory.New(), make(chan struct{})}
		w, p := startWriter(t, events)
		caller := func(grants ...string) auth.Caller { return configstoretest.Caller(t, "ci", grants...) }
		answers := make(map[string]chan error)
		do := func(name string, caller auth.Caller, set config.ChangeSet) {
			answer := make(chan error, 1)
			answers[name] = answer
			go func() {
				_, receipt, err := w.Do(t.Context(), caller, set, 0)
				if receipt != nil {
					err = errors.New("a receipt")
				}
				answer <- err
			}()
			synctest.Wait()
		}
		do("first", caller("READ,WRITE:"), configstoretest.SetOnce(t, "a", "1", "key"))
		do("without rights", auth.Caller{Name: "ci"}, configstoretest.SetOnce(t, "a", "1", "key"))
		do("conflict", caller("READ:"), config.Single(configstoretest.SetAt(t, "a", "2", 7)))
		do("other name", caller("READ:", "WRITE:b"), setOf(t, "b", "a"))
		do("of the last value", caller("WRITE:"), config.Single(config.Restore{Name: configstoretest.Name(t, "a")}))
		planned := setOf(t, "a", "b")
		planned.Plan, planned.Skipped = &config.Plan{}, []config.Name{configstoretest.Name(t, "c")}
		do("planned", caller("READ,WRITE:a", "WRITE:c"), planned)
		do("allowed", caller("WRITE:a"), configstoretest.SetOnce(t, "a", "1", "key"))
		close(events.release)

		const write, read = "WRITE on a is not granted; use a token that grants it", "READ on a is not granted; use a token that grants it"
		const hidden = "READ is not granted on what the request is about; use a token that grants it"
		for name, want := range map[string]string{
			"first": "", "without rights": "0 " + write, "conflict": "0 " + write, "other name": "1 " + write,
			"of the last value": "0 " + read, "planned": "-1 " + hidden + ", -1 " + hidden, "allowed": "a receipt",
		} {
			if got := textOf(<-answers[name]); got != want {
				t.Errorf("%s: got %q, want %q", name, got, want)
			}
		}
		conflict := config.Single(configstoretest.SetAt(t, "a", "2", 7))
		if _, err := w.DryRun(p.View(), caller("READ:"), conflict, 0, nil, nil); textOf(err) != "0 "+write {
			t.Errorf("a dry run: got %v", err)
		}
		if head := p.View().Head(); head.Seq != 1 {
			t.Errorf("the head is %d, want 1", head.Seq)
		}
	})
}

// textOf returns the failures of a rejection, "" for nil.
func textOf(err error) string {
	rejection, is := errors.AsType[*fault.Rejection](err)
	if !is {
		return strings.TrimPrefix(fmt.Sprint(err), "<nil>")
	}
	var texts []string
	for _, f := range rejection.Failures {
		texts = append(texts, fmt.Sprint(f.Change, " ", f.Err))
	}
	return strings.Join(texts, ", ")
}

// TestForbiddenRequestGetsNoReceipt has another node carry out the same request after its key was
// looked up: what its caller may not do any more stays forbidden.
func TestForbiddenRequestGetsNoReceipt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		base := configstoretest.New(t, configstore.Options{})
		cmd := configstoretest.SetOnce(t, "a", "1", "key")
		events := &raced{Store: base.Events, then: func() {
			if _, err := base.Do(t.Context(), configstoretest.Caller(t, "ci", "READ,WRITE:"), cmd); err != nil {
				t.Error(err)
			}
			synctest.Wait() // until the writer's node has applied it
		}}
		w, p := startWriter(t, events)
		_, receipt, err := w.Do(t.Context(), configstoretest.Caller(t, "ci", "READ:"), cmd, 0)
		if receipt != nil || fault.KindOf(err) != fault.Denied {
			t.Errorf("got receipt %v, %v", receipt, err)
		}
		if head := p.View().Head(); head.Seq != 1 {
			t.Errorf("the head is %d, want 1", head.Seq)
		}
	})
}
