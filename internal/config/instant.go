package config

import (
	"regexp"
	"strings"
	"time"
)

// instantLayout has exactly 6 fractional digits, so that the order of texts is the order of
// instants.
const instantLayout = "2006-01-02T15:04:05.000000Z"

// instantSyntax is that of RFC 3339, whose letters may be lower case. The package time, and
// time.Time.UnmarshalText, also accept hours of one digit, commas, offsets of 24 hours and any
// number of fractional digits.
var instantSyntax = regexp.MustCompile(`^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]([01]\d|2[0-3]):[0-5]\d)$`)

// secondsAt is the index of the seconds in instantSyntax.
const secondsAt = len("2006-01-02T15:04:")

// ParseInstant reads an RFC 3339 instant with an offset. Of its 0 to 9 fractional digits it drops
// those beyond microseconds. The result is in UTC. The error is an [*InvalidError].
//
// Second 60 is accepted where a leap second can be: at the end of a day in UTC, as 23:59:60Z or the
// same with an offset. It means the first second of the next day, as in Unix time, so "as of" a
// leap second includes everything before it. ParseInstant does not check which days really ended
// with one: such a table would go out of date.
func ParseInstant(text string) (time.Time, error) {
	if !instantSyntax.MatchString(text) {
		return time.Time{}, errNoInstant
	}
	before, seconds, after := text[:secondsAt], text[secondsAt:secondsAt+2], text[secondsAt+2:]
	leap := seconds == "60"
	if leap {
		seconds = "59"
	}
	t, err := time.Parse(time.RFC3339, strings.ToUpper(before+seconds+after))
	if err != nil {
		return time.Time{}, errNoInstant
	}
	t = t.UTC().Truncate(time.Microsecond)
	if !leap {
		return t, nil
	}
	if t.Hour() != 23 || t.Minute() != 59 {
		return time.Time{}, errNoInstant
	}
	return t.Add(time.Second), nil
}

var errNoInstant error = &InvalidError{Field: "time", Rule: "must be an RFC 3339 instant with an offset, such as 2024-01-15T10:30:00Z"}

// FormatInstant writes an instant in UTC with exactly 6 fractional digits.
func FormatInstant(t time.Time) string {
	return string(AppendInstant(make([]byte, 0, len(instantLayout)), t))
}

// AppendInstant appends what [FormatInstant] returns. It takes a third of the time that a layout
// does: see BenchmarkAppendInstant.
func AppendInstant(text []byte, t time.Time) []byte {
	t = t.UTC()
	year, month, day := t.Date()
	if year < 0 || year > 9999 {
		return t.AppendFormat(text, instantLayout)
	}
	hour, minute, second := t.Clock()
	text = append(appendTwo(appendTwo(text, year/100), year%100), '-')
	text = append(appendTwo(text, int(month)), '-')
	text = append(appendTwo(text, day), 'T')
	text = append(appendTwo(text, hour), ':')
	text = append(appendTwo(text, minute), ':')
	text = append(appendTwo(text, second), '.')
	micros := t.Nanosecond() / 1000
	return append(appendTwo(appendTwo(appendTwo(text, micros/10_000), micros/100%100), micros%100), 'Z')
}

// appendTwo appends a number with two digits.
func appendTwo(text []byte, n int) []byte { return append(text, byte('0'+n/10), byte('0'+n%10)) }
