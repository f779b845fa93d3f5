package fileformat

import (
	"regexp"
	"slices"
	"strings"
	"unicode"
)

// writeYAML writes a mapping with one key a line. Values are in double quotes, with the escapes of
// JSON, so that no reader takes one for a number or a date. A value of several lines is a block of
// its lines, where nothing needs an escape.
func writeYAML(w *writer, entries []Entry) {
	indent := ""
	if w.prefix != nil {
		w.put(prefixMember + ": ").putJSON(*w.prefix).put("\n" + valuesMember + ":")
		indent = "  "
		if len(entries) == 0 {
			w.put(" {}")
		}
		w.put("\n")
	} else if len(entries) == 0 {
		w.put("{}\n")
	}
	for _, e := range entries {
		w.put(indent)
		if isPlainKey(e.Key) {
			w.put(e.Key)
		} else {
			w.putYAML(e.Key)
		}
		w.put(": ")
		if isBlock(e.Value) {
			w.putBlock(e.Value, indent+"  ")
		} else {
			w.putYAML(e.Value)
		}
		w.put("\n")
	}
}

// putYAML adds a text in double quotes.
func (w *writer) putYAML(text string) {
	start := len(w.text)
	w.putJSON(text)
	// What JSON leaves as it is and YAML does not: characters that cannot be printed, and the ends
	// of lines and the byte order mark of Unicode.
	if quoted := string(w.text[start:]); strings.ContainsFunc(quoted, needsEscape) {
		w.text = append(w.text[:start], EscapeYAML(quoted)...)
	}
}

func needsEscape(c rune) bool {
	return c > unicode.MaxASCII && !unicode.IsGraphic(c) || c == 0x7f || c == '\u2028' || c == '\u2029' || c == '\ufeff'
}

// escape returns an escape of YAML.
func escape(c rune) string {
	const digits = "0123456789abcdef"
	width, prefix := 4, `\u`
	if c > 0xffff {
		width, prefix = 8, `\U`
	}
	text := []byte(strings.Repeat("0", width))
	for i := width - 1; i >= 0; i, c = i-1, c>>4 {
		text[i] = digits[c&15]
	}
	return prefix + string(text)
}

// isPlainKey reports whether every reader takes a key for a text as it is.
func isPlainKey(key string) bool {
	return plainKey.MatchString(key) && !slices.Contains(yamlWords, strings.ToLower(key))
}

var (
	plainKey = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_./-]*$`)
	// yamlWords are texts that readers of YAML 1.1 or 1.2 take for something else.
	yamlWords = []string{"true", "false", "yes", "no", "on", "off", "y", "n", "null"}
)

// isBlock reports whether a value has several lines, and each of them can stand as it is: none
// begins with a space or has something that is not printed, and the last one is not empty.
func isBlock(value string) bool {
	lines := strings.Split(strings.TrimSuffix(value, "\n"), "\n")
	if len(lines) < 2 || lines[len(lines)-1] == "" {
		return false
	}
	for i, line := range lines {
		if strings.ContainsFunc(line, func(c rune) bool { return c < ' ' || needsEscape(c) }) || strings.HasSuffix(line, " ") || i == 0 && (line == "" || line[0] == ' ') {
			return false
		}
	}
	return true
}

// putBlock adds a value as a block of its lines.
func (w *writer) putBlock(value, indent string) {
	value, ends := strings.CutSuffix(value, "\n")
	if w.put("|"); !ends {
		w.put("-")
	}
	for line := range strings.SplitSeq(value, "\n") {
		if w.put("\n"); line != "" {
			w.put(indent).put(line)
		}
	}
}
