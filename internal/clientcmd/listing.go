package clientcmd

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
)

// listing prints a list of any length while its elements arrive: no form of it is in memory as a
// whole. A list that breaks off leaves JSON without its end, so that no reader takes it for a whole
// one.
type listing struct {
	*session
	out   *bufio.Writer
	table *table // of people's form; nil: each element writes its own lines to out
	count int    // elements so far

	// key names the list in an object, whose other members come before it: each has its name, and
	// then its text. "": there is no object.
	key     string
	members []string
}

// newListing returns a listing. The caller must call end.
func (s *session) newListing(t *table) *listing {
	return &listing{session: s, out: bufio.NewWriterSize(printer{s}, 64<<10), table: t}
}

// printer is the output of a session.
type printer struct{ *session }

func (p printer) Write(text []byte) (int, error) {
	if err := p.print(text); err != nil {
		return 0, err
	}
	return len(text), nil
}

// add prints an element: its object, its name, or what show writes for people, to the table or out.
func (l *listing) add(object any, name string, show func()) (err error) {
	switch l.output {
	case outputJSON, outputYAML:
		err = l.addObject(object)
	case outputName:
		_, err = l.out.WriteString(printable(name) + "\n")
	default:
		if show(); l.table != nil && l.table.isFull() {
			err = l.writeTable()
		}
	}
	l.count++
	return err
}

func (l *listing) writeTable() error {
	most, isTerminal := l.env.Width(l.env.Stdout)
	if !isTerminal {
		most = 0
	}
	return l.table.write(l.out, most)
}

// addObject prints an element as the next one of a list in JSON or YAML.
func (l *listing) addObject(object any) error {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent(l.indent(), "  ")
	if err := encoder.Encode(object); err != nil {
		return err
	}
	if l.output == outputJSON {
		separator := ","
		if l.count == 0 {
			separator = l.start() + "["
		}
		_, err := fmt.Fprintf(l.out, "%s\n%s%s", separator, l.indent(), bytes.TrimSuffix(harmlessJSON(text.Bytes()), []byte("\n")))
		return err
	}
	if l.count == 0 {
		if err := l.startYAML(false); err != nil {
			return err
		}
	}
	around := "[" + text.String() + "]"
	if l.key != "" {
		around = fmt.Sprintf("{%q: %s}", l.key, around)
	}
	converted, err := toYAML([]byte(around))
	if err != nil {
		return fmt.Errorf("writing YAML: %w", err)
	}
	_, err = l.out.Write(bytes.TrimPrefix(converted, []byte(l.key+":\n")))
	return err
}

// indent returns the spaces before an element in JSON.
func (l *listing) indent() string {
	if l.key != "" {
		return "    "
	}
	return "  "
}

// start returns what comes before the list in JSON.
func (l *listing) start() string {
	if l.key == "" {
		return ""
	}
	text := "{\n"
	for i := 0; i < len(l.members); i += 2 {
		text += fmt.Sprintf("  %q: %q,\n", l.members[i], l.members[i+1])
	}
	return text + fmt.Sprintf("  %q: ", l.key)
}

// startYAML prints what comes before the list in YAML, and an empty list if empty is set.
func (l *listing) startYAML(empty bool) error {
	text := []byte("[]\n")
	if l.key != "" {
		var err error
		if text, err = toYAML([]byte(l.start() + "[]}")); err != nil {
			return fmt.Errorf("writing YAML: %w", err)
		}
	}
	if !empty {
		text = bytes.TrimSuffix(bytes.TrimSuffix(text, []byte("[]\n")), []byte(" "))
		if l.key != "" {
			text = append(text, '\n')
		}
	}
	_, err := l.out.Write(text)
	return err
}

// end prints the end of the list, and returns the first error. err is that of who called add: then
// the list stays without its end.
func (l *listing) end(err error) error {
	if err == nil {
		err = l.writeEnd()
	} else if l.table != nil && l.count > 0 && l.output == outputTable {
		_ = l.writeTable() // the other error counts
	}
	if flushed := l.out.Flush(); err == nil {
		err = flushed
	}
	return err
}

func (l *listing) writeEnd() (err error) {
	ending := "]\n"
	if l.key != "" {
		ending = "  ]\n}\n"
	}
	switch {
	case l.output == outputJSON && l.count == 0 && l.key != "":
		_, err = l.out.WriteString(l.start() + "[]\n}\n")
	case l.output == outputJSON && l.count == 0:
		_, err = l.out.WriteString("[]\n")
	case l.output == outputJSON:
		_, err = l.out.WriteString("\n" + ending)
	case l.output == outputYAML && l.count == 0:
		err = l.startYAML(true)
	case l.output == outputTable && l.table != nil:
		err = l.writeTable()
	}
	return err
}
