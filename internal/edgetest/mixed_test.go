package edgetest_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"configapi/internal/auth"
	"configapi/internal/config"
	"configapi/internal/configstore"
	"configapi/internal/configstore/configstoretest"
	"configapi/internal/eventstore"
	"configapi/internal/fault"
	"configapi/internal/feed"
	"configapi/internal/projection"
	"configapi/internal/slowtest"
	"configapi/internal/writer"
)

// TestNoAnswerMixesTwoHistories rewrites the tail of a history again and again under nodes that
// answer all the time from its past. Each answer is of one of the two histories that there are in
// turn, whole.
func TestNoAnswerMixesTwoHistories(t *testing.T) {
	slowtest.Only(t)
	for kind, open := range databases {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			d := open(t)
			one := configstoretest.On(t, d, configstore.Options{})
			for i := range 12 {
				one.MustSet(t, names[i%len(names)], fmt.Sprint("one ", i))
			}
			const kept = 3 // of 12, so that a few versions of each name are the same
			tails, heads := [2][]eventstore.Record{}, [2]eventstore.Head{}
			tails[0], heads[0] = mustRead(t, d, kept), one.Reader(auth.Anonymous).Head()
			tails[1], heads[1] = fork(t, d, kept, "n1", "n0", "n2", "n1", "n0", "n2", "n1", "n0", "n2")
			judge := newJudge(t, mustRead(t, d, 0)[:kept], tails)
			nodes := []*configstoretest.Store{startReading(t, d), startReading(t, d)}

			reading, stop := context.WithCancel(t.Context())
			defer stop()
			var readers sync.WaitGroup
			for _, n := range nodes {
				for _, read := range judge.reads() {
					readers.Go(func() {
						for reading.Err() == nil && !t.Failed() {
							read(t, n)
						}
					})
				}
			}
			for i := range 12 {
				next := (i + 1) % 2
				d.rewrite(t, kept, tails[next], heads[next])
				judge.awaitAnswers(t, 10)
			}
			stop()
			readers.Wait()
		})
	}
}

var names = []string{"n0", "n1", "n2"}

// startReading starts a node that finds next to nothing in its ring, so that it reads the store.
func startReading(t *testing.T, d database) *configstoretest.Store {
	return configstoretest.On(t, d, configstore.Options{
		PositionWait: time.Millisecond, Writer: writer.Options{RetryMin: time.Millisecond}, Feed: feed.Options{RingEvents: 1},
		Follower: projection.Options{RetryMin: time.Millisecond, RetryMax: 10 * time.Millisecond},
	})
}

// judge knows two histories.
type judge struct {
	of      [2]map[eventstore.Position]bool // :: position of a record → it is in that history
	answers atomic.Int64
}

func newJudge(t *testing.T, common []eventstore.Record, tails [2][]eventstore.Record) *judge {
	t.Helper()
	j := new(judge)
	for i, tail := range tails {
		j.of[i] = map[eventstore.Position]bool{{}: true}
		for _, records := range [][]eventstore.Record{common, tail} {
			for _, r := range records {
				j.of[i][eventstore.HeadOf(&r).Position()] = true
			}
		}
	}
	return j
}

// awaitAnswers returns when so many more answers were judged.
func (j *judge) awaitAnswers(t *testing.T, n int64) {
	t.Helper()
	enough := j.answers.Load() + n
	for deadline := time.Now().Add(patience); j.answers.Load() < enough && !t.Failed(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the nodes do not answer any more")
		}
	}
}

// judge fails the test unless all that an answer holds is of one history.
func (j *judge) judge(t *testing.T, what string, err error, marks ...eventstore.Position) {
	t.Helper()
	if err != nil {
		if kind := fault.KindOf(err); kind != fault.Unavailable && kind != fault.PositionUnknown {
			t.Errorf("%s: %v", what, err)
		}
		return
	}
	j.answers.Add(1)
	for _, history := range j.of {
		all := true
		for _, mark := range marks {
			all = all && history[mark]
		}
		if all {
			return
		}
	}
	t.Errorf("%s is of both histories", what)
}

// reads are the ways into the past. What each returns is judged together with the position that the
// reader says it is at.
func (j *judge) reads() []func(t *testing.T, n *configstoretest.Store) {
	reader := func(n *configstoretest.Store) (*configstore.Reader, error) { return n.Store.Reader(auth.Anonymous) }
	return []func(t *testing.T, n *configstoretest.Store){
		func(t *testing.T, n *configstoretest.Store) {
			r, err := reader(n)
			if err != nil {
				return
			}
			marks := []eventstore.Position{r.Head().Position()}
			for _, name := range names {
				revisions, _, historyErr := r.History(t.Context(), configstoretest.Name(t, name), 0, 10)
				if err = historyErr; err != nil {
					break
				}
				marks = append(marks, marksOf(revisions)...)
			}
			j.judge(t, "a history", err, marks...)
		},
		func(t *testing.T, n *configstoretest.Store) {
			r, err := reader(n)
			if err != nil {
				return
			}
			changes, err := r.Changes(t.Context(), eventstore.Position{}, config.Filter{}, 100)
			j.judge(t, "a page of changes", err, append(marksOf(changes.Revisions), r.Head().Position())...)
		},
		func(t *testing.T, n *configstoretest.Store) {
			r, err := reader(n)
			if err != nil {
				return
			}
			for _, back := range []time.Duration{1, 2, 5} {
				past, err := r.AsOfTime(t.Context(), r.Head().RecordedAt.Add(-back*time.Microsecond))
				if err != nil {
					j.judge(t, "an instant", err)
					return
				}
				page, err := past.Configs(t.Context(), config.Filter{}, "", 100)
				marks := []eventstore.Position{r.Head().Position(), past.At().Position()}
				for _, state := range page.Configs {
					marks = append(marks, state.Position())
				}
				j.judge(t, "a snapshot", err, marks...)
			}
		},
		func(t *testing.T, n *configstoretest.Store) {
			watch, err := n.Watch(t.Context(), auth.Anonymous, config.Filter{}, &eventstore.Position{})
			if err != nil {
				return
			}
			changes, err := watch.Next(t.Context())
			j.judge(t, "a message of a stream", err, append(marksOf(changes.Revisions), watch.Offset().Head.Position())...)
		},
	}
}

func marksOf(revisions []*eventstore.Revision) (marks []eventstore.Position) {
	for _, r := range revisions {
		marks = append(marks, r.Position())
	}
	return marks
}
