package strictjson

import "encoding/binary"

// QuotedLen returns the length of a text as a JSON string in bytes, with its quotes: exactly, when
// the writer has short escapes for `"`, `\`, tab, line feed and carriage return alone, and a few
// bytes more for one that has others. It looks at eight bytes at a time, since nearly all of them
// need no escape: see BenchmarkQuotedLen, and BenchmarkLargeValue of package graph.
func QuotedLen(text string) int64 {
	const (
		ones  = 0x0101010101010101
		highs = 0x8080808080808080
	)
	size := int64(len(text)) + int64(len(`""`))
	for len(text) >= 8 {
		word := binary.LittleEndian.Uint64([]byte(text[:8]))
		control := (word - ones*0x20) & ^word
		quote := word ^ ones*'"'
		backslash := word ^ ones*'\\'
		if (control|(quote-ones)&^quote|(backslash-ones)&^backslash)&highs != 0 {
			size += escapes(text[:8])
		}
		text = text[8:]
	}
	return size + escapes(text)
}

// escapes returns the bytes by which escapes make a text longer.
func escapes(text string) (more int64) {
	for i := range len(text) {
		switch c := text[i]; {
		case c == '"' || c == '\\' || c == '\t' || c == '\n' || c == '\r':
			more += int64(len(`\n`)) - 1
		case c < ' ':
			more += int64(len(`\u001f`)) - 1
		}
	}
	return more
}
