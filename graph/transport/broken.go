package transport

import (
	"bytes"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// frameOf reads a message whose payload may hold duplicate members or halves of surrogate pairs. It
// returns false when something else is wrong with the message, too. The payload is left out.
func frameOf(data []byte) (m message, ok bool) {
	if !utf8.Valid(data) {
		return m, false
	}
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
