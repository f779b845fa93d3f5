package fileformat

import (
	"regexp"
	"slices"
	"strings"
	"unicode"
)

// readDotenv returns the reader of .env files. Nothing in them is replaced: a reference such as
// ${HOME} is refused where docker compose replaces it.
//
// The readers of such files differ: npm's dotenv cuts an unquoted value at each #, docker compose
// only at one after a space; and npm's dotenv knows no escapes in double quotes but \n and \r. A
// file of the format Dotenv is read by both rules, and a value that they do not read alike is
// refused.
func readDotenv(dialect Format) func(*reader, []byte, Options) {
	quotes := "'\"`"
	if dialect == DotenvCompose {
		quotes = "'\""
	}
	return func(r *reader, data []byte, _ Options) {
		s := &scanner{text: strings.ReplaceAll(string(data), "\r\n", "\n"), line: 1}
		for s.nextStatement("#") {
			line := s.line
			a, what := s.assignment(quotes)
			if what == "" {
				a.value, what = a.decode(dialect)
			}
			if what != "" {
				r.refuse(line, a.key, "%s", what)
				s.skipLine()
				continue
			}
			r.add(Entry{a.key, a.value, line})
		}
	}
}

// scanner reads a text from its beginning to its end.
type scanner struct {
	text string // what is not read yet
	line int    // of the text that comes next, from 1
}

// take takes the next n bytes.
func (s *scanner) take(n int) string {
	taken := s.text[:n]
	s.text = s.text[n:]
	s.line += strings.Count(taken, "\n")
	return taken
}

// takeAll takes what follows as long as it has only these characters.
func (s *scanner) takeAll(of string) string {
	return s.take(len(s.text) - len(strings.TrimLeft(s.text, of)))
}

// skipLine takes what is left of the line, but not its end.
func (s *scanner) skipLine() string {
	n := strings.IndexByte(s.text, '\n')
	if n < 0 {
		n = len(s.text)
	}
	return s.take(n)
}

// nextStatement skips empty lines, and comments, which begin with one of the marks. It reports
// whether there is more.
func (s *scanner) nextStatement(marks string) bool {
	for {
		s.takeAll(" \t\n")
		if s.text == "" {
			return false
		}
		if strings.IndexByte(marks, s.text[0]) < 0 {
			return true
		}
		s.skipLine()
	}
}

// assignment is KEY=value as a .env file has it.
type assignment struct {
	key   string
	quote byte   // ' " ` or 0
	raw   string // between the quotes, or up to the end of the line
	value string
}

const wantAssignment = "the line must be KEY=value, with no space in the key"

var (
	dotenvKey   = regexp.MustCompile(`^(?:export[ \t]+)?([A-Za-z0-9_.-]+)[ \t]*=[ \t]*`)
	afterQuotes = regexp.MustCompile(`^[ \t]*(?:#[^\n]*)?(?:\n|$)`)
)

// assignment takes an assignment, whose value may be between one of the quotes, up to the end of
// its line. what says why it is none; then a part of the line is left, unless the quotes end
// further down.
func (s *scanner) assignment(quotes string) (a assignment, what string) {
	match := dotenvKey.FindStringSubmatch(s.text)
	if match == nil {
		return a, wantAssignment
	}
	s.take(len(match[0]))
	a.key = match[1]
	if s.text == "" || strings.IndexByte(quotes, s.text[0]) < 0 {
		a.raw = s.skipLine()
		return a, brokenLine(a.raw)
	}
	a.quote = s.text[0]
	end := endOfQuotes(s.text)
	if end < 0 {
		return a, "has quotes that do not end"
	}
	rest := afterQuotes.FindString(s.text[end:])
	if rest == "" && end < len(s.text) {
		return a, "has text after its quotes; put all of the value between them"
	}
	a.raw = s.take(end)[1 : end-1]
	if s.take(len(strings.TrimSuffix(rest, "\n"))); brokenLine(rest) != "" {
		return a, brokenLine(rest)
	}
	return a, ""
}

// endOfQuotes returns where the quotes end with which a text begins: at the next one that has an
// even number of backslashes before it. -1 when there is none.
func endOfQuotes(text string) int {
	escaped := false
	for i := 1; i < len(text); i++ {
		switch {
		case escaped:
			escaped = false
		case text[i] == '\\':
			escaped = true
		case text[i] == text[0]:
			return i + 1
		}
	}
	return -1
}

// brokenLine returns what is wrong with a text outside of quotes.
func brokenLine(text string) string {
	if strings.ContainsFunc(text, func(c rune) bool { return c < ' ' && c != '\t' && c != '\n' || c == '\u2028' || c == '\u2029' }) {
		return "has a control character or an end of line that not all readers know; put the value between quotes"
	}
	return ""
}

// decode returns the value by the rules of a dialect, or why it has none.
func (a assignment) decode(dialect Format) (value, what string) {
	switch dialect {
	case DotenvNode:
		return a.decodeNode()
	case DotenvCompose:
		return a.decodeCompose()
	}
	if a.quote == '`' {
		return "", "is between backticks, which only npm's dotenv takes for quotes; use ' or \""
	}
	node, what := a.decodeNode()
	if what != "" {
		return "", what
	}
	compose, what := a.decodeCompose()
	if what == "" && node != compose {
		what = "is not read alike by npm's dotenv and docker compose; " +
			"put the value between ' quotes, or give --format dotenv-node or dotenv-compose"
	}
	return node, what
}

const backslashEnd = "ends with a backslash before its quotes, which readers take for different things; write it without quotes"

// decodeNode follows npm's dotenv.
func (a assignment) decodeNode() (value, what string) {
	switch {
	case a.quote == 0:
		unquoted, _, _ := strings.Cut(a.raw, "#")
		return trimmed(unquoted)
	case strings.ContainsRune(a.raw, '\r'):
		return "", `has a carriage return; write it as \r in double quotes`
	case strings.HasSuffix(a.raw, `\`):
		return "", backslashEnd
	case a.quote == '"':
		return strings.ReplaceAll(strings.ReplaceAll(a.raw, `\n`, "\n"), `\r`, "\r"), ""
	}
	return a.raw, ""
}

// trimmed returns an unquoted value without the blanks around it.
func trimmed(text string) (value, what string) {
	text = strings.Trim(text, " \t")
	if outer := []rune(text); len(outer) > 0 && (isSpace(outer[0]) || isSpace(outer[len(outer)-1])) {
		return "", "begins or ends with a space that is none of ASCII; put the value between quotes"
	}
	return text, ""
}

func isSpace(c rune) bool { return unicode.IsSpace(c) || c == '\ufeff' }

// decodeCompose follows docker compose.
func (a assignment) decodeCompose() (value, what string) {
	switch a.quote {
	case '\'':
		return strings.ReplaceAll(a.raw, `\'`, "'"), ""
	case '"':
		text := strings.ReplaceAll(a.raw, `\"`, `"`)
		if slices.ContainsFunc(composeEscape.FindAllString(text, -1), isOctal) {
			return "", "has a character by its number, such as \\0101, which is not read; write the character itself"
		}
		return withoutReferences(composeEscape.ReplaceAllStringFunc(text, unescape))
	}
	unquoted, _, _ := strings.Cut(a.raw, " #")
	if value, what = trimmed(unquoted); what != "" {
		return "", what
	}
	return withoutReferences(value)
}

var composeEscape = regexp.MustCompile(`\\(?:[abfnrtv$"\\]|0[0-9]{0,3})`)

func isOctal(escape string) bool { return escape[1] == '0' }

// unescape returns what an escape of docker compose stands for. \$ becomes $$.
func unescape(escape string) string {
	if escape[1] == '$' {
		return "$$"
	}
	i := strings.IndexByte(`abfnrtv\"`, escape[1])
	return "\a\b\f\n\r\t\v\\\""[i : i+1]
}

// withoutReferences returns a text in which $$ stands for $, and refuses any other $.
func withoutReferences(text string) (value, what string) {
	parts := strings.Split(text, "$$")
	if slices.ContainsFunc(parts, func(part string) bool { return strings.Contains(part, "$") }) {
		return "", "has a $ that docker compose replaces; put the value between ' quotes to keep it, or give --format dotenv-node"
	}
	return strings.Join(parts, "$"), ""
}
