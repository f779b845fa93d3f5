package internal_test

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// retired are words that are not used any more, as patterns, with what to say instead. The words
// that are used are in the glossary of internal/config/doc.go.
var retired = []struct {
	pattern, instead string
	code             bool // Go files are free of it, too
}{
	{`[Bb]ookmarks?`, "position", true},
	{`[Cc]ouriers?`, "inline writer", false},
	{`[Oo]verlays?`, "pending changes of the batch", false},
	{`[Pp]in(s|ned)?`, "the reader that the operation uses", false},
	{`[Ll]anes?`, "query queue", false},
	{`[Dd]oors?`, "config store, edge or guard", false},
	{`[Rr]ooms?`, "budget, memory or space", false},
	{`[Jj]udge(s|d|ment)?|[Jj]udging`, "check, decide or validate", false},
	{`[Aa]way`, "unreachable; drop the word after a verb", false},
	{`[Tt]ells?|[Tt]old|[Tt]elling`, "say, report, send; distinguish for tell apart", false},
	{`[Ww]hoever`, "name the subject", false},
	{`Who [a-z ]+[^?]*[.;]`, "name the subject: a client that …", false},
	{`lives`, "is kept in, lasts", false},
	{`branch(es)?`, "basis (the head that a read builds on) or generation (all that a node made of one history)", false},
}

// excused are the documents that may have a retired word, as file: pattern.
var excused = map[string]string{} // :: which → why

// TestGlossary looks for retired words in documents and, as far as code has none left, in Go files.
// In documents it leaves out code, the targets of links, and tables that programs have written.
func TestGlossary(t *testing.T) {
	quoted := regexp.MustCompile("(?s)```.*?```|`[^`\n]*`|\\]\\([^)]*\\)|<!-- (\\w+): begin -->.*?<!-- \\w+: end -->|(?m:^    .*$)")
	docs := documents(t)
	for name, text := range docs {
		docs[name] = quoted.ReplaceAllStringFunc(text, func(part string) string { return strings.Repeat("\n", strings.Count(part, "\n")) })
	}
	code := texts(t, ".go")
	delete(code, "internal/glossary_test.go")
	unused := maps.Clone(excused)
	for _, word := range retired {
		files := maps.Clone(docs)
		if word.code {
			maps.Copy(files, code)
		}
		pattern := regexp.MustCompile(`\b(` + word.pattern + `)\b`)
		for _, name := range slices.Sorted(maps.Keys(files)) {
			for number, line := range strings.Split(files[name], "\n") {
				which := name + ": " + word.pattern
				match := pattern.FindString(line)
				if match == "" {
					continue
				}
				if _, is := excused[which]; !is {
					t.Errorf("%s:%d: %q; say instead: %s", name, number+1, match, word.instead)
				}
				delete(unused, which)
			}
		}
	}
	for which := range unused {
		t.Errorf("%s is no longer needed: take it out of the exceptions", which)
	}
}
