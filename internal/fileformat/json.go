package fileformat

import (
	"bytes"
	"errors"
	"io"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// readJSON reads an object of names with their values. A number or a boolean is the text that the
// file has, digit by digit.
func readJSON(r *reader, data []byte, options Options) {
	d := newJSONDecoder(data)
	root, err := d.value(0)
	if err == nil {
		err = d.end()
	}
	if err != nil {
		r.refuse(d.line(), "", "the JSON is not valid: %s", d.describe(err))
		return
	}
	r.addTree(root, options)
}

// jsonDecoder reads values with their lines.
type jsonDecoder struct {
	*jsontext.Decoder
	data    []byte
	counted int // bytes of data whose line feeds are in lines
	lines   int
}

func newJSONDecoder(data []byte) *jsonDecoder {
	// Keys that are there twice are refused by the reader, with both lines.
	return &jsonDecoder{Decoder: jsontext.NewDecoder(bytes.NewReader(data), jsontext.AllowDuplicateNames(true)), data: data}
}

// line returns the line of what was read last.
func (d *jsonDecoder) line() int {
	offset := int(d.InputOffset())
	d.lines += bytes.Count(d.data[d.counted:offset], []byte("\n"))
	d.counted = offset
	return d.lines + 1
}

var (
	errTooDeep     = errors.New("objects are inside of each other more than " + strconv.Itoa(MaxDepth) + " times")
	errMoreThanOne = errors.New("there is more than one value")
)

// value reads one value, with the members of objects, but without the elements of lists.
func (d *jsonDecoder) value(depth int) (node, error) {
	switch d.PeekKind() {
	case '{':
		return d.object(depth)
	case '[':
		err := d.SkipValue()
		return node{kind: list, line: d.line()}, err
	case 'n':
		err := d.SkipValue()
		return node{kind: null, line: d.line()}, err
	}
	token, err := d.ReadToken()
	if err != nil {
		return node{}, err
	}
	return node{kind: text, line: d.line(), text: token.String()}, nil
}

func (d *jsonDecoder) object(depth int) (node, error) {
	if depth == MaxDepth {
		return node{}, errTooDeep
	}
	if _, err := d.ReadToken(); err != nil {
		return node{}, err
	}
	found := node{kind: object, line: d.line()}
	for d.PeekKind() != '}' {
		key, err := d.ReadToken()
		if err != nil {
			return node{}, err
		}
		m := member{key: key.String(), line: d.line()}
		if m.value, err = d.value(depth + 1); err != nil {
			return node{}, err
		}
		found.members = append(found.members, m)
	}
	_, err := d.ReadToken()
	return found, err
}

// end returns an error unless nothing follows.
func (d *jsonDecoder) end() error {
	switch _, err := d.ReadToken(); {
	case err == io.EOF:
		return nil
	case err != nil:
		return err
	}
	return errMoreThanOne
}

// describe returns what is wrong without a word of the file.
func (d *jsonDecoder) describe(err error) string {
	if syntactic, is := errors.AsType[*jsontext.SyntacticError](err); is && syntactic.Err != nil {
		return syntactic.Err.Error()
	}
	if errors.Is(err, io.EOF) {
		return "it ends too early"
	}
	return strings.TrimPrefix(err.Error(), "jsontext: ")
}

// writeJSON writes an object with one member a line.
func writeJSON(w *writer, entries []Entry) {
	indent := ""
	if w.prefix != nil {
		w.put("{\n  \"" + prefixMember + "\": ").putJSON(*w.prefix).put(",\n  \"" + valuesMember + "\": ")
		indent = "  "
	}
	w.put("{")
	for i, e := range entries {
		if i > 0 {
			w.put(",")
		}
		w.put("\n  " + indent).putJSON(e.Key).put(": ").putJSON(e.Value)
	}
	if len(entries) > 0 {
		w.put("\n" + indent)
	}
	if w.put("}\n"); w.prefix != nil {
		w.put("}\n")
	}
}

// putJSON adds a JSON string. A text that is no valid one is refused elsewhere.
func (w *writer) putJSON(text string) *writer {
	if quoted, err := jsontext.AppendQuote(w.text, text); err == nil {
		w.text = quoted
	}
	return w
}
