package internal_test

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

// word is a pattern for words that are not used any more, with what to say instead.
type word struct {
	pattern, instead string
}

// retired are the words that are not used any more. The words that are used are in the glossary of
// internal/config/doc.go.
var retired = []word{
	{`[Aa]way`, "unreachable; after a verb leave it out"},
	{`[Bb]ookmarks?`, "position"},
	{`[Bb]ills?`, "cost, or what is counted"},
	{`[Bb]ranch(es)?`, "basis of a read, or generation of a node"},
	{`[Cc]ouriers?`, "inline writer"},
	{`[Dd]oors?`, "config store, edge or guard"},
	{`[Ff]old(s|ed|ing)?`, "checkpoint"},
	{`[Jj]udg(e|es|ed|ing|ment)`, "check, decide or validate"},
	{`[Ll]anes?`, "query queue"},
	{`lives`, "is kept in, lasts"},
	{`[Oo]verlays?`, "pending changes of the batch"},
	{`[Pp]in(s|ned)?`, "the reader that the operation uses"},
	{`[Rr]ooms?`, "budget, memory or space"},
	{`[Ss]urveys?`, "name what is read or counted"},
	{`[Tt]ell(s|ing)?|[Tt]old`, "say, report or send; for tell apart: distinguish"},
	{`[Ww]hoever`, "name the subject"},
	{`Who [a-z ]+[^?]*[.;]`, "name the subject: a client that …"},
}

// excused are the files that may have a retired word, as file: pattern.
var excused = map[string]string{ // :: which → why
	"internal/cli/upgrade_test.go: [Oo]verlays?":                   "a flag of the go command",
	"internal/eventstore/sqlite/log_marker.go: [Ff]old(s|ed|ing)?": "a member of a file at rest",
}

// TestGlossary looks for retired words in documents and in Go files, where the words of an
// identifier count one by one.
func TestGlossary(t *testing.T) {
	docs, code := documents(t), texts(t, ".go")
	for name, text := range docs {
		docs[name] = prose(text)
	}
	delete(code, "internal/glossary_test.go")
	words := regexp.MustCompile(`([a-z0-9])([A-Z])`)
	for name, text := range code {
		text = strings.ReplaceAll(text, "EqualFold", "") // of the standard library
		docs[name] = words.ReplaceAllString(text, "$1 $2")
	}
	unused := maps.Clone(excused)
	for _, word := range retired {
		for _, place := range word.find(docs) {
			which := place.file + ": " + word.pattern
			if _, is := excused[which]; !is {
				t.Errorf("%s:%d: %q; say instead: %s", place.file, place.line, place.found, word.instead)
			}
			delete(unused, which)
		}
	}
	for which := range unused {
		t.Errorf("%s is not needed any more: take it out of the exceptions", which)
	}
}

// maxColumns is the longest line that has only a comment; a tab has 4 columns.
const maxColumns = 100

// TestCommentsAreNotTooWide looks at the lines of all Go files that have nothing but a comment.
func TestCommentsAreNotTooWide(t *testing.T) {
	generated := regexp.MustCompile(`(?m)^// Code generated .* DO NOT EDIT\.$`)
	for name, text := range texts(t, ".go") {
		if generated.MatchString(text) {
			continue
		}
		for i, line := range strings.Split(text, "\n") {
			comment := strings.HasPrefix(strings.TrimSpace(line), "//")
			if width := utf8.RuneCountInString(strings.ReplaceAll(line, "\t", "    ")); comment && width > maxColumns {
				t.Errorf("%s:%d: a comment of %d columns, want at most %d", name, i+1, width, maxColumns)
			}
		}
	}
}

// TestRetiredWordsAreFound shows what the glossary looks at in a document and what it leaves out.
func TestRetiredWordsAreFound(t *testing.T) {
	const text = "A door.\n`door` and [a link](door.md)\n\n    door\n```\ndoor\n```\nTwo\ndoors.\n" +
		"<!-- x: begin -->\ndoor\n<!-- x: end -->\nOutdoors.\n"
	found := word{pattern: `doors?`}.find(map[string]string{"a.md": prose(text)})
	if want := []place{{"a.md", 1, "door"}, {"a.md", 9, "doors"}}; !slices.Equal(found, want) {
		t.Errorf("got %v, want %v", found, want)
	}
}

// place is where a retired word stands.
type place struct {
	file  string
	line  int // from 1
	found string
}

// find returns the places of the word in files, in the order of their names.
func (w word) find(files map[string]string) []place {
	pattern := regexp.MustCompile(`\b(` + w.pattern + `)\b`)
	var places []place
	for _, name := range slices.Sorted(maps.Keys(files)) {
		for i, line := range strings.Split(files[name], "\n") {
			if found := pattern.FindString(line); found != "" {
				places = append(places, place{name, i + 1, found})
			}
		}
	}
	return places
}

// prose returns a document with its lines, but without code, the targets of links, and tables that
// programs have written.
func prose(text string) string {
	other := regexp.MustCompile("(?s)```.*?```|`[^`\n]*`|\\]\\([^)]*\\)|(?m-s:^ {4}.*$)|" +
		"<!-- \\w+: begin -->.*?<!-- \\w+: end -->")
	return other.ReplaceAllStringFunc(text, func(part string) string {
		return strings.Repeat("\n", strings.Count(part, "\n"))
	})
}
