package strictjson

import (
	"math"
	"strconv"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Object is a JSON object whose members are not known beforehand, such as GraphQL's variables. A
// JSON null makes it nil.
//
// Its values are nil, bool, string, int64, float64, []any and map[string]any. A whole number is an
// int64, exact to the last digit, also when it is written as 1.0 or 1e3; any other number is the
// nearest float64. So a fraction is never taken for a whole number, and, unlike with
// encoding/json's Number, no number is ever taken for a string. A number that overflows a float64
// is refused.
type Object map[string]any

// UnmarshalJSONFrom decodes the next value, which must be an object or null.
func (o *Object) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	switch dec.PeekKind() {
	case '{':
		object, err := readObject(dec)
		*o = object
		return err
	case 'n':
		*o = nil
		return dec.SkipValue()
	case 0: // the text ends or is broken here; the decoder knows which
		return dec.SkipValue()
	default:
		// Skipped first, so that the error is about this value, not about the one before.
		if err := dec.SkipValue(); err != nil {
			return err
		}
		return expectedError("an object")
	}
}

func readObject(dec *jsontext.Decoder) (map[string]any, error) {
	if _, err := dec.ReadToken(); err != nil {
		return nil, err
	}
	if dec.StackDepth() > MaxDepth {
		return nil, errTooDeep
	}
	object := make(map[string]any)
	for dec.PeekKind() != '}' {
		name, err := dec.ReadToken()
		if err != nil {
			return nil, err
		}
		key := name.String()
		value, err := readAny(dec)
		if err != nil {
			return nil, err
		}
		object[key] = value
	}
	_, err := dec.ReadToken()
	return object, err
}

func readArray(dec *jsontext.Decoder) ([]any, error) {
	if _, err := dec.ReadToken(); err != nil {
		return nil, err
	}
	if dec.StackDepth() > MaxDepth {
		return nil, errTooDeep
	}
	array := []any{}
	for dec.PeekKind() != ']' {
		value, err := readAny(dec)
		if err != nil {
			return nil, err
		}
		array = append(array, value)
	}
	_, err := dec.ReadToken()
	return array, err
}

func readAny(dec *jsontext.Decoder) (any, error) {
	switch dec.PeekKind() {
	case '{':
		return readObject(dec)
	case '[':
		return readArray(dec)
	case '0':
		number, err := dec.ReadValue()
		if err != nil {
			return nil, err
		}
		value, err := parseNumber(number)
		if err != nil {
			return nil, &json.SemanticError{JSONPointer: dec.StackPointer(), Err: err}
		}
		return value, nil
	}
	token, err := dec.ReadToken()
	if err != nil {
		return nil, err
	}
	switch token.Kind() {
	case '"':
		return token.String(), nil
	case 't', 'f':
		return token.Bool(), nil
	default:
		return nil, nil
	}
}

func parseNumber(number jsontext.Value) (any, error) {
	if whole, err := strconv.ParseInt(string(number), 10, 64); err == nil {
		return whole, nil
	}
	float, err := strconv.ParseFloat(string(number), 64)
	if err != nil {
		return nil, strconv.ErrRange
	}
	// Beyond 2^53 a float64 may stand for several whole numbers.
	const exact = 1 << 53
	if float == math.Trunc(float) && math.Abs(float) < exact {
		return int64(float), nil
	}
	return float, nil
}
