package fileformat

import (
	"regexp"
	"slices"
	"strings"
	"unicode"
)

// readShell reads assignments as a shell does, without one: KEY=word, export KEY=word and
// declare -x KEY=word. All that would run or replace something is refused.
func readShell(r *reader, data []byte, _ Options) {
	s := &scanner{text: string(data), line: 1}
	for s.nextStatement("#") {
		line := s.line
		match := shellKey.FindStringSubmatch(s.text)
		if match == nil {
			r.refuse(line, "", "only assignments are read, such as export KEY='value'; nothing is run")
			s.skipLine()
			continue
		}
		s.take(len(match[0]))
		value, what := s.word()
		if what == "" && !afterQuotes.MatchString(s.text) {
			what = "must be the only one in its line, and its value one word; put the value between ' quotes"
		}
		if what != "" {
			r.refuse(line, match[1], "%s", what)
		} else {
			r.add(Entry{match[1], value, line})
		}
		s.skipLine()
	}
}

var shellKey = regexp.MustCompile(`^(?:export[ \t]+|declare[ \t]+-x[ \t]+)?([A-Za-z_][A-Za-z0-9_]*)=`)

const (
	unclosed   = "has quotes that do not end"
	references = "has a $ or ` that a shell replaces; put the value between ' quotes to keep it"
)

// word takes a word of a shell: parts in quotes and without, up to a blank or the end of the line.
func (s *scanner) word() (value, what string) {
	var b strings.Builder
	for s.text != "" && what == "" && strings.IndexByte(" \t\n", s.text[0]) < 0 {
		part := ""
		switch {
		case s.text[0] == '\'':
			part, what = s.singleQuotes()
		case s.text[0] == '"':
			part, what = s.doubleQuotes()
		case strings.HasPrefix(s.text, "$'"):
			part, what = s.dollarQuotes()
		default:
			part, what = s.unquoted()
		}
		b.WriteString(part)
	}
	return b.String(), what
}

func (s *scanner) singleQuotes() (value, what string) {
	end := strings.IndexByte(s.text[1:], '\'')
	if end < 0 {
		return "", unclosed
	}
	return s.take(end + 2)[1 : end+1], ""
}

// doubleQuotes takes a part in double quotes, where a backslash is one before $ ` " \ and the end
// of a line alone.
func (s *scanner) doubleQuotes() (value, what string) {
	var b strings.Builder
	for i := 1; i < len(s.text); i++ {
		switch c := s.text[i]; c {
		case '"':
			s.take(i + 1)
			return b.String(), ""
		case '$', '`':
			return "", references
		case '\\':
			if i+1 < len(s.text) && strings.IndexByte("$`\"\\\n", s.text[i+1]) >= 0 {
				if i++; s.text[i] == '\n' {
					continue
				}
			}
			b.WriteByte(s.text[i])
		default:
			b.WriteByte(c)
		}
	}
	return "", unclosed
}

// dollarQuotes takes a part such as $'a\nb', as bash writes values with control characters.
func (s *scanner) dollarQuotes() (value, what string) {
	const escapes, meanings = `abeEfnrtv\'"?`, "\a\b\x1b\x1b\f\n\r\t\v\\'\"?"
	var b strings.Builder
	for i := 2; i < len(s.text); i++ {
		switch c := s.text[i]; c {
		case '\'':
			s.take(i + 1)
			return b.String(), ""
		case '\\':
			if i++; i == len(s.text) {
				return "", unclosed
			}
			at := strings.IndexByte(escapes, s.text[i])
			if at < 0 {
				return "", "has an escape by number, which is not read; write the character itself"
			}
			b.WriteByte(meanings[at])
		default:
			b.WriteByte(c)
		}
	}
	return "", unclosed
}

// unquoted takes one character, or a backslash with the one that it makes plain.
func (s *scanner) unquoted() (value, what string) {
	c := []rune(s.text[:min(len(s.text), 8)])[0]
	switch {
	case c == '\\' && len(s.text) == 1:
		return "", "ends with a backslash"
	case c == '\\':
		escaped := []rune(s.text[1:min(len(s.text), 9)])[0]
		if text := s.take(1 + len(string(escaped)))[1:]; text != "\n" {
			return text, ""
		}
		return "", ""
	case c == '$' || c == '`':
		return "", references
	case strings.ContainsRune(";&|<>()", c):
		return "", "has a character that ends a command; put the value between ' quotes"
	case strings.ContainsRune("~*?[{", c):
		return "", "has one of ~ * ? [ {, which a shell may replace; put the value between ' quotes"
	case c < ' ' || c == 0x7f || unicode.IsSpace(c):
		return "", "has a control character or a space that is none of ASCII; put the value between ' quotes, and end lines with a line feed alone"
	}
	return s.take(len(string(c))), ""
}

// writeShell writes a file that is safe to source: between single quotes a shell replaces nothing.
func writeShell(w *writer, entries []Entry) {
	for _, e := range entries {
		if steersShells(e.Key) {
			w.refuse(0, e.Key, "has a meaning to shells or to the loader of programs, so a file that sets it is not safe to source; give it another name with --map")
		}
		w.put("export ").put(e.Key).put("='").put(strings.ReplaceAll(e.Value, "'", `'\''`)).put("'\n")
	}
}

// steersShells reports whether a variable changes what a shell does, runs something, or cannot be
// set.
func steersShells(variable string) bool {
	return slices.Contains(steering, variable) || slices.ContainsFunc(steeringPrefixes, func(prefix string) bool {
		return strings.HasPrefix(variable, prefix)
	})
}

var (
	steeringPrefixes = []string{"BASH", "DYLD_", "LD_", "COMP_"}
	steering         = []string{
		"PATH", "IFS", "ENV", "CDPATH", "PROMPT_COMMAND", "PS0", "PS1", "PS2", "PS3", "PS4", "SHELLOPTS", "POSIXLY_CORRECT",
		"UID", "EUID", "PPID", "GROUPS", "HOSTTYPE", "MACHTYPE", "OSTYPE", "RANDOM", "SRANDOM", "SECONDS", "LINENO", "EPOCHSECONDS",
		"EPOCHREALTIME", "DIRSTACK", "FUNCNAME", "FUNCNEST", "GLOBIGNORE", "EXECIGNORE", "FIGNORE", "HISTCMD", "OPTIND", "OPTARG",
		"OPTERR", "PIPESTATUS", "SHLVL", "PWD", "OLDPWD", "REPLY", "MAPFILE", "COPROC", "READLINE_LINE", "TMOUT", "INPUTRC", "_",
	}
)
