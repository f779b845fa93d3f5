package config

import (
	"errors"
	"fmt"
	"math/bits"
	"strconv"
	"strings"
	"unicode/utf8"
)

// The codec writes and reads JSON by hand. The bytes then stay the same in all versions of Go, and
// nothing is read that is not written so: encoding/json also accepts another letter case, a
// repeated member and broken UTF-8, which in a history would be a guess. It is also faster, which
// counts for each write and for each event at start: see BenchmarkEncode and BenchmarkDecode.
const (
	valueMember = `{"value":`
	quote       = `"`
	end         = `}`
	noValue     = `{}`
)

func encodeValue(value Value) string {
	var b strings.Builder
	b.Grow(len(`{"value":""}`) + len(value.text))
	b.WriteString(valueMember)
	WriteText(&b, value.text)
	b.WriteString(end)
	return b.String()
}

func decodeValue(data string) (value Value, err error) {
	r := newReader(data)
	r.want(valueMember)
	value = r.text()
	r.want(end)
	return value, r.finish()
}

func decodeNoValue(data string) error {
	r := newReader(data)
	r.want(noValue)
	return r.finish()
}

// WriteText writes a text as a JSON string, with only the escapes that JSON demands.
func WriteText(b *strings.Builder, text string) {
	b.WriteString(quote)
	for {
		n := plain(text)
		b.WriteString(text[:n])
		if n == len(text) {
			break
		}
		b.WriteString(escapeOf(text[n]))
		text = text[n+1:]
	}
	b.WriteString(quote)
}

// unescape returns the text whose escaped form is given. ok is false when WriteText does not write
// that form.
func unescape(escaped string) (text string, ok bool) {
	n := strings.IndexByte(escaped, '\\')
	if n < 0 {
		return escaped, true // shares memory with the data
	}
	var b strings.Builder
	b.Grow(len(escaped))
	for ; n >= 0; n = strings.IndexByte(escaped, '\\') {
		char, length := charOf(escaped[n:])
		if length == 0 {
			return "", false
		}
		b.WriteString(escaped[:n])
		b.WriteByte(char)
		escaped = escaped[n+length:]
	}
	b.WriteString(escaped)
	return b.String(), true
}

// escapeOf returns the escaped form of a byte that JSON demands to escape.
func escapeOf(char byte) string {
	switch char {
	case '"':
		return `\"`
	case '\\':
		return `\\`
	case '\n':
		return `\n`
	case '\r':
		return `\r`
	case '\t':
		return `\t`
	}
	return controlEscapes[int(char)*len(`\u0000`):][:len(`\u0000`)]
}

// controlEscapes are the escapes of all control characters, in order.
const controlEscapes = `\u0000\u0001\u0002\u0003\u0004\u0005\u0006\u0007` +
	`\u0008\u0009\u000a\u000b\u000c\u000d\u000e\u000f` +
	`\u0010\u0011\u0012\u0013\u0014\u0015\u0016\u0017` +
	`\u0018\u0019\u001a\u001b\u001c\u001d\u001e\u001f`

// charOf returns the byte that the escape at the start of text stands for, and the length of the
// escape. The length is 0 when WriteText does not write that escape. text starts with a backslash
// and has at least one more byte. NUL has no escape because no value holds it.
func charOf(text string) (char byte, length int) {
	switch text[1] {
	case '"', '\\':
		return text[1], 2
	case 'n':
		return '\n', 2
	case 'r':
		return '\r', 2
	case 't':
		return '\t', 2
	}
	escape := text[:min(len(text), len(`\u001f`))]
	code, _ := strconv.ParseUint(escape[2:], 16, 8)
	if code == 0 || code >= ' ' || escapeOf(byte(code)) != escape {
		return 0, 0
	}
	return byte(code), len(escape)
}

// closing returns the index of the quote that ends the JSON string at the start of text, or the
// length of text when there is none.
func closing(text string) int {
	n := plain(text)
	for n+1 < len(text) && text[n] == '\\' {
		n += 2 // the escaped byte may be a quote
		n += plain(text[n:])
	}
	return n
}

// plain returns how many bytes at the start of text need no escape in a JSON string: all but
// control characters, quotes and backslashes. It checks eight bytes at a time: see BenchmarkEncode.
func plain(text string) int {
	const ones, high = 0x0101010101010101, 0x8080808080808080
	i := 0
	for ; i+8 <= len(text); i += 8 {
		t := text[i : i+8]
		x := uint64(t[0]) | uint64(t[1])<<8 | uint64(t[2])<<16 | uint64(t[3])<<24 |
			uint64(t[4])<<32 | uint64(t[5])<<40 | uint64(t[6])<<48 | uint64(t[7])<<56
		q, s := x^ones*'"', x^ones*'\\' // a byte that is 0 now was a quote or a backslash
		// The subtraction borrows at such a byte, which sets its high bit. Only the lowest of these
		// bits is reliable: a borrow can set higher ones, too.
		if found := ((x-ones*' ')&^x | (q-ones)&^q | (s-ones)&^s) & high; found != 0 {
			return i + bits.TrailingZeros64(found)/8
		}
	}
	for ; i < len(text); i++ {
		if b := text[i]; b < ' ' || b == '"' || b == '\\' {
			break
		}
	}
	return i
}

// reader reads data from its start. It keeps the first error for finish; what was read before is
// void then.
type reader struct {
	size int
	rest string // not read yet
	err  error
}

func newReader(data string) reader {
	if !utf8.ValidString(data) {
		return reader{err: errors.New("it is not valid UTF-8")}
	}
	return reader{size: len(data), rest: data}
}

// want reads a text that must come next.
func (r *reader) want(text string) {
	if !strings.HasPrefix(r.rest, text) {
		r.fail(text)
		return
	}
	r.rest = r.rest[len(text):]
}

// text reads a JSON string.
func (r *reader) text() Value {
	r.want(quote)
	escaped := r.rest[:closing(r.rest)]
	text, ok := unescape(escaped)
	if !ok {
		r.fail("a string with only the escapes that it needs")
		return Value{}
	}
	r.rest = r.rest[len(escaped):]
	r.want(quote)
	return Value{text}
}

// finish returns the first error. Nothing may be left to read.
func (r *reader) finish() error {
	if r.rest != "" {
		r.fail("nothing more")
	}
	return r.err
}

func (r *reader) fail(want string) {
	if r.err == nil {
		r.err = fmt.Errorf("want %s at byte %d", want, r.size-len(r.rest))
	}
}
