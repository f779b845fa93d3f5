package fileformat

import (
	"errors"
	"io"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// readYAML reads a mapping of names to their values. A plain scalar is the text that the file has:
// 8080, yes, 1e3 and 2024-01-01 are those texts. What YAML reads as null has no value.
//
// Only mappings and scalars are read. Anchors, aliases, merge keys and tags are refused, so a file
// cannot hold more than what it has bytes for.
func readYAML(r *reader, data []byte, options Options) {
	if at := strings.IndexAny(string(data), "\u0085\u2028\u2029"); at >= 0 {
		r.refuse(lineAt(data, at), "", `the line has U+0085, U+2028 or U+2029, which only some readers take for an end of line; write it as \u0085 and so on in double quotes`)
		return
	}
	decoder := yaml.NewDecoder(strings.NewReader(string(data)))
	var document, second yaml.Node
	err := decoder.Decode(&document)
	if err == nil {
		if err = decoder.Decode(&second); err == nil {
			r.refuse(second.Line, "", "the file must have one document")
			return
		}
	}
	switch {
	case !errors.Is(err, io.EOF):
		line, what := describeYAML(err)
		r.refuse(line, "", "the YAML is not valid: %s", what)
	case document.Kind == 0: // nothing but comments
	default:
		if root, ok := r.yamlNode(document.Content[0], 0); ok && root.kind == null {
			r.addTree(node{kind: object}, options)
		} else if ok {
			r.addTree(root, options)
		}
	}
}

// lineAt returns the line of a byte of a file.
func lineAt(data []byte, at int) int { return 1 + strings.Count(string(data[:at]), "\n") }

var yamlFault = regexp.MustCompile(`^yaml: (?:line (\d+): )?`)

// describeYAML returns the line that the library names, 0 when it names none, and the rest of its
// text.
func describeYAML(err error) (line int, what string) {
	text := err.Error()
	match := yamlFault.FindStringSubmatch(text)
	if match == nil {
		return 0, text
	}
	line, _ = strconv.Atoi(match[1])
	return line, text[len(match[0]):]
}

// yamlNode returns a value of the file. What it refuses, it refuses once, and ok is false.
func (r *reader) yamlNode(from *yaml.Node, depth int) (n node, ok bool) {
	n = node{line: from.Line, text: from.Value}
	switch {
	case from.Kind == yaml.AliasNode, from.Anchor != "":
		r.refuse(from.Line, "", "anchors and aliases are not read; write the value where it is needed")
		return n, false
	case from.Style&yaml.TaggedStyle != 0:
		r.refuse(from.Line, "", "tags such as %s are not read; all values are texts", from.Tag)
		return n, false
	case from.Kind == yaml.SequenceNode:
		n.kind = list
		return n, true
	case from.Kind == yaml.ScalarNode && from.Tag == "!!null":
		n.kind = null
		return n, true
	case from.Kind == yaml.ScalarNode:
		return n, true
	case depth == MaxDepth:
		r.refuse(from.Line, "", "%v", errTooDeep)
		return n, false
	}
	n.kind, ok = object, true
	for i := 0; i < len(from.Content); i += 2 {
		key, value := from.Content[i], from.Content[i+1]
		if key.Tag == "!!merge" || key.Kind != yaml.ScalarNode || key.Anchor != "" || key.Style&yaml.TaggedStyle != 0 {
			r.refuse(key.Line, "", "a key must be a plain text or one in quotes, and << is not read")
			ok = false
			continue
		}
		m := member{key: key.Value, line: key.Line}
		valueOK := false
		if m.value, valueOK = r.yamlNode(value, depth+1); valueOK {
			n.members = append(n.members, m)
		}
		ok = ok && valueOK
	}
	return n, ok
}
