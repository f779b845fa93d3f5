package strictjson

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"configapi/internal/excerpt"
)

// Error says what is wrong with a JSON text. Its text needs a subject before it, such as "the body
// is refused: ", and is one line of less than 500 bytes. It may be sent to the client and written
// to a log: names of members are quoted, escaped and cut, values do not occur.
type Error struct {
	text string
}

func (e *Error) Error() string { return e.text }

// errTooDeep is wrapped by the decoder, which adds the offset; describe unwraps it again.
var errTooDeep = &Error{fmt.Sprintf("nested more than %d levels deep", MaxDepth)}

var errTooMany = &Error{fmt.Sprintf("more than %d values", MaxValues)}

// expectedError says which kind of JSON value would have been right. Like errTooDeep, the decoder
// wraps it.
type expectedError string

func (e expectedError) Error() string { return "must be " + string(e) }

const byteOrderMark = "\xef\xbb\xbf"

// decoderDepth is how deep jsontext reads members that are skipped; its error for more is not
// exported.
const decoderDepth = 10_000

// maxName is how many bytes of a member's name an error quotes.
const maxName = 48

// describe turns an error of the decoder into an [*Error]. The decoder's own text cannot be used:
// it quotes values, names Go types, and may change. Only refused input takes this slow path, which
// reads data again a few times.
func describe(data []byte, err error) *Error {
	if isBlank(data) {
		return &Error{"empty"}
	}
	if bytes.HasPrefix(data, []byte(byteOrderMark)) {
		return &Error{"starts with a byte order mark"}
	}
	if own, ok := errors.AsType[*Error](err); ok {
		return own
	}
	if semantic, ok := errors.AsType[*json.SemanticError](err); ok && !isSyntactic(semantic.Err) {
		return describeSemantic(semantic)
	}
	if syntactic, ok := errors.AsType[*jsontext.SyntacticError](err); ok {
		return describeSyntactic(data, syntactic)
	}
	return &Error{"not valid JSON"}
}

func isSyntactic(err error) bool {
	_, ok := errors.AsType[*jsontext.SyntacticError](err)
	return ok
}

func describeSemantic(err *json.SemanticError) *Error {
	if errors.Is(err, json.ErrUnknownName) {
		return &Error{"unknown member " + quoteName(err.JSONPointer.LastToken()) + within(err.JSONPointer.Parent())}
	}
	if errors.Is(err, strconv.ErrRange) {
		return &Error{subject(err.JSONPointer) + "holds a number out of range"}
	}
	if expected, ok := errors.AsType[expectedError](err); ok {
		return &Error{subject(err.JSONPointer) + expected.Error()}
	}
	return &Error{subject(err.JSONPointer) + "must be " + kindOf(err.GoType)}
}

func describeSyntactic(data []byte, err *jsontext.SyntacticError) *Error {
	offset := min(max(int(err.ByteOffset), 0), len(data))
	switch {
	case errors.Is(err, jsontext.ErrDuplicateName):
		return &Error{"duplicate member " + quoteName(err.JSONPointer.LastToken()) + within(err.JSONPointer.Parent())}
	case !utf8.Valid(data):
		return &Error{"not valid UTF-8" + at(invalidUTF8(data))}
	case strings.Count(string(err.JSONPointer), "/") >= decoderDepth-1:
		return errTooDeep
	case errors.Is(err, io.ErrUnexpectedEOF):
		return &Error{"unexpected end" + at(len(data))}
	case jsontext.Value(data[:offset]).IsValid(jsontext.AllowDuplicateNames(true)):
		return &Error{"bytes after the JSON value" + at(offset)}
	case jsontext.Value(data).IsValid(jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true)):
		return &Error{"half a surrogate pair in a \\u escape" + at(offset)}
	default:
		return &Error{"not valid JSON" + at(offset)}
	}
}

// kindOf names the kind of JSON value that a Go type takes.
func kindOf(t reflect.Type) string {
	if t == nil {
		return "another kind of value"
	}
	switch t.Kind() {
	case reflect.String:
		return "a string"
	case reflect.Struct, reflect.Map:
		return "an object"
	case reflect.Slice, reflect.Array:
		return "an array"
	case reflect.Bool:
		return "true or false"
	case reflect.Float32, reflect.Float64:
		return "a number"
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return "a whole number"
	default:
		return "another kind of value"
	}
}

// subject names the member that the rest of the sentence is about. It is empty for the whole text.
func subject(pointer jsontext.Pointer) string {
	if pointer == "" {
		return ""
	}
	return "member " + quoteName(pointer.LastToken()) + within(pointer.Parent()) + " "
}

func within(pointer jsontext.Pointer) string {
	if pointer == "" {
		return ""
	}
	return " in " + quoteName(pointer.LastToken())
}

func at(offset int) string {
	return " (byte " + strconv.Itoa(offset) + ")"
}

func quoteName(name string) string { return strconv.QuoteToGraphic(excerpt.Of(name, maxName)) }

func invalidUTF8(data []byte) int {
	for i := 0; i < len(data); {
		r, size := utf8.DecodeRune(data[i:])
		if r == utf8.RuneError && size <= 1 {
			return i
		}
		i += size
	}
	return len(data)
}
