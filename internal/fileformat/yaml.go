package fileformat

import (
	"errors"
	"fmt"
	"strings"

	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/token"
)

// readYAML reads a mapping of names to their values. A plain scalar is the text that the file has:
// 8080, yes, 1e3 and 2024-01-01 are those texts. What YAML reads as null has no value.
//
// Only mappings and scalars are read. The library splits the file into tokens; its parser is not
// used, since that takes time and memory in proportion to the square of the number of keys, and
// calls itself as deep as the file says.
func readYAML(r *reader, data []byte, options Options) {
	source := strings.ReplaceAll(string(data), "\r\n", "\n")
	if line := lineOf(source, "\r"); line > 0 {
		r.refuse(line, "", `the line has a carriage return; write it as \r in double quotes`)
		return
	}
	y := &yamlReader{lines: strings.Split(source, "\n")}
	for _, t := range lexer.Tokenize(source) {
		if t.Type != token.CommentType {
			y.tokens = append(y.tokens, t)
		}
	}
	root, err := y.document()
	if problem, is := errors.AsType[*Problem](err); is {
		r.refuse(problem.Line, "", "%s", problem.What)
		return
	}
	r.addTree(root, options)
}

// lineOf returns the line in which a text has another one first, 0 when it does not.
func lineOf(text, part string) int {
	before, _, has := strings.Cut(text, part)
	if !has {
		return 0
	}
	return 1 + strings.Count(before, "\n")
}

// Error makes a problem the error of a parser that stops at the first one.
func (p *Problem) Error() string { return p.String() }

// yamlReader makes nodes of tokens.
type yamlReader struct {
	lines  []string
	tokens []*token.Token // those that are not read yet, without comments
}

func yamlError(line int, what string, args ...any) error {
	return &Problem{Line: line, What: fmt.Sprintf(what, args...)}
}

// peek returns the next token, nil at the end.
func (y *yamlReader) peek() *token.Token {
	if len(y.tokens) == 0 {
		return nil
	}
	return y.tokens[0]
}

func (y *yamlReader) next() *token.Token {
	t := y.peek()
	if t != nil {
		y.tokens = y.tokens[1:]
	}
	return t
}

// nextIs reports whether the next token is of a type, and takes it then.
func (y *yamlReader) nextIs(kind token.Type) bool {
	is := y.peek() != nil && y.peek().Type == kind
	if is {
		y.next()
	}
	return is
}

// document reads the one document of the file.
func (y *yamlReader) document() (node, error) {
	y.nextIs(token.DocumentHeaderType)
	first := y.peek()
	if first == nil || first.Type == token.DocumentEndType {
		return node{kind: object, line: 1}, nil
	}
	var root node
	var err error
	if first.Type == token.MappingStartType {
		root, err = y.flow(0)
	} else {
		root, err = y.block(0)
	}
	if err != nil {
		return node{}, err
	}
	y.nextIs(token.DocumentEndType)
	if t := y.peek(); t != nil {
		return node{}, y.unexpected(t)
	}
	return root, nil
}

// block reads a mapping that has each key on a line of its own, all in the column of the first.
func (y *yamlReader) block(depth int) (node, error) {
	first := y.peek()
	if depth == MaxDepth {
		return node{}, yamlError(first.Position.Line, "%s", errTooDeep)
	}
	found := node{kind: object, line: first.Position.Line}
	for t := first; t != nil && t.Position.Column == first.Position.Column; t = y.peek() {
		if t.Type == token.DocumentHeaderType || t.Type == token.DocumentEndType {
			break
		}
		key, err := y.key()
		if err != nil {
			return node{}, err
		}
		if !y.beginsLine(key) {
			return node{}, y.unexpected(key)
		}
		value, err := y.blockValue(key, depth)
		if err != nil {
			return node{}, err
		}
		found.members = append(found.members, member{key.Value, key.Position.Line, value})
	}
	if t := y.peek(); t != nil && t.Position.Column > first.Position.Column {
		return node{}, y.unexpected(t)
	}
	return found, nil
}

// beginsLine reports whether there is nothing but spaces before a token.
func (y *yamlReader) beginsLine(t *token.Token) bool {
	line, before := y.lines[t.Position.Line-1], t.Position.Column-1
	line = strings.TrimPrefix(line, byteOrderMark)
	return before <= len(line) && strings.Trim(line[:before], " ") == ""
}

// key reads a key and the colon behind it, on the same line.
func (y *yamlReader) key() (*token.Token, error) {
	key := y.next()
	if !isScalar(key) {
		return nil, y.unexpected(key)
	}
	colon := y.next()
	if colon == nil || colon.Type != token.MappingValueType || colon.Position.Line != key.Position.Line {
		return nil, yamlError(key.Position.Line, "a key with : and a space behind it must be here, such as name: \"value\"")
	}
	return key, nil
}

// blockValue reads what belongs to a key: a scalar or { behind it, or a scalar or a mapping on the
// lines below, further to the right.
func (y *yamlReader) blockValue(key *token.Token, depth int) (node, error) {
	t := y.peek()
	sameLine := t != nil && t.Position.Line == key.Position.Line
	switch {
	case t == nil, !sameLine && t.Position.Column <= key.Position.Column && t.Type != token.SequenceEntryType:
		return node{kind: null, line: key.Position.Line}, nil
	case t.Type == token.MappingStartType:
		return y.flow(depth + 1)
	case !sameLine && y.isKey():
		return y.block(depth + 1)
	}
	return y.scalar()
}

// isKey reports whether a key with a colon comes next.
func (y *yamlReader) isKey() bool {
	return len(y.tokens) > 1 && isScalar(y.tokens[0]) && y.tokens[1].Type == token.MappingValueType &&
		y.tokens[0].Position.Line == y.tokens[1].Position.Line
}

// flow reads a mapping in braces.
func (y *yamlReader) flow(depth int) (node, error) {
	start := y.next()
	if depth == MaxDepth {
		return node{}, yamlError(start.Position.Line, "%s", errTooDeep)
	}
	found := node{kind: object, line: start.Position.Line}
	for !y.nextIs(token.MappingEndType) {
		if len(found.members) > 0 && !y.nextIs(token.CollectEntryType) {
			return node{}, y.unexpected(y.peek())
		}
		if y.nextIs(token.MappingEndType) { // a comma may end the last member
			break
		}
		key, err := y.key()
		if err != nil {
			return node{}, err
		}
		value, err := y.flowValue(key, depth)
		if err != nil {
			return node{}, err
		}
		found.members = append(found.members, member{key.Value, key.Position.Line, value})
	}
	return found, nil
}

func (y *yamlReader) flowValue(key *token.Token, depth int) (node, error) {
	switch t := y.peek(); {
	case t == nil:
		return node{}, y.unexpected(nil)
	case t.Type == token.CollectEntryType, t.Type == token.MappingEndType:
		return node{kind: null, line: key.Position.Line}, nil
	case t.Type == token.MappingStartType:
		return y.flow(depth + 1)
	}
	return y.scalar()
}

// scalar reads a text, or what YAML reads as a number, a boolean or null.
func (y *yamlReader) scalar() (node, error) {
	t := y.next()
	switch {
	case t == nil:
		return node{}, y.unexpected(nil)
	case t.Type == token.NullType:
		return node{kind: null, line: t.Position.Line}, nil
	case t.Type == token.SequenceEntryType, t.Type == token.SequenceStartType:
		return node{}, yamlError(t.Position.Line, "a list is here, which no config can hold; write it as a text in quotes")
	case t.Type == token.LiteralType, t.Type == token.FoldedType:
		content := y.next()
		if content == nil || content.Type != token.StringType {
			return node{}, y.unexpected(t)
		}
		return node{kind: text, line: t.Position.Line, text: content.Value, quoted: true}, nil
	case !isScalar(t):
		return node{}, y.unexpected(t)
	}
	quoted := t.Type == token.SingleQuoteType || t.Type == token.DoubleQuoteType
	return node{kind: text, line: t.Position.Line, text: t.Value, quoted: quoted}, nil
}

func isScalar(t *token.Token) bool {
	if t == nil {
		return false
	}
	switch t.Type {
	case token.StringType, token.SingleQuoteType, token.DoubleQuoteType, token.BoolType,
		token.IntegerType, token.FloatType, token.BinaryIntegerType, token.OctetIntegerType,
		token.HexIntegerType, token.InfinityType, token.NanType, token.NullType, token.ImplicitNullType:
		return true
	}
	return false
}

// unexpected says why a token must not be where it is; nil is the end of the file.
func (y *yamlReader) unexpected(t *token.Token) error {
	if t == nil {
		return yamlError(len(y.lines), "the YAML ends too early")
	}
	what := "the YAML is not valid, or not as plain as names with values are: quote the text"
	switch t.Type {
	case token.AnchorType, token.AliasType, token.MergeKeyType:
		what = "anchors, aliases and merge keys are not read; write the value where it is needed"
	case token.TagType:
		what = "tags such as !!str are not read; all values are texts"
	case token.SequenceEntryType, token.SequenceStartType:
		what = "a list is here; the file must be an object of names with their values"
	case token.MappingKeyType:
		what = "keys with ? are not read; write name: \"value\""
	case token.DocumentHeaderType:
		what = "the file must have one document"
	case token.DirectiveType:
		what = "directives of YAML are not read; leave the line out"
	case token.InvalidType:
		what = "the YAML is not valid: " + t.Error
	}
	return yamlError(t.Position.Line, "%s", what)
}
