package gqlws

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"

	"configapi/graph/transport/fanout"
	"configapi/graph/transport/transporttest"
	"configapi/internal/eventstream"
)

const logDocument = `subscription($after:Int,$tag:String){log(after:$after,tag:$tag)}`

// watch subscribes to the log and reads what is there.
func (p *peer) watch(id, variables string, there string) {
	p.t.Helper()
	p.send(`{"id":"` + id + `","type":"subscribe","payload":{"query":"` + logDocument + `","variables":` + variables + `}}`)
	p.wantLog(id, there)
}

func (p *peer) wantLog(id, words string) {
	p.t.Helper()
	p.want(`{"id":"` + id + `","type":"next","payload":{"data":{"log":"` + words + `"}}}`)
}

// wantGroups waits until nothing happens any more, and checks how many subscribers the groups have.
func (f *fixture) wantGroups(t *testing.T, want ...int) {
	t.Helper()
	synctest.Wait()
	if got := f.transport.groups.Sizes(); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Fatalf("got groups of %v subscribers, want %v", got, want)
	}
}

var shared = Options{OffsetArgument: "after"}

func TestEqualSubscribersShareEachExecution(t *testing.T) {
	bubble(t, shared, func(t *testing.T, f *fixture) {
		f.schema.Log.Add("one", "two")
		var peers []*peer
		for i := range 5 {
			p := f.open(t)
			p.watch(fmt.Sprint(i), `{"after":`+fmt.Sprint(i%3)+`}`, []string{"one two", "two", ""}[i%3])
			peers = append(peers, p)
		}
		f.wantGroups(t, 5)
		before := f.schema.Log.Executions()
		for _, word := range []string{"three", "four"} {
			f.schema.Log.Add(word)
			for i, p := range peers {
				p.wantLog(fmt.Sprint(i), word)
			}
		}
		if n := f.schema.Log.Executions() - before; n != 2 {
			t.Errorf("2 words were executed %d times for 5 subscribers", n)
		}
		// The first two leave, one way or the other, and the others do not notice.
		peers[0].send(`{"id":"0","type":"complete"}`)
		peers[1].conn.Close()
		f.wantGroups(t, 3)
		f.schema.Log.Add("five")
		for i, p := range peers[2:] {
			p.wantLog(fmt.Sprint(i+2), "five")
		}
		for _, p := range peers[2:] {
			p.conn.Close()
		}
		f.wantGroups(t)
	})
}

func TestOnlyEqualSubscribersShare(t *testing.T) {
	options := shared
	options.Init = func(ctx context.Context, _ eventstream.Client, payload map[string]any) (fanout.Rights, error) {
		return fanout.Rights{Context: transporttest.WithRights(ctx, payload["rights"].(string))}, nil
	}
	const two = `"query":"subscription A($after:Int,$tag:String){log(after:$after,tag:$tag)} subscription B($after:Int,$tag:String){log(after:$after,tag:$tag)}"`
	const spread = `"query":"subscription($after:Int,$tag:String){log(after:$after,tag:$tag)...F} fragment F on Subscription{log(after:$after,tag:$tag)}"`
	for name, row := range map[string]struct{ one, other, rights string }{
		"document":                           {`"query":"subscription{log}"`, `"query":"subscription{log }"`, `""`},
		"operation":                          {two + `,"operationName":"A"`, two + `,"operationName":"B"`, `""`},
		"variable":                           {two + `,"operationName":"A"`, two + `,"operationName":"A","variables":{"tag":"t"}`, `""`},
		"null is not absent":                 {two + `,"operationName":"A"`, two + `,"operationName":"A","variables":{"tag":null}`, `""`},
		"rights":                             {`"query":"subscription{log}"`, `"query":"subscription{log}"`, `"more"`},
		"a beginning that is more than that": {spread + `,"variables":{"after":0}`, spread + `,"variables":{}`, `""`},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, options, func(t *testing.T, f *fixture) {
				for range 2 {
					for _, s := range []struct{ payload, rights string }{{row.one, `""`}, {row.other, row.rights}} {
						p := f.dial(t, offer)
						p.send(`{"type":"connection_init","payload":{"rights":` + s.rights + `}}`)
						p.want(`{"type":"connection_ack"}`)
						p.send(`{"id":"1","type":"subscribe","payload":{` + s.payload + `}}`)
						p.wantLog("1", "")
					}
				}
				f.wantGroups(t, 2, 2)
			})
		})
	}
}

// TestStalledSubscriberDelaysNobody has a subscriber that takes nothing leave its group, catch up
// on its own when it takes again, and come back.
func TestStalledSubscriberDelaysNobody(t *testing.T) {
	options := shared
	options.MaxQueuedBytes = 200 // two messages and a half
	bubble(t, options, func(t *testing.T, f *fixture) {
		stalled, other := f.open(t), f.open(t)
		stalled.watch("s", `{}`, "")
		other.watch("o", `{}`, "")
		f.wantGroups(t, 2)
		for i := range 10 {
			f.schema.Log.Add(fmt.Sprint(i))
			other.wantLog("o", fmt.Sprint(i))
		}
		f.wantGroups(t, 1)
		// What was queued when it left, then the next one that waits for its turn, then all the
		// rest at once.
		words := strings.Fields("0 1 2 3 4 5 6 7 8 9")
		for len(words) > 0 {
			got := stalled.wantLike(`{"id":"s","type":"next","payload":{"data":{"log":"`)
			for _, word := range strings.Fields(strings.TrimSuffix(strings.TrimPrefix(got, `{"id":"s","type":"next","payload":{"data":{"log":"`), `"}}}`)) {
				if word != words[0] {
					t.Fatalf("got %s, want %s", word, words[0])
				}
				words = words[1:]
			}
		}
		f.wantGroups(t, 2)
		before := f.schema.Log.Executions()
		f.schema.Log.Add("together")
		stalled.wantLog("s", "together")
		other.wantLog("o", "together")
		if n := f.schema.Log.Executions() - before; n != 1 {
			t.Errorf("executed %d times, want once", n)
		}
	})
}

// TestSubscriberThatIsAheadOfItsGroup joins a group that has yet to read what the subscriber was
// sent on its own.
func TestSubscriberThatIsAheadOfItsGroup(t *testing.T) {
	bubble(t, shared, func(t *testing.T, f *fixture) {
		first, second := f.open(t), f.open(t)
		first.watch("1", `{}`, "")
		f.wantGroups(t, 1)

		release := f.schema.Log.HoldGroups()
		f.schema.Log.Add("one")
		second.watch("2", `{"after":0}`, "one")
		f.wantGroups(t, 2)
		release()
		first.wantLog("1", "one") // all of which the second was sent
		f.wantGroups(t, 2)

		release = f.schema.Log.HoldGroups()
		f.schema.Log.Add("two")
		third := f.open(t)
		third.watch("3", `{"after":1}`, "two")
		f.wantGroups(t, 3)
		f.schema.Log.Add("three")
		release()
		first.wantLog("1", "two three")
		second.wantLog("2", "two three")
		third.wantLog("3", "three") // on its own, since it was sent a part
		f.wantGroups(t, 3)
	})
}

// TestGroupThatMovesOnWhileASubscriberJoins steps through joining: what the group sends meanwhile
// comes after what it has sent before.
func TestGroupThatMovesOnWhileASubscriberJoins(t *testing.T) {
	long := strings.Repeat("x", 150)
	for name, row := range map[string]struct {
		exceed bool
		// during happens while the second subscriber reads on its own what the group was sent: one
		// and two.
		during func(f *fixture, first *peer)
		want   []string // of the second subscriber
	}{
		"nothing more": {want: []string{"", "one two"}},
		"a message": {want: []string{"", "one two", "three"}, during: func(f *fixture, first *peer) {
			f.schema.Log.Add("three")
			first.wantLog("1", "three")
		}},
		"more than it may hold": {want: []string{"", "one two", long + " " + long}, during: func(f *fixture, first *peer) {
			for range 2 {
				f.schema.Log.Add(long)
				first.wantLog("1", long)
			}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			options := shared
			options.MaxQueuedBytes = 250
			bubble(t, options, func(t *testing.T, f *fixture) {
				first, second := f.open(t), f.open(t)
				first.watch("1", `{}`, "")
				f.wantGroups(t, 1)
				f.schema.Log.Pause, f.schema.Log.Exceed = make(chan struct{}), row.exceed
				second.send(`{"id":"2","type":"subscribe","payload":{"query":"` + logDocument + `","variables":{}}}`)
				synctest.Wait() // it has read that there is nothing
				for _, word := range []string{"one", "two"} {
					f.schema.Log.Add(word)
					first.wantLog("1", word)
				}
				f.schema.Log.Pause <- struct{}{}
				second.wantLog("2", row.want[0])
				f.wantGroups(t, 2) // and joins, and reads
				if row.during != nil {
					row.during(f, first)
				}
				synctest.Wait()
				close(f.schema.Log.Pause)
				for _, words := range row.want[1:] {
					second.wantLog("2", words)
				}
				f.wantGroups(t, 2)
				f.schema.Log.Add("last")
				first.wantLog("1", "last")
				second.wantLog("2", "last")
			})
		})
	}
}

// TestBacklogThatOverlaps: a joining subscriber is sent more than its group was, and then the group
// catches up with it in one message.
func TestBacklogThatOverlaps(t *testing.T) {
	bubble(t, shared, func(t *testing.T, f *fixture) {
		first, second := f.open(t), f.open(t)
		first.watch("1", `{}`, "")
		f.wantGroups(t, 1)
		f.schema.Log.Pause, f.schema.Log.Exceed = make(chan struct{}), true
		second.send(`{"id":"2","type":"subscribe","payload":{"query":"` + logDocument + `","variables":{}}}`)
		synctest.Wait()
		f.schema.Log.Add("one")
		first.wantLog("1", "one")
		release := f.schema.Log.HoldGroups()
		f.schema.Log.Add("two")
		f.schema.Log.Pause <- struct{}{}
		second.wantLog("2", "")
		f.wantGroups(t, 2)
		f.schema.Log.Add("three")
		release()
		first.wantLog("1", "two three")
		synctest.Wait()
		close(f.schema.Log.Pause)
		second.wantLog("2", "one two")
		second.wantLog("2", "three")
		f.wantGroups(t, 2)
	})
}

func TestSubscribersHearWhyTheirStreamsEnd(t *testing.T) {
	for name, row := range map[string]struct {
		end  func(l *transporttest.Log)
		want string
	}{
		"error": {func(l *transporttest.Log) { l.Fail(errors.New("lost")) }, `"payload":[{"message":"lost"}]`},
		"panic": {func(l *transporttest.Log) { l.Add("panic") }, `"payload":[{"message":"it panicked","extensions":{"code":"INTERNAL"}}]`},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, shared, func(t *testing.T, f *fixture) {
				peers := []*peer{f.open(t), f.open(t), f.open(t)}
				for _, p := range peers {
					p.watch("1", `{}`, "")
				}
				f.wantGroups(t, 3)
				row.end(&f.schema.Log)
				for _, p := range peers {
					p.want(`{"id":"1","type":"error",` + row.want + `}`)
					// The id is free again.
					p.send(`{"id":"1","type":"subscribe","payload":{"query":"{hello}"}}`)
					p.want(`{"id":"1","type":"next","payload":{"data":{"hello":"hello world"}}}`)
					p.want(`{"id":"1","type":"complete"}`)
				}
				f.wantGroups(t)
			})
		})
	}
}

// TestCompleteOfASubscriber ends one stream of a socket that has two in the group.
func TestCompleteOfASubscriber(t *testing.T) {
	bubble(t, shared, func(t *testing.T, f *fixture) {
		p := f.open(t)
		p.watch("a", `{}`, "")
		p.watch("b", `{}`, "")
		f.wantGroups(t, 2)
		p.send(`{"id":"a","type":"complete"}`)
		f.wantGroups(t, 1)
		f.schema.Log.Add("one")
		p.wantLog("b", "one")
		p.watch("a", `{"after":0}`, "one")
		f.wantGroups(t, 2)
	})
}

// TestStreamsOfASocketShareAWrite has the subscribers of two sockets join a group in turn, and some
// leave it again: each message costs each socket one write.
func TestStreamsOfASocketShareAWrite(t *testing.T) {
	bubble(t, shared, func(t *testing.T, f *fixture) {
		peers := []*peer{f.open(t), f.open(t)}
		for i := range 100 {
			for _, p := range peers {
				p.watch(fmt.Sprint(i), `{}`, "")
			}
		}
		for i := range 20 {
			peers[i%2].send(`{"id":"` + fmt.Sprint(i) + `","type":"complete"}`)
		}
		f.wantGroups(t, 180)
		before := f.writes.Load()
		f.schema.Log.Add("one")
		for _, p := range peers {
			for range 90 {
				p.wantLike("one")
			}
		}
		synctest.Wait()
		if n := f.writes.Load() - before; n != 2 {
			t.Errorf("180 frames to 2 sockets took %d writes", n)
		}
	})
}

// TestMessagesThatWaitGoOutTogether: messages that have gathered for a socket go out with one
// write.
func TestMessagesThatWaitGoOutTogether(t *testing.T) {
	bubble(t, shared, func(t *testing.T, f *fixture) {
		p := f.open(t)
		p.watch("a", `{}`, "")
		p.watch("b", `{}`, "")
		f.wantGroups(t, 2)
		f.schema.Log.Add("first") // its frame for a is being written, and the client does not read
		synctest.Wait()
		f.schema.Log.Add("second")
		synctest.Wait()
		f.schema.Log.Add("third")
		synctest.Wait()
		before := f.writes.Load()
		for _, word := range []string{"first", "second", "third"} {
			p.wantLike(word)
			p.wantLike(word)
		}
		if n := f.writes.Load() - before; n != 1 {
			t.Errorf("what waited took %d writes, want 1", n)
		}
	})
}
