package projection

import (
	"slices"
	"strings"

	"configapi/internal/config"
)

// Child is what lies directly below a prefix: a config, configs further below, or both. At least
// one of them exists.
type Child struct {
	Segment string      // the one after the prefix
	Name    config.Name // the whole name up to and with the segment
	Config  *Config     // of that very name; nil: there is none, or it is deleted
	Below   int         // how many configs exist further below
}

// Children calls yield for each child of a prefix whose segment is after after ("" means all), by
// segment in byte order, until yield returns false. The prefix has no slash at its end; "" is the
// top. Only the names of a set count, so a child without any of them does not exist. Children does
// not visit what is below the children: each costs a few look-ups, however many configs there are.
func (v *View) Children(prefix string, of config.Prefixes, after string, yield func(Child) bool) {
	if !of.Contains(prefix) {
		v.childrenOf(prefix, of.Inside(prefix), after, yield)
		return
	}
	w := childWalk{tree: v.states.existing, prefix: prefix, last: after, yield: yield}
	if prefix != "" {
		w.base = prefix + "/"
	}
	w.run()
}

// childrenOf is [View.Children] for a set that has only some of the names below the prefix: those
// below prefixes that are longer.
func (v *View) childrenOf(prefix string, of config.Prefixes, after string, yield func(Child) bool) {
	var found []Child
	for _, text := range of.Texts() {
		name, segment, _ := config.NameBound(text).ChildOf(prefix)
		if segment <= after {
			continue
		}
		child := Child{Segment: segment, Name: name, Below: v.counts.of(v.states.existing, []string{text})}
		if name.String() == text {
			if child.Config = find(v.states.existing, name); child.Config != nil {
				child.Below--
			}
		}
		switch last := len(found) - 1; {
		case child.Config == nil && child.Below == 0:
		case last >= 0 && found[last].Segment == segment:
			found[last].Below += child.Below
		default:
			found = append(found, child)
		}
	}
	slices.SortFunc(found, func(a, b Child) int { return strings.Compare(a.Segment, b.Segment) })
	for _, child := range found {
		if !yield(child) {
			return
		}
	}
}

// childWalk finds children in the order of their segments, which is not the order of their names:
// `a-b` sorts before `a/c`, but the segment `a` before the segment `a-b`. So what is below `a` may
// come much later than `a` itself.
type childWalk struct {
	tree         *tree
	prefix, base string // base has a slash at its end, unless it is empty
	last         string // the segment after which the walk goes on
	size         int    // how much was below the last folder, as a guess for the next one
	yield        func(Child) bool
}

func (w *childWalk) run() {
	next := rank(w.tree, w.base+w.last, 0) // the index of the name to look at
	for {
		c, ok := w.tree.GetAt(next)
		if !ok || !strings.HasPrefix(c.Name.String(), w.base) {
			return
		}
		_, segment, _ := c.Name.ChildOf(w.prefix)
		if segment <= w.last { // what is below it was counted
			if next++; c.Name.String() != w.base+segment {
				next = rank(w.tree, afterBelow(w.base+segment), next)
			}
			continue
		}
		for _, f := range w.foldersBefore(segment, next) {
			if !w.yield(w.child(f.segment, nil, f.from, f.end)) {
				return
			}
		}
		w.last = segment
		found, end := w.childAt(c, segment, next)
		if !w.yield(found) {
			return
		}
		next = end
	}
}

// childAt returns the child of a segment whose first name has an index, and where to look next.
func (w *childWalk) childAt(c *Config, segment string, index int) (found Child, next int) {
	name := w.base + segment
	if c.Name.String() != name {
		end := w.endOf(name, index)
		return w.child(segment, nil, index, end), end
	}
	next = index + 1
	from := next
	if strings.HasPrefix(nameAt(w.tree, next), name) { // `a-b` may be before `a/c`
		from = rank(w.tree, name+"/", next)
	}
	end := from
	if isBelow(nameAt(w.tree, from), name) {
		end = w.endOf(name, from)
	}
	found = w.child(segment, c, from, end)
	if from == next {
		next = end
	}
	return found, next
}

// endOf returns the index after all names below a folder, whose first name has an index.
func (w *childWalk) endOf(folder string, first int) int {
	end := rankNear(w.tree, afterBelow(folder), first+1, first+w.size)
	w.size = end - first
	return end
}

// child returns a child below which are the names from one index to before another.
func (w *childWalk) child(segment string, c *Config, from, end int) Child {
	child := Child{Segment: segment, Config: c, Below: end - from}
	if c != nil {
		child.Name = c.Name
		return child
	}
	first, _ := w.tree.GetAt(from)
	child.Name, _, _ = first.Name.ChildOf(w.prefix)
	return child
}

// folder is a segment below which are the names from one index to before another.
type folder struct {
	segment   string
	from, end int
}

// foldersBefore returns the children after the last one and before a segment, which are not
// configs, in the order of their segments. Their names come after the index of the segment's first
// name. Such a child is the beginning of the segment up to a `-` or `.`, which sort before `/`.
func (w *childWalk) foldersBefore(segment string, index int) []folder {
	var found []folder
	shared := sharedBytes(segment, w.last) // a beginning as short is not after the last one
	for i := len(segment) - 1; i > shared; i-- {
		if segment[i] != '-' && segment[i] != '.' {
			continue
		}
		name := w.base + segment[:i]
		index = rank(w.tree, name+"/", index)
		first := nameAt(w.tree, index)
		if !isBelow(first, name) {
			// Below beginnings longer than what first shares with the segment there is nothing
			// either: their names would be before first.
			i = min(i, sharedBytes(first, w.base+segment)-len(w.base)+1)
			continue
		}
		end := w.endOf(name, index)
		found = append([]folder{{segment[:i], index, end}}, found...)
		index = end
	}
	return found
}

// sharedBytes returns the length of the longest beginning that two texts share.
func sharedBytes(a, b string) int {
	n := min(len(a), len(b))
	for i := range n {
		if a[i] != b[i] {
			return i
		}
	}
	return n
}
