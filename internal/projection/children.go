package projection

import (
	"cmp"
	"slices"

	"configapi/internal/config"
)

// Child is what lies directly below a prefix: a config, names further below, or both. At least one
// of them exists.
type Child struct {
	Segment string      // the one after the prefix
	Name    config.Name // the whole name up to and with the segment
	Config  *Config     // of that very name; nil: there is none, or it is deleted
	Below   int         // how many configs exist further below
}

// Children calls yield for each child of a prefix whose segment is after after ("" means all), by
// segment in byte order, until yield returns false. The prefix has no slash at its end; "" is the
// top.
func (v *View) Children(prefix, after string, yield func(Child) bool) {
	children := make(map[string]Child)
	v.Ascend(config.Filter{}, "", func(c *Config) bool {
		name, segment, ok := c.Name.ChildOf(prefix)
		if !ok || segment <= after || !c.Exists() {
			return true
		}
		child := children[segment]
		child.Segment, child.Name = segment, name
		if c.Name == name {
			child.Config = c
		} else {
			child.Below++
		}
		children[segment] = child
		return true
	})
	var ordered []Child
	for _, c := range children {
		ordered = append(ordered, c)
	}
	slices.SortFunc(ordered, func(a, b Child) int { return cmp.Compare(a.Segment, b.Segment) })
	for _, c := range ordered {
		if !yield(c) {
			return
		}
	}
}
