package transport

import (
	"bytes"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"

	"configapi/internal/strictjson"
)

// frameOf reads a message whose payload may nest without end, and hold duplicate members or halves
// of surrogate pairs. It returns false when something else is wrong with the message, too. The
// payload is left out when it nests deeper than the decoder reads.
func frameOf(data []byte) (m message, ok bool) {
	if !utf8.Valid(data) {
		return m, false
	}
	shallow := withoutDepths(data)
	if m, ok = readFrame(shallow); len(shallow) < len(data) {
		m.Payload = nil
	}
	return m, ok
}

func readFrame(data []byte) (m message, ok bool) {
	dec := jsontext.NewDecoder(bytes.NewReader(data), jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	if open, err := dec.ReadToken(); err != nil || open.Kind() != '{' {
		return m, false
	}
	seen := make(map[string]bool)
	for dec.PeekKind() == '"' {
		name, ok := readStrict(dec)
		if !ok || seen[name] {
			return m, false
		}
		seen[name] = true
		switch name {
		case "type":
			m.Type, ok = readStrict(dec)
		case "id":
			id, isText := readStrict(dec)
			m.ID, ok = &id, isText
		case "payload":
			payload, err := dec.ReadValue()
			m.Payload, ok = payload.Clone(), err == nil
		default:
			ok = dec.SkipValue() == nil
		}
		if !ok {
			return m, false
		}
	}
	if end, err := dec.ReadToken(); err != nil || end.Kind() != '}' {
		return m, false
	}
	return m, len(bytes.Trim(data[dec.InputOffset():], " \t\r\n")) == 0
}

// readStrict reads a string that is whole.
func readStrict(dec *jsontext.Decoder) (string, bool) {
	raw, err := dec.ReadValue()
	if err != nil || raw.Kind() != '"' {
		return "", false
	}
	text, err := jsontext.AppendUnquote(nil, raw) // an error for half a surrogate pair
	return string(text), err == nil
}

// withoutDepths returns a JSON text without what lies deeper in it than any payload that can be
// read. The result is the text itself when nothing does.
func withoutDepths(data []byte) []byte {
	const deepest = strictjson.MaxDepth + 8
	var shallow []byte // all of data[:kept] that stays; nil: all of it
	kept, depth := 0, 0
	for i := 0; i < len(data); i++ {
		switch data[i] {
		case '"':
			for i++; i < len(data) && data[i] != '"'; i++ {
				if data[i] == '\\' {
					i++
				}
			}
		case '[', '{':
			if depth++; depth == deepest {
				shallow = append(shallow, data[kept:i+1]...)
				kept = len(data)
			}
		case ']', '}':
			if depth--; depth == deepest-1 {
				kept = i
			}
		}
	}
	if shallow == nil {
		return data
	}
	return append(shallow, data[kept:]...)
}
