package configstore_test

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"configapi/internal/config"
	"configapi/internal/configstore"
	"configapi/internal/configstore/configstoretest"
	"configapi/internal/eventstore"
	"configapi/internal/projection"
)

// mustSelect returns the filter of a prefix, names, and a part of names, where "" and nil set no
// condition.
func mustSelect(t fataler, prefix string, names []string, part string) config.Filter {
	filter, err := config.ParseFilter(prefix, names)
	if err == nil && part != "" {
		filter, err = filter.Containing(part)
	}
	if err != nil {
		t.Fatal(err)
	}
	return filter
}

// checkByChange reads all pages of configs by change, of existing and of deleted ones, with all
// filters.
func (s *service) checkByChange(r *configstore.Reader, position int) {
	states := slices.Collect(func(yield func(modelState) bool) {
		for _, state := range s.model.asOf(position) {
			if !yield(state) {
				return
			}
		}
	})
	slices.SortFunc(states, func(a, b modelState) int { return cmp.Compare(b.position, a.position) })
	for i, f := range filters {
		filter := mustSelect(s, f.prefix, f.names, f.part)
		for _, deleted := range []bool{false, true} {
			want := slices.DeleteFunc(slices.Clone(states), func(m modelState) bool {
				return (m.operation == config.Deleted) != deleted || !filter.Matches(configstoretest.Name(s.t, m.name))
			})
			got := s.pagesByChange(r, filter, deleted, 1+(position+i)%4)
			if !slices.EqualFunc(want, got, modelState.matches) {
				s.Fatalf("filter %+v at position %d, deleted %t: got %d configs, want %+v", f, position, deleted, len(got), want)
			}
			if n, err := r.CountDeleted(context.Background(), filter); deleted && (err != nil || n != len(want)) {
				s.Fatalf("filter %+v at position %d: counted %d deleted, %v, want %d", f, position, n, err, len(want))
			}
		}
	}
}

func (s *service) pagesByChange(r *configstore.Reader, filter config.Filter, deleted bool, first int) (found []*projection.Config) {
	read := r.ConfigsByChange
	if deleted {
		read = r.Deleted
	}
	for before, more := eventstore.Seq(0), true; more; {
		page, err := read(context.Background(), filter, before, first)
		short := page.More && len(page.Configs) < first || before > 0 && len(page.Configs) == 0
		stuck := page.More && (page.End <= 0 || before > 0 && page.End >= before)
		if err != nil || len(page.Configs) > first || short && s.opts.ScanNames == 0 || stuck {
			s.Fatalf("a page of %d before %d: %+v, %v", first, before, page, err)
		}
		found = append(found, page.Configs...)
		before, more = page.End, page.More
	}
	return found
}

// checkChildren reads all pages of the children of some prefixes.
func (s *service) checkChildren(r *configstore.Reader, position int) {
	existing := s.model.existing(position)
	for _, prefix := range []string{"", "a", "a/", "a/b", "x"} {
		var got []projection.Child
		first := 1 + position%3
		for after, more := "", true; more; {
			page, err := r.Children(prefix, after, first)
			if err != nil || len(page.Children) > first || page.More && len(page.Children) < first || after != "" && len(page.Children) == 0 {
				s.Fatalf("a page of %d children of %q after %q: %+v, %v", first, prefix, after, page, err)
			}
			got = append(got, page.Children...)
			if more = page.More; more {
				after = got[len(got)-1].Segment
			}
		}
		s.mustBeChildren(got, existing, prefix, position)
	}
}

// mustBeChildren compares children with the configs that exist.
func (s *service) mustBeChildren(children []projection.Child, existing []modelState, prefix string, position int) {
	base := strings.TrimSuffix(prefix, "/") + "/"
	if prefix == "" {
		base = ""
	}
	if !slices.IsSortedFunc(children, func(a, b projection.Child) int { return strings.Compare(a.Segment, b.Segment) }) {
		s.Fatalf("children of %q at position %d: %+v", prefix, position, children)
	}
	for i, c := range children {
		if i > 0 && c.Segment == children[i-1].Segment || c.Name.String() != base+c.Segment || c.Config == nil && c.Below == 0 {
			s.Fatalf("children of %q at position %d: %+v", prefix, position, children)
		}
	}
	below := 0
	for _, m := range existing {
		rest, ok := strings.CutPrefix(m.name, base)
		if !ok {
			continue
		}
		below++
		segment, further, deeper := strings.Cut(rest, "/")
		i := slices.IndexFunc(children, func(c projection.Child) bool { return c.Segment == segment })
		if i < 0 || deeper && further != "" && children[i].Below == 0 || !deeper && (children[i].Config == nil || !m.matches(children[i].Config)) {
			s.Fatalf("children of %q at position %d: %s is not in %+v", prefix, position, m.name, children)
		}
	}
	for _, c := range children {
		below -= c.Below
		if c.Config != nil {
			below--
		}
	}
	if below != 0 {
		s.Fatalf("children of %q at position %d: %d configs are not counted in %+v", prefix, position, below, children)
	}
}
