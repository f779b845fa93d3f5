package cli

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"unicode"
	"unicode/utf8"

	"github.com/phuslu/log"
)

// jsonHandler writes lines of JSON of printable characters only.
//
// Most lines have only plain text, which JSON does not escape. The fast handler writes those, at a
// quarter of the cost: see BenchmarkLog. It escapes wrongly, so slog's handler writes all other
// lines.
type jsonHandler struct {
	fast, exact slog.Handler
	isPlain     bool // of the attributes and groups added so far
}

func newJSONHandler(out io.Writer) slog.Handler {
	return jsonHandler{
		fast:    log.SlogNewJSONHandler(out, &slog.HandlerOptions{}),
		exact:   slog.NewJSONHandler(escaper{out}, nil),
		isPlain: true,
	}
}

func (h jsonHandler) Enabled(ctx context.Context, level slog.Level) bool {
	return h.exact.Enabled(ctx, level)
}

func (h jsonHandler) Handle(ctx context.Context, record slog.Record) error {
	plain := h.isPlain && isPlainText(record.Message)
	if plain {
		record.Attrs(func(attr slog.Attr) bool {
			plain = isPlainAttr(attr)
			return plain
		})
	}
	if plain {
		return h.fast.Handle(ctx, record)
	}
	return h.exact.Handle(ctx, record)
}

func (h jsonHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	h.fast, h.exact = h.fast.WithAttrs(attrs), h.exact.WithAttrs(attrs)
	for _, attr := range attrs {
		h.isPlain = h.isPlain && isPlainAttr(attr)
	}
	return h
}

func (h jsonHandler) WithGroup(name string) slog.Handler {
	h.fast, h.exact = h.fast.WithGroup(name), h.exact.WithGroup(name)
	h.isPlain = h.isPlain && isPlainText(name)
	return h
}

// isPlainAttr reports whether both handlers write the attribute alike. A value of any other type
// than the basic ones is not plain, except nil.
func isPlainAttr(attr slog.Attr) bool {
	if !isPlainText(attr.Key) {
		return false
	}
	switch attr.Value.Kind() {
	case slog.KindString:
		return isPlainText(attr.Value.String())
	case slog.KindBool, slog.KindInt64, slog.KindUint64, slog.KindDuration:
		return true
	case slog.KindAny:
		return attr.Value.Any() == nil
	}
	return false
}

// isPlainText reports whether a text is printable ASCII that JSON does not escape.
func isPlainText(text string) bool {
	for i := range len(text) {
		if b := text[i]; b < ' ' || b > '~' || b == '"' || b == '\\' {
			return false
		}
	}
	return true
}

// escaper escapes what JSON allows but terminals interpret or do not show: DEL, control characters
// from U+0080 on, direction marks, and other invisible characters.
type escaper struct{ out io.Writer }

// Write writes one line with its line feed.
func (e escaper) Write(line []byte) (int, error) {
	escaped := make([]byte, 0, len(line)+16)
	for rest := line; len(rest) > 0; {
		r, size := utf8.DecodeRune(rest)
		switch {
		case r == '\n' || unicode.IsPrint(r) && (r != utf8.RuneError || size > 1):
			escaped = append(escaped, rest[:size]...)
		case r > 0xffff:
			escaped = fmt.Appendf(escaped, `\u%04x\u%04x`, 0xd800+(r-0x10000)>>10, 0xdc00+(r-0x10000)&0x3ff)
		default: // such characters occur in strings only
			escaped = fmt.Appendf(escaped, `\u%04x`, r)
		}
		rest = rest[size:]
	}
	if _, err := e.out.Write(escaped); err != nil {
		return 0, err
	}
	return len(line), nil
}
