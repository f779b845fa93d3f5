package fileformat

import (
	"strconv"
	"strings"
	"unicode/utf16"
)

// readProperties reads the files of java.util.Properties by its rules. The file is in UTF-8, as
// resource bundles of Java are since version 9; one in ISO-8859-1 is refused, unless it writes all
// other characters than ASCII as \uXXXX.
func readProperties(r *reader, data []byte, _ Options) {
	lines := strings.Split(strings.ReplaceAll(strings.ReplaceAll(string(data), "\r\n", "\n"), "\r", "\n"), "\n")
	for i := 0; i < len(lines); {
		first := i
		var line string
		line, i = logicalLine(lines, i)
		key, value, ok := cutProperty(line)
		switch {
		case strings.Trim(lines[first], propertyBlanks) == `\`:
			r.refuse(first+1, "", `the line has nothing but a backslash, which joins it to the next one; leave it out`)
		case line == "":
		case !ok:
			r.refuse(first+1, "", `an escape is not valid: \u needs four hexadecimal digits, and half of a surrogate pair is no character`)
		case key == "":
			r.refuse(first+1, "", "the line has no key; write key=value")
		default:
			r.add(Entry{key, value, first + 1})
		}
	}
}

const propertyBlanks = " \t\f"

// logicalLine returns the line that begins at lines[i], with those that a backslash at the end
// joins to it, and where the next one begins. The line is "" when it is empty or a comment.
func logicalLine(lines []string, i int) (line string, next int) {
	line = strings.TrimLeft(lines[i], propertyBlanks)
	if i++; line == "" || line[0] == '#' || line[0] == '!' {
		return "", i
	}
	var b strings.Builder
	for continues(line) {
		b.WriteString(line[:len(line)-1])
		if line = ""; i == len(lines) {
			break
		}
		line = strings.TrimLeft(lines[i], propertyBlanks)
		i++
	}
	b.WriteString(line)
	return b.String(), i
}

// continues reports whether a line ends with an odd number of backslashes.
func continues(line string) bool {
	return (len(line)-len(strings.TrimRight(line, `\`)))%2 == 1
}

// cutProperty returns the key and the value of a logical line. ok is false when an escape is not
// valid.
func cutProperty(line string) (key, value string, ok bool) {
	end := 0
	for end < len(line) && strings.IndexByte("=:"+propertyBlanks, line[end]) < 0 {
		if line[end] == '\\' && end+1 < len(line) {
			end++
		}
		end++
	}
	rest := strings.TrimLeft(line[end:], propertyBlanks)
	if rest != "" && (rest[0] == '=' || rest[0] == ':') {
		rest = strings.TrimLeft(rest[1:], propertyBlanks)
	}
	key, keyOK := unescapeProperty(line[:end])
	value, valueOK := unescapeProperty(rest)
	return key, value, keyOK && valueOK
}

// unescapeProperty replaces the escapes of Java. Two halves of a surrogate pair become one
// character.
func unescapeProperty(text string) (string, bool) {
	if !strings.Contains(text, `\`) {
		return text, true
	}
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		if text[i] != '\\' {
			b.WriteByte(text[i])
			continue
		}
		if i++; i == len(text) {
			break
		}
		if text[i] != 'u' {
			if at := strings.IndexByte("tnrf", text[i]); at >= 0 {
				b.WriteByte("\t\n\r\f"[at])
			} else {
				b.WriteByte(text[i])
			}
			continue
		}
		c, n, ok := unicodeEscape(text[i-1:])
		if !ok {
			return "", false
		}
		b.WriteRune(c)
		i += n - 2
	}
	return b.String(), true
}

// unicodeEscape returns the character of the escape with which a text begins, and the length of it:
// \uXXXX, or two of them for a surrogate pair.
func unicodeEscape(text string) (c rune, n int, ok bool) {
	first, ok := hexUnit(text)
	if !ok || !utf16.IsSurrogate(first) {
		return first, 6, ok
	}
	second, ok := hexUnit(text[6:])
	c = utf16.DecodeRune(first, second)
	return c, 12, ok && c != '\ufffd'
}

// hexUnit returns the number of the escape \uXXXX with which a text begins.
func hexUnit(text string) (rune, bool) {
	if len(text) < 6 || text[:2] != `\u` {
		return 0, false
	}
	unit, err := strconv.ParseUint(text[2:6], 16, 16)
	return rune(unit), err == nil
}
