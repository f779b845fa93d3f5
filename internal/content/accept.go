package content

import (
	"iter"
	"mime"
	"strconv"
)

// Accept is the header Accept of a request, whose lines are one list.
type Accept []string

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
	place := 0
	for name, quality := range a.ranges() {
		for i, wanted := range ranges[:min(found.Range+1, len(ranges))] {
			if name == wanted && (i < found.Range || quality > found.Quality) {
				found = Preference{quality, i, place}
			}
		}
		place++
	}
	return found
}

// Quality returns the quality that the header gives to a media type: see [Accept.Of].
func (a Accept) Quality(ranges ...string) float64 { return a.Of(ranges...).Quality }

// ranges yields the media ranges of the header, in small letters, with their qualities. A range
// that cannot be read is left out; a quality that is not a number from 0 to 1 counts as 1, as if it
// had not been given.
func (a Accept) ranges() iter.Seq2[string, float64] {
	return func(yield func(string, float64) bool) {
		for _, line := range a {
			for element := ""; line != ""; {
				element, line = cutElement(line)
				name, params, err := mime.ParseMediaType(element)
				if err != nil {
					continue
				}
				quality, err := strconv.ParseFloat(params["q"], 64)
				if err != nil || !(0 <= quality && quality <= 1) {
					quality = 1
				}
				if !yield(name, quality) {
					return
				}
			}
		}
	}
}

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
