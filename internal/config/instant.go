package config

import (
	"regexp"
	"time"
)

// instantLayout has exactly 6 fractional digits, so that the order of texts is the order of instants.
const instantLayout = "2006-01-02T15:04:05.000000Z"

// instantSyntax is RFC 3339's. The time package alone lets hours of one digit, commas, offsets of 24 hours and any number of
// fractional digits pass, time.Time.UnmarshalText too.
var instantSyntax = regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]([01]\d|2[0-3]):[0-5]\d)$`)

// ParseInstant reads an RFC 3339 instant: with an offset, and 0 to 9 fractional digits, which are cut to microseconds. The
// result is in UTC. The error is an [*InvalidError].
func ParseInstant(text string) (time.Time, error) {
	t, err := time.Parse(time.RFC3339, text)
	if err != nil || !instantSyntax.MatchString(text) {
		return time.Time{}, &InvalidError{Field: "time", Rule: "must be an RFC 3339 instant with an offset, such as 2024-01-15T10:30:00Z"}
	}
	return t.UTC().Truncate(time.Microsecond), nil
}

// FormatInstant writes an instant in UTC with exactly 6 fractional digits.
func FormatInstant(t time.Time) string { return t.UTC().Format(instantLayout) }
