package configstore_test

import (
	"context"
	"fmt"
	"slices"

	"pgregory.net/rapid"

	"configapi/internal/auth"
	"configapi/internal/config"
	"configapi/internal/configstore"
	"configapi/internal/eventstore"
)

// checkChanges reads the changes up to a reader's position in pages, from a random earlier position
// on, with all filters.
func (s *service) checkChanges(r *configstore.Reader, position int) {
	for i, f := range filters {
		filter := mustSelect(s, f.prefix, f.names, f.part)
		start := (i * 5) % (position + 1)
		first := 1 + (i+position)%5
		want := s.wanted(filter, s.model.startAfter(start), position)
		var got []*eventstore.Revision
		for after, end := s.marks[start], false; !end; {
			page, err := r.Changes(context.Background(), after, filter, first)
			if err != nil || page.Position.Seq <= after.Seq && !page.CaughtUp {
				s.Fatalf("changes after %s: %+v, %v", after, page, err)
			}
			s.mustBeWhole(page, filter, after)
			got, after, end = append(got, page.Revisions...), page.Position, page.CaughtUp
		}
		if !slices.EqualFunc(want, got, modelState.isRevision) {
			s.Fatalf("changes of %+v from %d to %d: got %d, want %+v", f, start, position, len(got), want)
		}
	}
}

// mustBeWhole fails unless changes end with a change set, and are all that match between two
// positions.
func (s *service) mustBeWhole(page configstore.Changes, filter config.Filter, after eventstore.Position) {
	end := int(page.Position.Seq)
	if s.marks[end] != page.Position || end > 0 && s.model.events[end-1].set != end {
		s.Fatalf("changes end at %s, which is within a change set", page.Position)
	}
	if want := s.wanted(filter, s.model.startAfter(int(after.Seq)), end); !slices.EqualFunc(want, page.Revisions, modelState.isRevision) {
		s.Fatalf("changes from %s to %s: got %d, want %+v", after, page.Position, len(page.Revisions), want)
	}
}

// checkWatch reads a stream from a position to the head.
func (s *service) checkWatch(node *configstore.Store, start int) {
	f := rapid.SampledFrom(filters).Draw(s.T, "filter")
	filter := mustSelect(s, f.prefix, f.names, f.part)
	ctx := context.Background()
	watch, err := node.Watch(ctx, auth.Anonymous, filter, &s.marks[start])
	if err != nil {
		s.Fatal(err)
	}
	want := s.wanted(filter, s.model.startAfter(start), len(s.model.events))
	var got []*eventstore.Revision
	for first := true; first || len(got) < len(want); first = false {
		message, err := watch.Next(ctx)
		if err != nil {
			s.Fatal(err)
		}
		got = append(got, message.Revisions...)
		if end := int(message.Position.Seq); s.marks[end] != message.Position || message.CaughtUp != (end == len(s.model.events)) {
			s.Fatalf("a message ends at %s, caught up: %t", message.Position, message.CaughtUp)
		}
	}
	if !slices.EqualFunc(want, got, modelState.isRevision) {
		s.Fatalf("stream of %+v after %d: got %d changes, want %s", f, start, len(got), fmt.Sprint(want))
	}
}
