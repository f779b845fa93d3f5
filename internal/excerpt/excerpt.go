// Package excerpt shortens texts that clients wrote, so that errors and log lines can quote them.
//
// It does not escape: the log's handler and strconv.Quote do.
package excerpt

import "unicode/utf8"

// mark stands at the end of a text that was cut.
const mark = "…"

// Of returns the text, or, when it has more than most bytes, the beginning of it with … at the end.
// The beginning has at most that many bytes, and ends between two characters.
func Of(text string, most int) string {
	if len(text) <= most {
		return text
	}
	return Start(text, most) + mark
}

// Start returns the beginning of the text that has at most that many bytes and ends between two
// characters.
func Start(text string, most int) string {
	if len(text) <= most {
		return text
	}
	for most > 0 && !utf8.RuneStart(text[most]) {
		most--
	}
	return text[:most]
}
