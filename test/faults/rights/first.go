package rights

import (
	"context"
	"net/http"
	"sync"
	"time"

	"configapi/test/faults/cluster"
	"configapi/test/faults/record"
)

// firstToken makes the first token while anonymous callers have streams on all nodes: it ends all
// of them, and closes all nodes.
func firstToken(ctx context.Context, w *world) error {
	if _, err := w.set(ctx, w.cluster.Nodes[0], "", "open/before", "1"); err != nil {
		return err
	}
	after, err := w.head(ctx)
	if err != nil {
		return err
	}
	watching, cancel := context.WithCancel(ctx)
	var running sync.WaitGroup
	defer running.Wait()
	defer cancel()
	var streams []*stream
	for i := range w.options.Tokens {
		s := w.newStream(edgeOf(i), w.cluster.Nodes[i%cluster.Nodes], "an anonymous stream", "", []string{""}, after)
		streams = append(streams, s)
		running.Go(func() { s.run(watching) })
	}
	if _, err := w.set(ctx, w.cluster.Nodes[1], "", "open/all", "1"); err != nil {
		return err
	}
	w.awaitFirst(ctx, streams, after)
	first, err := w.create(ctx, w.cluster.Nodes[0], "admin", everything())
	if err != nil {
		return err
	}
	w.admin = first.secret
	w.awaitEnds(ctx, streams)
	for _, s := range streams {
		s.must(closed, first.position.Seq, time.Time{})
		w.timeEnd(s, "the first token", first.at)
	}
	for _, n := range w.cluster.Nodes {
		if a, err := w.get(ctx, n, "", "open/all"); err == nil && a.status != http.StatusUnauthorized {
			w.found("the first token closes the server", "node %d answers an anonymous caller with %s", n.Number, a)
		}
	}
	return w.checkAll(ctx, streams)
}

// awaitAll waits until something is true of all streams, and returns of how many it is not. The
// checks report why.
func (w *world) awaitAll(ctx context.Context, streams []*stream, what string, is func(*stream) bool) (left int) {
	until(ctx, func() bool {
		left = 0
		for _, s := range streams {
			if !is(s) {
				left++
			}
		}
		return left == 0
	})
	if left > 0 {
		w.count("streams that were waited for in vain "+what, left)
	}
	return left
}

// awaitFirst waits until each stream has received a change after a position, or has ended.
func (w *world) awaitFirst(ctx context.Context, streams []*stream, after record.Position) {
	w.awaitAll(ctx, streams, "to have the first change", func(s *stream) bool { return s.at().Seq > after.Seq || s.end() != nil })
}

// awaitEnds waits until all streams have ended.
func (w *world) awaitEnds(ctx context.Context, streams []*stream) {
	if left := w.awaitAll(ctx, streams, "to end", func(s *stream) bool { return s.end() != nil }); left > 0 {
		w.found(ends, "%d of %d streams go on, %v after the end of their rights", left, len(streams), patience)
	}
}

// timeEnd records how long a stream took to end because of something, on the node of the change and
// on others.
func (w *world) timeEnd(s *stream, because string, since time.Time) {
	end := s.end()
	if end == nil {
		return
	}
	kind := "event streams"
	if s.edge == websocket {
		kind = "websockets"
	}
	if s.node == w.cluster.Nodes[0] {
		w.took("end of streams on the node of the change", end.At.Sub(since))
	} else {
		w.took("end of "+kind+" on other nodes, by "+because, end.At.Sub(since))
	}
}

// checkAll checks streams against the history.
func (w *world) checkAll(ctx context.Context, streams []*stream) error {
	if err := w.extend(ctx); err != nil {
		return err
	}
	received := 0
	for _, s := range streams {
		seen := s.copied()
		received += len(seen.changes())
		w.add(check(w.history, seen)...)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.result.Streams += len(streams)
	w.result.Changes += received
	return nil
}
