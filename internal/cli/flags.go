package cli

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"
)

// variables are the environment variables that replace flags. The first that is not empty is used.
type variables map[string][]string // :: flag → variables

// parseFlags parses the flags of a command that takes no arguments. Values of the environment are
// not defaults of the flags, since the help shows defaults, and a value may be a secret.
func parseFlags(env Env, flags *flag.FlagSet, about string, from variables) error {
	rest, err := parse(env, flags, flags.Name()+" [FLAGS]", about)
	switch {
	case err != nil:
		return err
	case len(rest) > 0:
		return startErrorf("%q is not a flag; see `configapi %s -h`", rest[0], flags.Name())
	}
	return setAllFromEnvironment(env, flags, from)
}

// parseFlagsAndFile parses the flags of a command that takes the name of one file, which may stand
// before, between or after them.
func parseFlagsAndFile(env Env, flags *flag.FlagSet, about string, from variables) (file string, err error) {
	files, err := parseFlagsAndWords(env, flags, "FILE", about, from)
	if err != nil {
		return "", err
	}
	if len(files) != 1 || files[0] == "" {
		return "", startErrorf("name one FILE, not %d; see `configapi %s -h`", len(files), flags.Name())
	}
	return files[0], nil
}

// parseFlagsAndWords parses the flags of a command that takes arguments, which may stand before,
// between or after them. usage names the arguments.
func parseFlagsAndWords(env Env, flags *flag.FlagSet, usage, about string, from variables) (arguments []string, err error) {
	for rest := env.Args; len(rest) > 0; {
		env.Args = rest
		if rest, err = parse(env, flags, flags.Name()+" [FLAGS] "+usage, about); err != nil {
			return nil, err
		}
		if len(rest) > 0 {
			arguments, rest = append(arguments, rest[0]), rest[1:]
		}
	}
	return arguments, setAllFromEnvironment(env, flags, from)
}

// parse parses flags up to the first argument that is none, and returns the arguments from there.
func parse(env Env, flags *flag.FlagSet, usage, about string) (rest []string, err error) {
	flags.SetOutput(io.Discard)
	flags.Usage = func() {}
	err = flags.Parse(env.Args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		fmt.Fprintf(env.Stdout, "Usage: configapi %s\n\n%s\n\n", usage, about)
		flags.SetOutput(env.Stdout)
		flags.PrintDefaults()
		return nil, err
	case err != nil:
		return nil, startErrorf("%w; see `configapi %s -h`", err, flags.Name())
	}
	return flags.Args(), nil
}

// setAllFromEnvironment sets the flags that were not given from their variables.
func setAllFromEnvironment(env Env, flags *flag.FlagSet, from variables) error {
	given := map[string]bool{}
	flags.Visit(func(f *flag.Flag) { given[f.Name] = true })
	for name, keys := range from {
		if given[name] {
			continue
		}
		if err := setFromEnvironment(env, flags, name, keys); err != nil {
			return err
		}
	}
	return nil
}

func setFromEnvironment(env Env, flags *flag.FlagSet, name string, keys []string) error {
	for _, key := range keys {
		value := env.Getenv(key)
		if value == "" {
			continue
		}
		if err := flags.Set(name, value); err != nil {
			return startErrorf("%s, which stands for --%s, is malformed; see `configapi %s -h`", key, name, flags.Name())
		}
		return nil
	}
	return nil
}

// words is a flag with several values, separated by spaces or commas. It may be repeated.
type words []string

func (w *words) String() string { return strings.Join(*w, " ") }

func (w *words) Set(text string) error {
	*w = append(*w, strings.FieldsFunc(text, func(r rune) bool { return r == ' ' || r == ',' || r == '\t' || r == '\n' })...)
	return nil
}

// onOff is a flag that is on or off.
type onOff bool

func (o *onOff) String() string {
	if *o {
		return "on"
	}
	return "off"
}

func (o *onOff) Set(text string) error {
	if text != "on" && text != "off" {
		return fmt.Errorf("%q is neither on nor off", text)
	}
	*o = text == "on"
	return nil
}
