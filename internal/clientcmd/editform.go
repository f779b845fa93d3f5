package clientcmd

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"configapi/internal/fault"
	"configapi/internal/fileformat"
	"configapi/internal/linediff"
)

// editForm is how configs stand in the file that is edited.
type editForm interface {
	// within is the prefix at and below which all of the configs are, and has reports whether one
	// there is edited.
	within() string
	has(name string) bool
	write(configs map[string]string) (text string, err error)
	// read returns nil for a file that has no config.
	read(text string) (configs map[string]string, err error)
}

// valueForm is the value of one config, as it is.
type valueForm struct {
	name string
	// addsLineFeed has the file end with a line feed that the value does not have, since editors
	// put one there.
	addsLineFeed bool
}

func (f *valueForm) within() string       { return f.name }
func (f *valueForm) has(name string) bool { return name == f.name }

func (f *valueForm) write(configs map[string]string) (string, error) {
	value := configs[f.name]
	if f.addsLineFeed && value != "" {
		value += "\n"
	}
	return value, nil
}

func (f *valueForm) read(text string) (map[string]string, error) {
	if f.addsLineFeed {
		text = strings.TrimSuffix(text, "\n")
	}
	if err := checkValue(text); err != nil {
		return nil, err
	}
	return map[string]string{f.name: text}, nil
}

// listForm is the configs at and below a prefix, as lines of YAML.
type listForm struct {
	*session
	prefix string // the whole one
}

func (f *listForm) within() string  { return f.prefix }
func (f *listForm) has(string) bool { return true }

func (f *listForm) write(configs map[string]string) (string, error) {
	var entries []fileformat.Entry
	for _, name := range slices.Sorted(maps.Keys(configs)) {
		entries = append(entries, fileformat.Entry{Key: f.shortName(name), Value: configs[name]})
	}
	text, err := fileformat.Write(fileformat.YAML, entries)
	if err != nil {
		return "", err
	}
	const help = "# A line that you change, add or remove sets, creates or deletes a config.\n" +
		"# Remove all lines to write nothing.\n"
	return help + string(text), nil
}

func (f *listForm) read(text string) (map[string]string, error) {
	if isEmpty(text) {
		return nil, nil
	}
	file, err := fileformat.Read(fileformat.YAML, []byte(text), fileformat.Options{})
	if err != nil {
		return nil, err
	}
	if file.Declares {
		return nil, &ExitError{fault.ExitInvalid, fmt.Errorf("the file has one config a line, and no members prefix and values")}
	}
	configs := make(map[string]string)
	for _, entry := range file.Entries {
		name, err := f.fullName(entry.Key)
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", entry.Line, err)
		}
		if name != f.prefix && !strings.HasPrefix(name, f.prefix+"/") {
			return nil, &ExitError{fault.ExitInvalid, fmt.Errorf("line %d: %s is not below %s, which is edited", entry.Line, name, f.prefix)}
		}
		configs[name] = entry.Value
	}
	if len(configs) == 0 {
		return nil, nil
	}
	return configs, nil
}

// isEmpty reports whether a text has nothing but white space and comments.
func isEmpty(text string) bool {
	for _, line := range strings.Split(text, "\n") {
		if line = strings.TrimSpace(line); line != "" && line[0] != '#' {
			return false
		}
	}
	return true
}

const (
	ourMark   = "yours"
	theirMark = "theirs"
)

// hasMarks reports whether a text has marks of a conflict that [linediff.Merge] has set.
func hasMarks(text string) bool {
	for _, line := range strings.Split(text, "\n") {
		if line == "<<<<<<< "+ourMark || line == ">>>>>>> "+theirMark {
			return true
		}
	}
	return false
}

// merging is a merge of two changes of configs.
type merging struct {
	base, ours, theirs map[string]string
	merged             map[string]string // all but the conflicts
	conflicts          []string          // the names of configs that both have changed
}

// mergeConfigs makes both changes, config by config. A value that both have changed is merged line
// by line.
func mergeConfigs(base, ours, theirs map[string]string) *merging {
	m := &merging{base: base, ours: ours, theirs: theirs, merged: make(map[string]string)}
	all := make(map[string]bool)
	for _, configs := range []map[string]string{base, ours, theirs} {
		for name := range configs {
			all[name] = true
		}
	}
	for _, name := range slices.Sorted(maps.Keys(all)) {
		was, existed := base[name]
		our, isOurs := ours[name]
		their, isTheirs := theirs[name]
		switch {
		case isOurs == existed && our == was:
			put(m.merged, name, their, isTheirs)
		case isTheirs == existed && their == was, isOurs == isTheirs && our == their:
			put(m.merged, name, our, isOurs)
		default:
			merged, conflicts := linediff.Merge(was, our, their, linediff.Labels{})
			if !existed || !isOurs || !isTheirs || conflicts > 0 {
				m.conflicts = append(m.conflicts, name)
				continue
			}
			m.merged[name] = merged
		}
	}
	return m
}

func put(into map[string]string, name, value string, exists bool) {
	if exists {
		into[name] = value
	}
}

// marked returns the merged file, in which both versions of each conflict stand between marks.
func (m *merging) marked(form editForm) (string, error) {
	var files [3]string
	for i, side := range []map[string]string{m.base, m.ours, m.theirs} {
		whole := maps.Clone(m.merged)
		for _, name := range m.conflicts {
			if value, exists := side[name]; exists {
				whole[name] = value
			}
		}
		var err error
		if files[i], err = form.write(whole); err != nil {
			return "", err
		}
	}
	text, _ := linediff.Merge(files[0], files[1], files[2], linediff.Labels{Ours: ourMark, Theirs: theirMark})
	return text, nil
}
