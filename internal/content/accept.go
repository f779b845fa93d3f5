package content

import (
	"mime"
	"strconv"
)

// Accept is what a request says in the header Accept: the media ranges in the order of the header.
type Accept []mediaRange

type mediaRange struct {
	name    string // in small letters
	quality float64
}

// ParseAccept reads the lines of the header Accept, which are one list. A range that cannot be read
// is left out; a quality that is not a number from 0 to 1 counts as 1, as if it had not been given.
func ParseAccept(lines []string) Accept {
	var ranges Accept
	for _, line := range lines {
		for element := ""; line != ""; {
			element, line = cutElement(line)
			name, params, err := mime.ParseMediaType(element)
			if err != nil {
				continue
			}
			ranges = append(ranges, mediaRange{name, qualityOf(params)})
		}
	}
	return ranges
}

// qualityOf returns the quality among the parameters of a media range.
func qualityOf(params map[string]string) float64 {
	text, given := params["q"]
	if !given {
		return 1
	}
	quality, err := strconv.ParseFloat(text, 64)
	if err != nil || !(0 <= quality && quality <= 1) {
		return 1
	}
	return quality
}

// Preference is what an Accept header says about one media type.
type Preference struct {
	// Quality is from 0, not accepted, to 1.
	Quality float64
	// Range is the index of the range that decided, among those that [Accept.Of] was given.
	Range int
	// Place counts the ranges that stand before that one in the header.
	Place int
}

// Of returns what the header says about a media type, given the ranges that the type is in, from
// the most specific one to the least: `text/plain`, `text/*`, `*/*`. The most specific range that
// is in the header decides, with the highest of its qualities. When none is, the result is zero but
// for Range, which is the number of ranges.
func (a Accept) Of(ranges ...string) Preference {
	found := Preference{Range: len(ranges)}
	for place, given := range a {
		for i, wanted := range ranges[:min(found.Range+1, len(ranges))] {
			if given.name == wanted && (i < found.Range || given.quality > found.Quality) {
				found = Preference{given.quality, i, place}
			}
		}
	}
	return found
}

// Quality returns the quality that the header gives to a media type: see [Accept.Of].
func (a Accept) Quality(ranges ...string) float64 { return a.Of(ranges...).Quality }

// cutElement cuts a list at its first comma outside of quotes.
func cutElement(list string) (element, rest string) {
	quoted := false
	for i := 0; i < len(list); i++ {
		switch {
		case list[i] == '"':
			quoted = !quoted
		case quoted && list[i] == '\\':
			i++
		case !quoted && list[i] == ',':
			return list[:i], list[i+1:]
		}
	}
	return list, ""
}
