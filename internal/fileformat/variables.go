package fileformat

import (
	"strings"

	"configapi/internal/config"
)

// Variables turns names into variables of an environment: what follows the prefix, in upper case,
// with _ for all characters but letters and digits.
type Variables struct {
	// Prefix is cut from the names, see [Below].
	Prefix string
	// Map has other variables for some names, by the whole name.
	Map map[string]string
	// Separator stands for / in variables. "" is _.
	Separator string
}

// Entries returns the settings with their variables, in the same order. The error is an [*Error]
// with each name that makes no variable, and with each variable that two names make.
func (v Variables) Entries(settings []Setting) ([]Entry, error) {
	var p problems
	entries := make([]Entry, 0, len(settings))
	names := make(map[string]string, len(settings)) // :: variable → the name that made it
	for _, s := range settings {
		name := s.Name.String()
		variable, mapped := v.Map[name]
		if !mapped {
			variable = v.variable(s.Name)
		}
		switch other, taken := names[variable]; {
		case !isVariable(variable) && mapped:
			p.refuse(0, name, "is mapped to %s, which is no variable: it may have only letters, digits and _, and no digit first", variable)
		case !isVariable(variable):
			p.refuse(0, name, "makes no variable: %s begins with a digit; --map %s=_%s gives it one", variable, name, variable)
		case taken:
			p.refuse(0, name, "and %q both make the variable %s; give one of them another with --map %s=VARIABLE", other, variable, name)
		default:
			names[variable] = name
			entries = append(entries, Entry{Key: variable, Value: s.Value})
		}
	}
	return entries, p.err()
}

func (v Variables) variable(name config.Name) string {
	separator := v.Separator
	if separator == "" {
		separator = "_"
	}
	rest := Below(v.Prefix, name)
	var b strings.Builder
	for i := range len(rest) {
		switch c := rest[i]; {
		case c == '/':
			b.WriteString(separator)
		case isLetter(c):
			b.WriteByte(c &^ 0x20)
		case isDigit(c):
			b.WriteByte(c)
		default:
			b.WriteByte('_')
		}
	}
	return b.String()
}

// Below returns what follows a prefix in a name: url for payments/db/url below payments/db or
// payments/db/. The name that is the prefix keeps its last segment, and one that is not below it is
// returned as it is.
func Below(prefix string, name config.Name) string {
	text, prefix := name.String(), strings.TrimSuffix(prefix, "/")
	if text == prefix {
		return text[strings.LastIndexByte(text, '/')+1:]
	}
	if prefix == "" {
		return text
	}
	return strings.TrimPrefix(text, prefix+"/")
}
