package client

import (
	"slices"
	"strings"

	"configapi/client/rest"
)

// layers are the configs of each prefix, and what they come to together. It is never changed.
type layers struct {
	prefixes []string
	relative bool     // names are what follows the prefix
	each     []*table // by prefix
	merged   *table   // of several prefixes; that of the only one otherwise
}

// newLayers returns the layers with the configs of each, by name.
func newLayers(o *Options, configs [][]*Config) *layers {
	l := &layers{prefixes: o.prefixes(), relative: len(o.Layers) > 0}
	for _, of := range configs {
		t := &table{base: of}
		for _, c := range of {
			t.bytes += sizeOf(c)
		}
		l.each = append(l.each, t)
	}
	if l.merged = l.each[0]; len(l.each) > 1 {
		for _, t := range l.each[1:] {
			l.merged = l.merged.with(entriesOf(t))
		}
	}
	return l
}

func entriesOf(t *table) []entry {
	entries := make([]entry, 0, len(t.base))
	for c := range t.all() {
		entries = append(entries, entry{c.Name, c})
	}
	return entries
}

// bytes returns how many bytes all names and values have.
func (l *layers) bytes() (sum int64) {
	for _, t := range l.each {
		sum += t.bytes
	}
	return sum
}

// with returns the layers after a change set, and the names whose configs are others now.
func (l *layers) with(changes []rest.Revision) (after *layers, changed []string) {
	after = &layers{prefixes: l.prefixes, relative: l.relative, each: slices.Clone(l.each)}
	touched := map[string]bool{} // :: name → a layer has another config for it
	for i, prefix := range l.prefixes {
		newest := map[string]entry{} // :: name → its last change in the set
		for _, r := range changes {
			name, within := nameIn(prefix, r.Name, l.relative)
			if !within || r.Erased && r.Operation != deleted {
				continue // a later change of the name follows one whose value was erased
			}
			if old := l.each[i].lookup(name); old != nil && seq(old.Position) >= seq(r.Position) {
				continue // it came with the list
			}
			newest[name] = entry{name, configOf(name, prefix, &r)}
			touched[name] = true
		}
		after.each[i] = l.each[i].with(sorted(newest))
	}
	if after.merged = after.each[0]; len(after.each) > 1 {
		visible := map[string]entry{} // :: name → its config in the last layer that has one
		for name := range touched {
			visible[name] = entry{name, after.visible(name)}
		}
		after.merged = l.merged.with(sorted(visible))
	}
	for name := range touched {
		if after.merged.lookup(name) != l.merged.lookup(name) {
			changed = append(changed, name)
		}
	}
	slices.Sort(changed)
	return after, changed
}

// visible returns the config of a name in the last layer that has one, nil when none has.
func (l *layers) visible(name string) *Config {
	for _, t := range slices.Backward(l.each) {
		if c := t.lookup(name); c != nil {
			return c
		}
	}
	return nil
}

func sorted(entries map[string]entry) []entry {
	list := make([]entry, 0, len(entries))
	for _, e := range entries {
		list = append(list, e)
	}
	slices.SortFunc(list, func(a, b entry) int { return strings.Compare(a.name, b.name) })
	return list
}

// nameIn returns the name that a config has in the layer of a prefix, and whether it is in it.
func nameIn(prefix, name string, relative bool) (in string, is bool) {
	below, is := strings.CutPrefix(name, prefix+"/")
	if relative {
		return below, is
	}
	return name, is || prefix == "" || name == prefix
}

// common returns the longest prefix, in whole segments, of all prefixes.
func common(prefixes []string) string {
	shared := prefixes[0]
	for _, prefix := range prefixes[1:] {
		for shared != "" && prefix != shared && !strings.HasPrefix(prefix, shared+"/") {
			shared = shared[:max(strings.LastIndexByte(shared, '/'), 0)]
		}
	}
	return shared
}
