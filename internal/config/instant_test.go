package config_test

import (
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"configapi/internal/config"
)

func TestParseInstant(t *testing.T) {
	for text, want := range map[string]string{
		"2026-03-01T12:00:00Z":                "2026-03-01T12:00:00.000000Z",
		"2026-03-01T12:00:00.1Z":              "2026-03-01T12:00:00.100000Z",
		"2026-03-01T12:00:00.123456Z":         "2026-03-01T12:00:00.123456Z",
		"2026-03-01T12:00:00.123456999Z":      "2026-03-01T12:00:00.123456Z",
		"2026-03-01T12:00:00.999999999+00:00": "2026-03-01T12:00:00.999999Z",
		"2026-03-01T12:00:00+02:00":           "2026-03-01T10:00:00.000000Z",
		"2026-03-01T12:00:00-00:00":           "2026-03-01T12:00:00.000000Z",
		"2026-03-01T00:30:00.5+05:30":         "2026-02-28T19:00:00.500000Z",
		"2025-12-31T23:59:59.999999999-23:59": "2026-01-01T23:58:59.999999Z",
		"2024-02-29T00:00:00Z":                "2024-02-29T00:00:00.000000Z",
		"1969-12-31T23:59:59.9999999Z":        "1969-12-31T23:59:59.999999Z",
		"0000-01-01T00:00:00Z":                "0000-01-01T00:00:00.000000Z",
		"9999-12-31T23:59:59.999999999Z":      "9999-12-31T23:59:59.999999Z",
		"2026-03-01t12:00:00z":                "2026-03-01T12:00:00.000000Z",
		"2026-03-01T12:00:00.5z":              "2026-03-01T12:00:00.500000Z",
		"2026-03-01t12:00:00+02:00":           "2026-03-01T10:00:00.000000Z",
		"2016-12-31T23:59:60Z":                "2017-01-01T00:00:00.000000Z",
		"2016-12-31t23:59:60.25z":             "2017-01-01T00:00:00.250000Z",
		"1990-12-31T15:59:60-08:00":           "1991-01-01T00:00:00.000000Z",
		"2017-01-01T08:59:60.9999999+09:00":   "2017-01-01T00:00:00.999999Z",
		// No leap second, but possibly one.
		"2026-03-01T23:59:60Z": "2026-03-02T00:00:00.000000Z",
	} {
		got, err := config.ParseInstant(text)
		if err != nil || config.FormatInstant(got) != want {
			t.Errorf("ParseInstant(%q) = %s, %v, want %s", text, config.FormatInstant(got), err, want)
		}
		if got.Location() != time.UTC || got.Nanosecond()%1000 != 0 {
			t.Errorf("ParseInstant(%q) = %v, want UTC and whole microseconds", text, got)
		}
	}
}

func TestParseInstantRefuses(t *testing.T) {
	for _, text := range []string{
		"",
		"now",
		"2026-03-01",
		"2026-03-01T12:00Z",
		"2026-03-01T12:00:00",       // no offset
		"2026-03-01T12:00:00.5",     // no offset
		"2026-03-01 12:00:00Z",      // no T
		"2026-03-01T12:00:00 00:00", // a + that was not percent-encoded
		"2026-03-01T12:00:00.Z",
		"2026-03-01T12:00:00.1234567891Z",
		"2026-03-01T12:00:00.1234567891+02:00",
		"2026-03-01T12:00:00.123456789123-02:00",
		"2026-03-01T12:00:00,5Z",
		"2026-03-01T1:00:00Z",
		"2026-3-1T12:00:00Z",
		"2026-02-29T12:00:00Z",
		"2026-02-30T12:00:00Z",
		"2026-13-01T12:00:00Z",
		"2026-03-00T12:00:00Z",
		"2026-03-01T24:00:00Z",
		"2026-03-01T12:60:00Z",
		"2026-03-01T12:00:60Z", // leap seconds come at the end of a day
		"2026-03-01T23:58:60Z",
		"2026-03-01T23:59:60+01:00",
		"2026-03-01T23:59:61Z",
		"2026-02-29T23:59:60Z",
		"2026-03-01T23:59:60",
		"2026-03-01T12:00:00+24:00",
		"2026-03-01T12:00:00+02:60",
		"2026-03-01T12:00:00+02",
		"2026-03-01T12:00:00+0200",
		"2026-03-01T12:00:00ZZ",
		"2026-03-01T12:00:00Z ",
		" 2026-03-01T12:00:00Z",
		"12026-03-01T12:00:00Z",
		"1772366400",
	} {
		got, err := config.ParseInstant(text)
		if err == nil {
			t.Errorf("ParseInstant(%q) = %v", text, got)
			continue
		}
		mustBreakRule(t, err, "time", "must be an RFC 3339 instant with an offset, such as 2024-01-15T10:30:00Z")
	}
}

func TestOrderOfInstantsIsOrderOfTexts(t *testing.T) {
	first := time.Date(2026, 3, 1, 9, 59, 59, 999_998_000, time.FixedZone("east", 3600))
	var texts []string
	for i := range 5 {
		texts = append(texts, config.FormatInstant(first.Add(time.Duration(i)*time.Microsecond)))
	}
	if !slices.IsSorted(texts) || texts[2] != "2026-03-01T09:00:00.000000Z" {
		t.Errorf("got %s", strings.Join(texts, " "))
	}
}

// TestFormatInstant compares with the layout, which says the same.
func TestFormatInstant(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	instants := []time.Time{{}, time.Unix(0, 0), time.Date(-1, 12, 31, 23, 59, 59, 999_999_999, time.UTC), time.Date(10_000, 1, 1, 0, 0, 0, 1000, time.UTC)}
	for range 10_000 {
		instants = append(instants, time.Unix(random.Int64N(1<<38)-1<<36, random.Int64N(1e9)).In(time.FixedZone("", random.IntN(86_400)-43_200)))
	}
	for _, at := range instants {
		want := at.UTC().Format("2006-01-02T15:04:05.000000Z")
		if got := config.FormatInstant(at); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
		if got := config.AppendInstant([]byte("at "), at); string(got) != "at "+want {
			t.Errorf("got %q, want it after %q", got, "at ")
		}
	}
}

func BenchmarkAppendInstant(b *testing.B) {
	at, buf := time.Date(2026, 3, 1, 9, 59, 59, 123_456_000, time.UTC), make([]byte, 0, 64)
	b.ReportAllocs()
	for b.Loop() {
		buf = config.AppendInstant(buf[:0], at)
	}
}

// FuzzParseInstant checks that writing and reading an instant again gives the same instant.
func FuzzParseInstant(f *testing.F) {
	f.Add("2026-03-01T12:00:00Z")
	f.Add("2026-03-01T12:00:00.123456789+02:00")
	f.Add("2026-03-01T12:00:00.1234567890Z")
	f.Fuzz(func(t *testing.T, text string) {
		got, err := config.ParseInstant(text)
		if invalid, is := errors.AsType[*config.InvalidError](err); err != nil && (!is || invalid.Field != "time" || !got.IsZero()) {
			t.Errorf("%q: got %v, %v", text, got, err)
		}
		if exact, isExact := time.Parse("2006-01-02T15:04:05Z07:00", text); err != nil && isExact == nil && exact.Format(time.RFC3339) == text {
			t.Errorf("%q: got %v, time.Parse says %v", text, err, exact)
		}
		if err != nil || got.Year() < 0 || got.Year() > 9999 {
			return
		}
		again, err := config.ParseInstant(config.FormatInstant(got))
		if err != nil || again != got {
			t.Errorf("%q: read as %v, then as %v, %v", text, got, again, err)
		}
		if text[16:19] == ":60" {
			return // a leap second, which the package time refuses
		}
		want, err := time.Parse(time.RFC3339Nano, strings.ToUpper(text))
		if err != nil || !want.Truncate(time.Microsecond).Equal(got) {
			t.Errorf("%q: read as %v, time.Parse says %v, %v", text, got, want, err)
		}
	})
}
