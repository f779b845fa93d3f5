package config

import (
	"regexp"
	"strings"
	"time"
)

// instantLayout has exactly 6 fractional digits, so that the order of texts is the order of instants.
const instantLayout = "2006-01-02T15:04:05.000000Z"

// instantSyntax is RFC 3339's, whose letters may be small. The time package alone accepts hours of
// one digit, commas, offsets of 24 hours and any number of fractional digits,
// time.Time.UnmarshalText too.
var instantSyntax = regexp.MustCompile(`^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]([01]\d|2[0-3]):[0-5]\d)$`)

// secondsAt is where instantSyntax has the seconds.
const secondsAt = len("2006-01-02T15:04:")

// ParseInstant reads an RFC 3339 instant: with an offset, and 0 to 9 fractional digits, which are cut to microseconds. The
// result is in UTC. The error is an [*InvalidError].
//
// Second 60 is accepted where a leap second can be: at the end of a day in UTC, 23:59:60Z or the
// same with an offset. It means the first second of the next day, as in Unix time, which has no
// number of its own for a leap second. So "as of" a leap second includes all that happened before
// it. Which days really ended with one is not checked: such a table grows out of date.
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
func FormatInstant(t time.Time) string { return t.UTC().Format(instantLayout) }
