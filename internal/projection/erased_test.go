package projection_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"configapi/internal/config"
	"configapi/internal/eventstore"
	"configapi/internal/eventstore/memory"
	"configapi/internal/projection"
)

// planted returns an event store that has the records of a history as they are.
func planted(t *testing.T, h *history) *memory.Store {
	t.Helper()
	s := memory.New()
	if err := s.Replace(h.head, h.records); err != nil {
		t.Fatal(err)
	}
	return s
}

// getReady runs a follower until it has applied what there is.
func getReady(t *testing.T, f *projection.Follower) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- f.Run(ctx) }()
	<-f.Ready()
	stop()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}

// erasureCodec knows a kind of events that erase values.
func erasureCodec() config.Codec {
	return config.NewCodec(config.Kind{Type: "TestErased", SchemaVersion: 1, Decode: func(_ config.StreamEvent, _ int, data string) (content any, erases []int64, err error) {
		err = json.Unmarshal([]byte(data), &erases)
		return nil, erases, err
	}})
}

// erase makes an event that erases others, and removes their data.
func (h *history) erase(version int, erases ...int) {
	h.t.Helper()
	data, err := json.Marshal(erases)
	if err != nil {
		h.t.Fatal(err)
	}
	h.seal([]eventstore.Record{{
		Name: "$erasure", Version: version, Type: "TestErased", SchemaVersion: 1, Data: string(data),
		RecordedAt: h.head.RecordedAt.Add(time.Microsecond),
	}})
	for _, seq := range erases {
		r := &h.records[seq-1]
		r.Data, r.SaltWhat, r.Erased = "", eventstore.Salt{}, true
	}
}

// TestNoViewShowsAnErasedValue: a follower that is behind goes on to the version that follows.
func TestNoViewShowsAnErasedValue(t *testing.T) {
	for pageSize := range 6 {
		t.Run(fmt.Sprint("pages of ", pageSize), func(t *testing.T) {
			h := newHistory(t)
			h.set("a", "1")
			l := &listener{}
			p := projection.New(l)
			events := planted(t, h)
			f := projection.NewFollower(p, events, projection.Options{PageSize: pageSize, Codec: erasureCodec()})
			getReady(t, f)
			l.onHear = func([]*eventstore.Revision) {
				p.View().Ascend(config.Filter{}, "", func(c *projection.Config) bool {
					if c.Erased() {
						t.Errorf("at position %d, %s has an erased value", p.View().Head().Seq, c.Name)
					}
					return true
				})
			}
			h.set("a", "2")
			h.set("b", "1")
			h.set("c", "1")
			h.set("b", "2")
			h.set("a", "3")
			h.commit(remove(t, "c"))
			h.erase(1, 2, 3, 4)
			h.set("d", "1")
			if err := events.Replace(h.head, h.records); err != nil {
				t.Fatal(err)
			}
			if err := f.CatchUp(t.Context()); err != nil {
				t.Fatal(err)
			}
			if got := p.View().Head(); !got.Same(h.head) || len(l.heard) != len(h.records) {
				t.Errorf("at position %d after %d changes, want %d", got.Seq, len(l.heard), h.head.Seq)
			}
			if stream := p.View().Stream("$erasure"); stream == nil || stream.Seq != 8 {
				t.Errorf("the newest event of the stream is %+v", stream)
			}
			if !p.View().IsErased(2) || p.View().IsErased(5) {
				t.Error("the view does not know what is erased")
			}
		})
	}
}

// TestFollowerRefusesErasures: each history lacks data that it may not lack.
func TestFollowerRefusesErasures(t *testing.T) {
	for what, test := range map[string]struct {
		change func(h *history)
		want   string
	}{
		"no event says so": {func(h *history) {
			h.erase(1)
			h.records[1].Data, h.records[1].SaltWhat, h.records[1].Erased = "", eventstore.Salt{}, true
		}, "broken at position 2: its data is missing, and no later event says that it was erased"},
		"the event that says so is gone": {func(h *history) {
			h.erase(1, 2)
			h.records, h.head = h.records[:5], eventstore.HeadOf(&h.records[4])
		}, "broken at position 2: its data is missing, and no later event says that it was erased"},
		"the present value": {func(h *history) { h.erase(1, 5) }, "broken at position 5: its value was erased, but it is the present one"},
	} {
		for _, unseen := range []bool{true, false} {
			t.Run(fmt.Sprint(what, ", at start: ", unseen), func(t *testing.T) {
				h := newHistory(t)
				for i := range 5 {
					h.set("a", fmt.Sprint(i))
				}
				l := &listener{}
				p := projection.New(l)
				events := planted(t, h)
				f := projection.NewFollower(p, events, projection.Options{PageSize: 2, Codec: erasureCodec()})
				if !unseen {
					if err := events.Replace(eventstore.HeadOf(&h.records[0]), h.records[:1]); err != nil {
						t.Fatal(err)
					}
					getReady(t, f)
				}
				test.change(h)
				if err := events.Replace(h.head, h.records); err != nil {
					t.Fatal(err)
				}
				err := f.CatchUp(t.Context())
				if err == nil || !strings.Contains(err.Error(), test.want) || !projection.Permanent(err) || errors.Is(err, projection.ErrDiverged) {
					t.Errorf("got %v, want %q", err, test.want)
				}
			})
		}
	}
}

// TestLoadWithStreams loads a state from a history with erased values and another stream, and
// verifies the rest.
func TestLoadWithStreams(t *testing.T) {
	h := newHistory(t)
	for i := range 100 {
		h.set("a", fmt.Sprint(i))
		h.set("b", fmt.Sprint(i))
	}
	h.erase(1, 1, 2, 150)
	for i := range 100 {
		h.set("a", fmt.Sprint(i))
	}
	h.erase(2, 3)
	h.set("b", "last")
	for _, unexplained := range []bool{false, true} {
		if r := &h.records[9]; unexplained {
			r.Data, r.SaltWhat, r.Erased = "", eventstore.Salt{}, true
		}
		events := planted(t, h)
		l := newLoading(events, projection.Options{RecentEvents: 10, Codec: erasureCodec()})
		if err := l.CatchUp(t.Context()); err != nil || l.loaded.Seq == 0 {
			t.Fatalf("loaded at %d: %v", l.loaded.Seq, err)
		}
		h.mustShow(l.View())
		if r := l.View().Stream("$erasure"); r == nil || r.Seq != 302 || r.Stream.Version != 2 {
			t.Errorf("the newest event of the stream is %+v", r)
		}
		if !l.View().MayBeErased(1) || l.View().IsErased(1) || !l.View().IsErased(3) {
			t.Error("the view does not know what was erased, and what it has not read")
		}
		ctx, stop := context.WithCancel(t.Context())
		v := projection.NewVerifier(events, func() eventstore.Head { return l.View().Head() },
			projection.VerifierOptions{Codec: erasureCodec(), IsErased: func(seq eventstore.Seq) bool { return l.View().IsErased(seq) }})
		v.Begin(projection.Stretch{To: l.loaded})
		done := make(chan error, 1)
		go func() { done <- v.Run(ctx) }()
		if !unexplained {
			for v.Verified().Seq < h.head.Seq {
				runtime.Gosched()
			}
			stop()
		}
		err := <-done
		stop()
		if want := "broken at position 10: its data is missing"; unexplained != (err != nil) || unexplained && !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want an error: %t", err, unexplained)
		}
	}
}
