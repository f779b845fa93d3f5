package cli

import (
	"errors"
	"strconv"
	"strings"
	"time"
)

// lifetime is a flag that says how long something lasts: in days, as 90d, or as Go writes
// durations. The zero lifetime was not given.
type lifetime struct{ time.Duration }

func (l *lifetime) String() string { return "" }

// maxDays is the longest lifetime in days: about a hundred years.
const maxDays = 36_500

func (l *lifetime) Set(text string) error {
	d, err := time.ParseDuration(text)
	if days, inDays := strings.CutSuffix(text, "d"); inDays {
		var n uint64
		n, err = strconv.ParseUint(days, 10, 16)
		d = time.Duration(n) * 24 * time.Hour
	}
	if err != nil || d <= 0 || d > maxDays*24*time.Hour {
		return errors.New("write a time such as 90d or 12h, at most 36500d")
	}
	l.Duration = d
	return nil
}

// from returns the end of the lifetime that begins at a time, nil if none was given.
func (l *lifetime) from(begin time.Time) *time.Time {
	if l.Duration == 0 {
		return nil
	}
	return new(begin.Add(l.Duration))
}
