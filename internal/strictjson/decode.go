// Package strictjson decodes the JSON that clients send: REST bodies, GraphQL envelopes and
// variables, websocket messages. It is the only JSON decoder of the edges, so that all of them take
// and refuse the same bytes.
//
// It refuses what Go's own decoder accepts or silently changes: duplicate members, members in
// another letter case, invalid UTF-8, lone surrogates, a byte order mark, bytes after the value, a
// second value, an empty text, nesting without end, and more values than [MaxValues]. The caller
// chooses whether unknown members are refused.
//
// Each refusal is an [*Error], whose text may be sent to the client: it says what is wrong and
// where, names members, and never repeats a value.
//
// The package knows nothing of the meaning of members: the caller checks that none is missing, too
// long or out of its range. A member that is null leaves its Go value zero; use a pointer to
// distinguish null or a missing member from a value.
//
// [QuotedLen] is for edges that need the length of an answer before they write it.
package strictjson

import (
	"bytes"

	"github.com/go-json-experiment/json"
)

// MaxDepth is how many levels an [Object] may have, itself included. Nothing that the edges take
// has more than a handful.
const MaxDepth = 64

// MaxValues is how many values a text may hold, in arrays and objects together. A value of two
// bytes takes up to a hundred when it is decoded. Nothing that the edges take has a tenth of that.
const MaxValues = 100_000

// Options of [Decode]. The zero value is the strictest.
type Options struct {
	// AllowUnknown skips unknown members instead of refusing them. Skipped members must be
	// well-formed all the same.
	AllowUnknown bool
}

var (
	refuseUnknown = json.RejectUnknownMembers(true)
	skipUnknown   = json.RejectUnknownMembers(false)
)

// Decode decodes the one JSON value that data holds into the value that into points to. What it
// stores shares no memory with data. Any error is an [*Error]; into may then be filled in part.
func Decode(data []byte, into any, options Options) error {
	if hasTooManyValues(data) {
		return errTooMany
	}
	unknown := refuseUnknown
	if options.AllowUnknown {
		unknown = skipUnknown
	}
	if err := json.Unmarshal(data, into, unknown); err != nil {
		return describe(data, err)
	}
	return nil
}

// isBlank reports whether data holds nothing but JSON's white space.
func isBlank(data []byte) bool {
	return len(bytes.Trim(data, " \t\r\n")) == 0
}

// hasTooManyValues reports whether data has more than MaxValues values. It counts what separates
// them, in passes that allocate nothing.
func hasTooManyValues(data []byte) bool {
	if len(data) <= MaxValues || separators(data) <= MaxValues {
		return false
	}
	count := 0
	for i := 0; i < len(data) && count <= MaxValues; i++ {
		switch data[i] {
		case ',', '[', '{':
			count++
		case '"':
			for i++; i < len(data) && data[i] != '"'; i++ {
				if data[i] == '\\' {
					i++
				}
			}
		}
	}
	return count > MaxValues
}

// separators returns how many bytes of data may separate values: all that do, and those in strings.
// It takes a part of the time that it takes to distinguish them.
func separators(data []byte) int {
	return bytes.Count(data, []byte(",")) + bytes.Count(data, []byte("[")) + bytes.Count(data, []byte("{"))
}
