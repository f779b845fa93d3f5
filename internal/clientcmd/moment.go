package clientcmd

import (
	"regexp"
	"strconv"
	"strings"
	"time"
)

const momentRule = "must be a position such as 1842-9f3a21c0, a time such as 2024-01-15, 2024-01-15 10:30 (UTC) or 2024-01-15T10:30:00Z, " +
	"or an age such as 2h or 3d"

var (
	positionForm = regexp.MustCompile(`^[0-9]+-[0-9a-f]{8}$`)
	ageForm      = regexp.MustCompile(`^([0-9]{1,6})([smhdw])(?: ago)?$`)
)

// parseMoment returns a moment as the API takes it: a position, or an RFC 3339 instant. It is one
// of these, a date or a time of UTC, or an age back from now. "" stays "".
func parseMoment(text string, now time.Time) (string, error) {
	if text == "" || positionForm.MatchString(text) {
		return text, nil
	}
	at, err := parseTime(text, now)
	if err != nil {
		return "", UsageErrorf("the moment %s", momentRule)
	}
	return at.UTC().Format(time.RFC3339Nano), nil
}

// parseTime returns the time that a text names: see [parseMoment].
func parseTime(text string, now time.Time) (time.Time, error) {
	if age := ageForm.FindStringSubmatch(strings.TrimSpace(text)); age != nil {
		n, _ := strconv.Atoi(age[1]) // it has few digits
		units := map[string]time.Duration{"s": time.Second, "m": time.Minute, "h": time.Hour, "d": 24 * time.Hour, "w": 7 * 24 * time.Hour}
		return now.Add(-time.Duration(n) * units[age[2]]), nil
	}
	for _, form := range []string{time.RFC3339, time.DateTime, "2006-01-02 15:04", time.DateOnly} {
		if at, err := time.Parse(form, text); err == nil {
			return at, nil
		}
	}
	return time.Time{}, UsageErrorf("the time must be one such as 2024-01-15, 2024-01-15 10:30 (UTC) or 2024-01-15T10:30:00Z, or an age such as 2h or 3d")
}
