package configtemplate

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"configapi/internal/fileformat"
)

func (e *execution) json(value any) (string, error)       { return e.encode(value, "") }
func (e *execution) prettyJSON(value any) (string, error) { return e.encode(value, "  ") }

// yaml returns a value as YAML in one line, so that it can stand at any indentation.
func (e *execution) yaml(value any) (string, error) {
	text, err := e.encode(value, "")
	if err != nil {
		return "", err
	}
	return e.text(2, fileformat.EscapeYAML)(text)
}

func (e *execution) encode(value any, indent string) (string, error) {
	if err := e.budget.take(0, 6*sizeOf(value)); err != nil {
		return "", err
	}
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", indent)
	if err := encoder.Encode(value); err != nil {
		return "", errors.New("the value is none that JSON has")
	}
	return strings.TrimSuffix(b.String(), "\n"), nil
}

// sizeOf returns about how many bytes of text a value has.
func sizeOf(value any) int {
	const other = 32 // numbers and the like
	size := other
	switch v := value.(type) {
	case string:
		size = len(v)
	case json.Number:
		size = len(v)
	case []string:
		for _, text := range v {
			size += len(text) + other
		}
	case []Entry:
		for _, entry := range v {
			size += 2*len(entry.Name) + len(entry.Value) + 2*other
		}
	case []any:
		for _, element := range v {
			size += sizeOf(element)
		}
	case map[string]any:
		for key, element := range v {
			size += len(key) + sizeOf(element) + other
		}
	}
	return size
}

func (e *execution) split(separator, text string) ([]string, error) {
	const header = 16 // bytes of a string beside its text
	if err := e.budget.take(0, header*(strings.Count(text, separator)+1)); err != nil {
		return nil, err
	}
	return strings.Split(text, separator), nil
}

func (e *execution) join(separator string, list any) (string, error) {
	var texts []string
	switch l := list.(type) {
	case []string:
		texts = l
	case []any:
		for _, element := range l {
			text, is := element.(string)
			if number, isNumber := element.(json.Number); isNumber {
				text, is = number.String(), true
			}
			if !is {
				return "", errors.New("join takes a list of texts")
			}
			texts = append(texts, text)
		}
	default:
		return "", errors.New("join takes a separator and a list of texts, such as that of split or children")
	}
	if err := e.budget.take(0, sizeOf(texts)+len(texts)*len(separator)); err != nil {
		return "", err
	}
	return strings.Join(texts, separator), nil
}

func (e *execution) replace(old, with, text string) (string, error) {
	if err := e.budget.take(0, len(text)+strings.Count(text, old)*len(with)); err != nil {
		return "", err
	}
	return strings.ReplaceAll(text, old, with), nil
}

// indent puts spaces before each line of a text that is not empty.
func (e *execution) indent(spaces int, text string) (string, error) {
	const most = 100
	if spaces < 0 || spaces > most {
		return "", fmt.Errorf("indent takes 0 to %d spaces", most)
	}
	if err := e.budget.take(0, len(text)+spaces*(strings.Count(text, "\n")+1)); err != nil {
		return "", err
	}
	var b strings.Builder
	for line := range strings.Lines(text) {
		if line != "\n" {
			b.WriteString(strings.Repeat(" ", spaces))
		}
		b.WriteString(line)
	}
	return b.String(), nil
}

// printing bounds a function that prints texts and numbers, with at most so many bytes for each of
// theirs.
func (e *execution) printing(growth int, do func(...any) string) func(...any) (string, error) {
	return func(args ...any) (string, error) {
		size, err := sizeOfAll(args)
		if err == nil {
			err = e.budget.take(0, growth*size)
		}
		if err != nil {
			return "", err
		}
		return do(args...), nil
	}
}

func sizeOfAll(args []any) (size int, err error) {
	for _, arg := range args {
		switch arg.(type) {
		case []string, []any, []Entry, map[string]any, Entry:
			return 0, errors.New("lists and trees are not printed: use json, join or range")
		}
		size += sizeOf(arg)
	}
	return size, nil
}

// printf is that of text/template. Each verb may print its longest argument, and as many spaces as
// it says.
func (e *execution) printf(format string, args ...any) (string, error) {
	size, err := sizeOfAll(args)
	if err != nil {
		return "", err
	}
	if strings.ContainsRune(format, '*') {
		return "", errors.New("printf takes no * in its format")
	}
	const quotes = 6 // %q and %x make a few bytes of one
	total := len(format) + strings.Count(format, "%")*size*quotes
	for number := range strings.FieldsFuncSeq(format, func(c rune) bool { return c < '0' || c > '9' }) {
		width, err := strconv.Atoi(number)
		if err != nil || width > MaxOutputBytes {
			return "", errors.New("printf has a width that is too large")
		}
		total += width
	}
	if err := e.budget.take(0, total); err != nil {
		return "", err
	}
	return fmt.Sprintf(format, args...), nil
}
