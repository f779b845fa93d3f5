package internal_test

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// word is a pattern for words that are not used any more, with what to say instead.
type word struct {
	pattern, instead string
	code             bool // Go files are free of it, too
}

// retired are the words that are not used any more. The words that are used are in the glossary of
// internal/config/doc.go.
var retired = []word{
	{`[Aa]way`, "unreachable; after a verb leave it out", false},
	{`[Bb]ookmarks?`, "position", true},
	{`branch(es)?`, "basis of a read, or generation of a node", false},
	{`[Cc]ouriers?`, "inline writer", true},
	{`[Dd]oors?`, "config store, edge or guard", false},
	{`[Ff]old(s|ed|ing)?`, "checkpoint", false},
	{`[Jj]udg(e|es|ed|ing|ment)`, "check, decide or validate", false},
	{`[Ll]anes?`, "query queue", true},
	{`lives`, "is kept in, lasts", false},
	{`[Oo]verlays?`, "pending changes of the batch", false},
	{`[Pp]in(s|ned)?`, "the reader that the operation uses", false},
	{`[Rr]ooms?`, "budget, memory or space", false},
	{`[Tt]ell(s|ing)?|[Tt]old`, "say, report or send; for tell apart: distinguish", false},
	{`[Ww]hoever`, "name the subject", false},
	{`Who [a-z ]+[^?]*[.;]`, "name the subject: a client that …", false},
}

// excused are the documents that may have a retired word, as file: pattern.
var excused = map[string]string{} // :: which → why

// TestGlossary looks for retired words in documents and, as far as the code has none left, in Go
// files, where the words of an identifier count one by one.
func TestGlossary(t *testing.T) {
	docs, code := documents(t), texts(t, ".go")
	for name, text := range docs {
		docs[name] = prose(text)
	}
	delete(code, "internal/glossary_test.go")
	words := regexp.MustCompile(`([a-z0-9])([A-Z])`)
	for name, text := range code {
		code[name] = words.ReplaceAllString(text, "$1 $2")
	}
	unused := maps.Clone(excused)
	for _, word := range retired {
		files := maps.Clone(docs)
		if word.code {
			maps.Copy(files, code)
		}
		for _, place := range word.find(files) {
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
