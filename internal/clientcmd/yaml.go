package clientcmd

import (
	"bytes"
	"encoding/json"
	"regexp"
	"strings"
	"unicode"

	"go.yaml.in/yaml/v3"
)

// otherInYAML11 are texts that readers of YAML 1.1 take for a truth or for a number of base 60.
var otherInYAML11 = regexp.MustCompile(`^((?i)y|n|yes|no|on|off|[-+]?[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?)$`)

// toYAML converts JSON to YAML with the same members in the same order.
func toYAML(text []byte) ([]byte, error) {
	in := json.NewDecoder(bytes.NewReader(text))
	in.UseNumber()
	node, err := nodeOf(in)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	encoder := yaml.NewEncoder(&out)
	encoder.SetIndent(2)
	if err := encoder.Encode(node); err != nil {
		return nil, err
	}
	return out.Bytes(), encoder.Close()
}

// nodeOf returns the next value of a decoder.
func nodeOf(in *json.Decoder) (*yaml.Node, error) {
	token, err := in.Token()
	if err != nil {
		return nil, err
	}
	node := &yaml.Node{Kind: yaml.ScalarNode}
	switch v := token.(type) {
	case json.Delim:
		node.Kind = yaml.MappingNode
		if v == '[' {
			node.Kind = yaml.SequenceNode
		}
		for in.More() { // names and values of an object are in turn
			child, err := nodeOf(in)
			if err != nil {
				return nil, err
			}
			node.Content = append(node.Content, child)
		}
		_, err = in.Token() // its end
	case string:
		node.Tag, node.Value = "!!str", v
		if otherInYAML11.MatchString(v) || strings.ContainsFunc(v, func(r rune) bool { return !unicode.IsPrint(r) }) {
			node.Style = yaml.DoubleQuotedStyle
		}
	case json.Number:
		node.Value = v.String()
	case bool:
		node.Value = "false"
		if v {
			node.Value = "true"
		}
	case nil:
		node.Value = "null"
	}
	return node, err
}
