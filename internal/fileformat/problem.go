package fileformat

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"configapi/internal/excerpt"
)

const (
	byteOrderMark = "\ufeff"
	maxShown      = 100 // problems in the text of an error
	maxQuoted     = 100 // bytes of a key in the text of a problem
)

// Error is all that is wrong with a file, or with what was to become one.
type Error struct {
	Format   Format // "" when names are at fault
	Problems []Problem
}

// Problem is one thing that is wrong.
type Problem struct {
	Line int    // of the file, from 1; 0 when it is of no line
	Key  string // "" when it is of no key
	What string // what is wrong and what to do, as the rest of a sentence about the key
}

// Error returns one line for each problem.
func (e *Error) Error() string {
	var b strings.Builder
	for i, p := range e.Problems {
		if i == maxShown {
			fmt.Fprintf(&b, "\nand %d more", len(e.Problems)-maxShown)
			break
		}
		if i > 0 {
			b.WriteByte('\n')
		}
		b.WriteString(p.String())
	}
	return b.String()
}

// String returns the problem as one line, such as `line 3: "a b" has a space`.
func (p Problem) String() string {
	text := p.What
	if p.Key != "" {
		text = fmt.Sprintf("%q %s", excerpt.Of(p.Key, maxQuoted), text)
	}
	if p.Line > 0 {
		text = fmt.Sprintf("line %d: %s", p.Line, text)
	}
	return text
}

// problems gathers what is wrong.
type problems struct {
	format Format
	found  []Problem
}

func (p *problems) refuse(line int, key, what string, args ...any) {
	p.found = append(p.found, Problem{line, key, fmt.Sprintf(what, args...)})
}

func (p *problems) err() error {
	if len(p.found) == 0 {
		return nil
	}
	return &Error{p.format, p.found}
}

// reader gathers the entries of a file.
type reader struct {
	problems
	file  File
	lines map[string]int // :: key → its line
}

// add adds an entry, unless its key is there already or its value cannot be one of a config.
func (r *reader) add(e Entry) {
	if first, is := r.lines[e.Key]; is {
		if first > 0 {
			r.refuse(e.Line, e.Key, "is in line %d already; leave one of them out", first)
		} else {
			r.refuse(e.Line, e.Key, "is in the file twice; leave one of them out")
		}
		return
	}
	r.lines[e.Key] = e.Line
	if what := brokenKey(e.Key); what != "" {
		r.refuse(e.Line, strconv.QuoteToASCII(e.Key), "%s", what)
		return
	}
	if what := brokenValue(e.Value); what != "" {
		r.refuse(e.Line, e.Key, "%s", what)
		return
	}
	r.file.Entries = append(r.file.Entries, e)
}

func (r *reader) note(what string, args ...any) {
	r.file.Notes = append(r.file.Notes, fmt.Sprintf(what, args...))
}

// isText refuses a file that is too long or not in UTF-8.
func (r *reader) isText(data []byte) bool {
	switch {
	case len(data) > MaxFileBytes:
		r.refuse(0, "", "the file has %d bytes; at most %d are allowed", len(data), MaxFileBytes)
	case bytes.HasPrefix(data, []byte("\xff\xfe")), bytes.HasPrefix(data, []byte("\xfe\xff")):
		r.refuse(0, "", "the file is in UTF-16; save it as UTF-8")
	case !utf8.Valid(data):
		for i, line := range bytes.Split(data, []byte("\n")) {
			if !utf8.Valid(line) {
				r.refuse(i+1, "", "the line is not in UTF-8; save the file as UTF-8")
			}
		}
	}
	return len(r.found) == 0
}

// writer makes a file.
type writer struct {
	problems
	prefix *string // that the file declares; nil when it declares none
	text   []byte
}

func (w *writer) write(entries []Entry) ([]byte, error) {
	for _, e := range entries {
		w.check(e)
	}
	w.format.codec().write(w, entries)
	if err := w.err(); err != nil {
		return nil, err
	}
	return w.text, nil
}

func (w *writer) put(text string) *writer {
	w.text = append(w.text, text...)
	return w
}

// check refuses what no format can hold.
func (w *writer) check(e Entry) {
	if what := brokenKey(e.Key); what != "" {
		w.refuse(0, strconv.QuoteToASCII(e.Key), "%s", what)
	}
	if what := brokenValue(e.Value); what != "" {
		w.refuse(0, e.Key, "%s", what)
	}
	if w.format.HasVariables() && !isVariable(e.Key) {
		w.refuse(0, e.Key, "is no variable: it may have only letters, digits and _, and no digit first")
	}
}

// brokenKey returns what makes a text no key of a file, "" when it is one.
func brokenKey(key string) string {
	switch {
	case key == "":
		return "is no key; each value needs one"
	case !utf8.ValidString(key):
		return "is a key that is not in UTF-8; give it another one where the file comes from"
	}
	return ""
}

// brokenValue returns what makes a text no value of a config, "" when it is one.
func brokenValue(value string) string {
	switch {
	case strings.IndexByte(value, 0) >= 0:
		return "has a value with a NUL character, which no config can hold; encode it, for example with base64"
	case !utf8.ValidString(value):
		return "has a value that is not in UTF-8, which no config can hold; encode it, for example with base64"
	}
	return ""
}

// isVariable reports whether a text names a variable of an environment in every shell.
func isVariable(key string) bool {
	for i := range len(key) {
		if b := key[i]; !isLetter(b) && b != '_' && (i == 0 || !isDigit(b)) {
			return false
		}
	}
	return key != ""
}

func isLetter(b byte) bool { return 'a' <= b|0x20 && b|0x20 <= 'z' }
func isDigit(b byte) bool  { return '0' <= b && b <= '9' }
