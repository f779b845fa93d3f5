// Package setting declares the settings of the program: each one once, with its flag, the
// environment variables that stand for it, what it means and where its value goes. The flags, the
// help of commands and the tables of the documentation are made from the declarations.
//
// A flag that is given wins over the environment. Values of the environment are never defaults of
// flags: the help shows defaults, and a value may be a secret.
package setting

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/spf13/pflag"
)

// Setting is one setting of a command.
type Setting struct {
	// Flag is the name of its flag, without dashes. Short is a letter for it, "" for none.
	Flag, Short string
	// Variables are the environment variables that stand for the flag. The first that is not empty
	// is used.
	Variables []string
	// Own reports whether the command reads the variables itself: they have a rank of their own.
	Own bool
	// Common reports whether many commands have the setting: their help names it, and the help of
	// flags explains it.
	Common bool
	// Member is the name of the setting in a context, "" for none.
	Member string
	// Meaning is what the value is, as a part of a sentence. A word in backquotes stands for the
	// value in the help.
	Meaning string
	// Value is where the value goes. It has the default.
	Value pflag.Value
	// Details continue Meaning in the documentation, where the help would get too long. "": none.
	Details string
}

// annotation is a key of a flag's annotations.
const (
	variablesAnnotation = "configapi/variables"
	ownAnnotation       = "configapi/own"
	commonAnnotation    = "configapi/common"
)

// Register adds the flags of settings to the flags of a command, in their order.
func Register(flags *pflag.FlagSet, settings ...Setting) {
	flags.SortFlags = false
	for _, s := range settings {
		flag := flags.VarPF(s.Value, s.Flag, s.Short, s.Meaning)
		if s.Value.Type() == "bool" {
			flag.NoOptDefVal = "true"
		}
		flag.Annotations = map[string][]string{}
		if len(s.Variables) > 0 {
			flag.Annotations[variablesAnnotation] = s.Variables
		}
		if s.Own {
			flag.Annotations[ownAnnotation] = nil
		}
		if s.Common {
			flag.Annotations[commonAnnotation] = nil
		}
	}
}

// Variables returns the environment variables that stand for a flag.
func Variables(flag *pflag.Flag) []string { return flag.Annotations[variablesAnnotation] }

// IsCommon reports whether many commands have a flag.
func IsCommon(flag *pflag.Flag) bool {
	_, common := flag.Annotations[commonAnnotation]
	return common
}

// FromEnvironment sets the flags that were not given from their variables. The error does not have
// the value, which may be a secret.
func FromEnvironment(flags *pflag.FlagSet, getenv func(string) string) (err error) {
	flags.VisitAll(func(flag *pflag.Flag) {
		if _, own := flag.Annotations[ownAnnotation]; own || flag.Changed || err != nil {
			return
		}
		for _, key := range Variables(flag) {
			value := getenv(key)
			if value == "" {
				continue
			}
			if flags.Set(flag.Name, value) != nil {
				err = fmt.Errorf("%s, which stands for --%s, is malformed", key, flag.Name)
			}
			return
		}
	})
	return err
}

// Row returns the row of a setting in a table of the documentation: its flag, its variables, and
// its meaning with its default.
func (s Setting) Row() string {
	_, meaning := pflag.UnquoteUsage(&pflag.Flag{Usage: s.Meaning, Value: s.Value})
	meaning = regexp.MustCompile(`--[a-z][a-z-]*`).ReplaceAllString(strings.NewReplacer("|", `\|`, "*", `\*`).Replace(meaning), "`$0`")
	if text := s.Value.String(); !isNothing(text) {
		meaning += "; default `" + text + "`"
	}
	if s.Details != "" {
		meaning += ". " + s.Details
	}
	variables := make([]string, len(s.Variables))
	for i, key := range s.Variables {
		variables[i] = "`" + key + "`"
	}
	flag := "--" + s.Flag
	if s.Short != "" {
		flag = "-" + s.Short + "`, `" + flag
	}
	return fmt.Sprintf("| `%s` | %s | %s |\n", flag, strings.Join(variables, ", then "), meaning)
}

// Default returns the default of a flag as the help shows it, "" for none.
func Default(flag *pflag.Flag) string {
	if isNothing(flag.DefValue) {
		return ""
	}
	return flag.DefValue
}

func isNothing(text string) bool {
	return text == "" || text == "0" || text == "0s" || text == "false" || text == "[]"
}
