package document

import (
	"strings"
	"unicode/utf8"

	"github.com/99designs/gqlgen/graphql/errcode"
	"github.com/vektah/gqlparser/v2/gqlerror"
)

// checkText checks the text of a document before it is parsed, in one pass. It refuses names and
// numbers of more than maxName bytes, which the rules of validation would compare and repeat at
// length. It also refuses half a surrogate pair in a string, which the parser would turn into
// another character. It does not check whether the text is GraphQL: the parser does.
func checkText(text string, maxName int) *gqlerror.Error {
	s := scanner{text: text}
	for s.at < len(text) {
		start := s.at
		switch c := text[s.at]; {
		case c == '#':
			s.skipComment()
		case c == '"':
			if !s.skipString() {
				err := gqlerror.ErrorLocf("", s.line(), s.column(), `half a surrogate pair in a \u escape: write both halves, or the character itself`)
				errcode.Set(err, errcode.ParseFailed)
				return err
			}
		case isWordByte(c):
			for s.at < len(text) && isWordByte(text[s.at]) {
				s.at++
			}
			if s.at-start > maxName {
				s.at = start
				err := limitExceeded("a name or a number in the document has more than %d bytes", maxName)
				err.Locations = []gqlerror.Location{{Line: s.line(), Column: s.column()}}
				return err
			}
		default:
			s.at++
		}
	}
	return nil
}

// isWordByte reports whether a byte may be part of a name or a number.
func isWordByte(c byte) bool {
	return c == '_' || '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}

// scanner walks over a text.
type scanner struct {
	text string
	at   int // index of the next byte
}

func (s *scanner) line() int { return 1 + strings.Count(s.text[:s.at], "\n") }

func (s *scanner) column() int {
	return 1 + utf8.RuneCountInString(s.text[strings.LastIndexByte(s.text[:s.at], '\n')+1:s.at])
}

func (s *scanner) skipComment() {
	end := strings.IndexAny(s.text[s.at:], "\r\n")
	if end < 0 {
		end = len(s.text) - s.at
	}
	s.at += end
}

const blockQuote = `"""`

// skipString moves behind the string that begins here. It returns false at half a surrogate pair.
func (s *scanner) skipString() bool {
	if strings.HasPrefix(s.text[s.at:], blockQuote) {
		s.skipBlockString()
		return true
	}
	for s.at++; s.at < len(s.text); {
		switch s.text[s.at] {
		case '"':
			s.at++
			return true
		case '\n', '\r': // the string is not closed: the parser refuses it
			return true
		case '\\':
			if !s.skipEscape() {
				return false
			}
		default:
			s.at++
		}
	}
	return true
}

// skipBlockString moves behind a string in triple quotes. A backslash in it escapes only a triple
// quote.
func (s *scanner) skipBlockString() {
	for s.at += len(blockQuote); s.at < len(s.text); s.at++ {
		rest := s.text[s.at:]
		if strings.HasPrefix(rest, `\`+blockQuote) {
			s.at += len(blockQuote)
		} else if strings.HasPrefix(rest, blockQuote) {
			// Of more than three quotes, the last three end the string.
			for s.at < len(s.text) && s.text[s.at] == '"' {
				s.at++
			}
			return
		}
	}
}

// skipEscape moves behind an escape, or behind both escapes of a surrogate pair. It returns false
// at half a pair.
func (s *scanner) skipEscape() bool {
	r, ok := s.unicodeEscape()
	switch {
	case !ok:
		s.at = min(s.at+2, len(s.text))
		return true
	case r < 0xD800 || r > 0xDFFF:
		s.at += escapeLength
		return true
	}
	first := s.at
	s.at += escapeLength
	if second, ok := s.unicodeEscape(); ok && r < 0xDC00 && second >= 0xDC00 && second <= 0xDFFF {
		s.at += escapeLength
		return true
	}
	s.at = first
	return false
}

const escapeLength = len(`\uD800`)

// unicodeEscape reads an escape of four hexadecimal digits, and reports whether there is one here.
// Escapes in braces are not read: they cannot be surrogates.
func (s *scanner) unicodeEscape() (r rune, ok bool) {
	if len(s.text)-s.at < escapeLength || s.text[s.at:s.at+2] != `\u` {
		return 0, false
	}
	for _, c := range s.text[s.at+2 : s.at+escapeLength] {
		digit := strings.IndexRune("0123456789abcdef", c|0x20)
		if digit < 0 {
			return 0, false
		}
		r = r<<4 | rune(digit)
	}
	return r, true
}
