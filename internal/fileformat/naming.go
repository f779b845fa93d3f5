package fileformat

import (
	"fmt"
	"strings"

	"configapi/internal/config"
)

// Naming turns the keys of a file into names. The zero value takes each key as it is.
type Naming struct {
	// Prefix comes before each name, with a / between. It may end with one. "" is none.
	Prefix string
	// Map has other names for some keys, see [ParseMap]. A key of the map that ends with / stands
	// for the beginning of keys; the longest one counts, and a whole key before them. What the map
	// gives is a name as it is, below Prefix.
	Map map[string]string
	// Separator is the text in keys that becomes /, such as _ or . or __. "" is none.
	Separator string
	// Lower makes the letters of keys lower case.
	Lower bool
}

// Setting is a name with its value.
type Setting struct {
	Name  config.Name
	Value string
	Line  int // of the file, from 1; 0 when it has none
}

// Settings returns the entries of a file with their names, in the same order. The error is an
// [*Error] with each key that makes no valid name, and with each name that two keys make; it
// suggests a mapping.
func (n Naming) Settings(entries []Entry) ([]Setting, error) {
	var p problems
	settings := make([]Setting, 0, len(entries))
	keys := make(map[string]string, len(entries)) // :: name → the key that made it
	for _, e := range entries {
		text := n.name(e.Key)
		name, err := config.ParseName(text)
		switch other, taken := keys[text]; {
		case err != nil:
			p.refuse(e.Line, e.Key, "makes no name of a config: %s%s", ruleOf(err), n.suggestion(e.Key))
		case taken:
			p.refuse(e.Line, e.Key, "and %q both make the name %s; give one of them another with --map %s=NAME", other, text, quoteWord(e.Key))
		default:
			keys[text] = e.Key
			settings = append(settings, Setting{name, e.Value, e.Line})
		}
	}
	return settings, p.err()
}

func (n Naming) name(key string) string {
	name, mapped := n.mapped(key)
	if !mapped {
		if n.Separator != "" {
			name = strings.ReplaceAll(name, n.Separator, "/")
		}
		if n.Lower {
			name = strings.ToLower(name)
		}
	}
	if prefix := strings.TrimSuffix(n.Prefix, "/"); prefix != "" {
		return prefix + "/" + name
	}
	return name
}

// mapped returns the name that the map has for a key, or else the key.
func (n Naming) mapped(key string) (name string, is bool) {
	if name, is = n.Map[key]; is {
		return name, true
	}
	for end := strings.LastIndexByte(key, '/') + 1; end > 0; end = strings.LastIndexByte(key[:end-1], '/') + 1 {
		if begin, is := n.Map[key[:end]]; is {
			return begin + key[end:], true
		}
	}
	return key, false
}

func ruleOf(err error) string {
	if invalid, is := err.(*config.InvalidError); is {
		return "it " + invalid.Rule
	}
	return err.Error()
}

// suggestion returns the flag that would give a key a valid name, "" when there is no good one.
func (n Naming) suggestion(key string) string {
	fit := fitting(key)
	if _, err := config.ParseName(n.name(fit)); fit == "" || err != nil {
		return "; --map " + quoteWord(key) + "=NAME gives it one"
	}
	text := fmt.Sprintf("; --map %s=%s gives it one", quoteWord(key), fit)
	if strings.HasPrefix(key, "/") && fit == strings.TrimPrefix(key, "/") {
		text += ", and --map /= to all that begin with /"
	}
	return text
}

// fitting returns a key with _ for each run of characters that no name has, and without empty
// segments.
func fitting(key string) string {
	var segments []string
	for segment := range strings.SplitSeq(key, "/") {
		var b strings.Builder
		replaced := false
		for _, c := range segment {
			if _, err := config.ParseName("a" + string(c)); err != nil {
				if !replaced {
					b.WriteByte('_')
				}
				replaced = true
				continue
			}
			replaced = false
			b.WriteRune(c)
		}
		switch text := b.String(); text {
		case "":
		case ".", "..":
			segments = append(segments, strings.ReplaceAll(text, ".", "_"))
		default:
			segments = append(segments, text)
		}
	}
	return strings.Join(segments, "/")
}

// quoteWord returns a text as one word of a shell.
func quoteWord(text string) string {
	if text != "" && !strings.ContainsFunc(text, func(c rune) bool { return c > 'z' || !isNameChar(byte(c)) }) {
		return text
	}
	return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
}

func isNameChar(b byte) bool {
	return isLetter(b) || isDigit(b) || strings.IndexByte("_-.:/", b) >= 0
}

// ParseMap returns the map of texts such as OLD=NEW. The first = that is not at the beginning ends
// OLD. NEW may be empty only for a beginning of keys, one that ends with /.
func ParseMap(texts []string) (map[string]string, error) {
	found := make(map[string]string, len(texts))
	for _, text := range texts {
		at := strings.IndexByte(text[min(1, len(text)):], '=') + 1
		if at == 0 {
			return nil, fmt.Errorf("--map %s must be OLD=NEW", quoteWord(text))
		}
		old, name := text[:at], text[at+1:]
		if name == "" && !strings.HasSuffix(old, "/") {
			return nil, fmt.Errorf("--map %s has no new name; OLD may become nothing only when it ends with /", quoteWord(text))
		}
		if _, twice := found[old]; twice {
			return nil, fmt.Errorf("--map has %s twice", quoteWord(old))
		}
		found[old] = name
	}
	return found, nil
}
