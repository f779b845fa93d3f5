package main

import (
	"bytes"
	"errors"
	"fmt"
)

// changesDocument is the subscription of all websocket contenders. The value of a change comes
// before its position, which scanBatch relies on.
const changesDocument = `subscription{configChanges{changes{name operation value version position}position}}`

// The JSON that scanBatch searches for.
var (
	batchMark    = []byte(`"configChanges":{`)
	valueMark    = []byte(`"value":"`)
	positionMark = []byte(`"position":"`)
)

// isBatch reports whether a message has changes or a position. The marker is near the front, after
// the envelope.
func isBatch(message []byte) bool {
	return bytes.Contains(message[:min(len(message), 256)], batchMark)
}

// scanBatch finds the changes in a message. A JSON decoder would use more CPU than the servers. It
// calls each with the number at the beginning of a change's value and with its position, and
// returns the position of the message.
func scanBatch(message []byte, each func(change int, position int64) error) (end int64, err error) {
	rest := message
	for {
		_, behind, found := bytes.Cut(rest, valueMark)
		if !found {
			break
		}
		change, err := parseChange(behind)
		if err != nil {
			return 0, err
		}
		if end, rest, err = nextPosition(behind); err != nil {
			return 0, err
		}
		if err := each(change, end); err != nil {
			return 0, err
		}
	}
	end, rest, err = nextPosition(rest)
	if err == nil && bytes.Contains(rest, positionMark) {
		err = errors.New("a position that belongs to no change")
	}
	return end, err
}

// parseChange returns the number at the beginning of a value.
func parseChange(value []byte) (int, error) {
	if len(value) < numberWidth {
		return 0, fmt.Errorf("value that is too short: %q", value)
	}
	n, digits := leadingNumber(value[:numberWidth])
	if digits != numberWidth {
		return 0, fmt.Errorf("value that does not begin with a number: %.20q", value)
	}
	return int(n), nil
}

// nextPosition returns the seq of the next position and the data after it.
func nextPosition(data []byte) (position int64, rest []byte, err error) {
	_, behind, found := bytes.Cut(data, positionMark)
	n, digits := leadingNumber(behind)
	if !found || digits == 0 {
		return 0, nil, fmt.Errorf("no position in %.200q", data)
	}
	return n, behind[digits:], nil
}

// leadingNumber parses the decimal digits at the beginning of text, at most 18.
func leadingNumber(text []byte) (n int64, digits int) {
	for digits < min(len(text), 18) && text[digits] >= '0' && text[digits] <= '9' {
		n = 10*n + int64(text[digits]-'0')
		digits++
	}
	return n, digits
}
