package clientcmd

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// Forms of output.
const (
	outputTable = "table"
	outputJSON  = "json"
	outputYAML  = "yaml"
	outputName  = "name"
)

func checkOutput(form string) error {
	switch form {
	case outputTable, outputJSON, outputYAML, outputName:
		return nil
	}
	return UsageErrorf("-o must be table, json, yaml or name")
}

// view is what a command prints, in all forms.
type view struct {
	// object is encoded as JSON or YAML: a struct or a slice with documented members.
	object any
	// names are printed one a line for -o name: whole names of configs, or positions.
	names []string
	// table prints the form for people.
	table func(out io.Writer) error
}

// show prints a view in the form that the command line asks for.
func (s *session) show(v view) error {
	switch s.output {
	case outputJSON, outputYAML:
		return s.showObject(v.object)
	case outputName:
		var text bytes.Buffer
		for _, name := range v.names {
			text.WriteString(printable(name) + "\n")
		}
		return s.print(text.Bytes())
	}
	var text bytes.Buffer
	if err := v.table(&text); err != nil {
		return err
	}
	return s.print(text.Bytes())
}

func (s *session) showObject(object any) error {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(object); err != nil {
		return err
	}
	if s.output == outputJSON {
		return s.print(harmlessJSON(text.Bytes()))
	}
	converted, err := toYAML(text.Bytes())
	if err != nil {
		return fmt.Errorf("writing YAML: %w", err)
	}
	return s.print(converted)
}

// harmlessJSON returns JSON that means the same and cannot drive a terminal: what [printable] makes
// visible is an escape of JSON.
func harmlessJSON(text []byte) []byte {
	out := make([]byte, 0, len(text))
	for i, r := range string(text) {
		switch {
		case r == '\n' || unicode.IsPrint(r):
			out = append(out, text[i:i+utf8.RuneLen(r)]...)
		default:
			for _, unit := range utf16.Encode([]rune{r}) {
				out = fmt.Appendf(out, `\u%04x`, unit)
			}
		}
	}
	return out
}

// ErrOutput is in the error of a command that could not write to standard output.
var ErrOutput = errors.New("writing the output")

// print writes output.
func (s *session) print(text []byte) error {
	if _, err := s.env.Stdout.Write(text); err != nil {
		return fmt.Errorf("%w: %w", ErrOutput, err)
	}
	return nil
}

// instant returns a time as people see it: UTC, to the second.
func instant(at time.Time) string {
	if at.IsZero() {
		return "-"
	}
	return at.UTC().Format("2006-01-02T15:04:05Z")
}

// orDash returns a text that may be missing.
func orDash(text *string) string {
	if text == nil || *text == "" {
		return "-"
	}
	return *text
}
