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

// parseFlags parses the flags of a command, which takes no arguments. Values of the environment are
// not defaults of the flags, since the help shows defaults, and a value may be a secret.
func parseFlags(env Env, flags *flag.FlagSet, about string, from variables) error {
	flags.SetOutput(io.Discard)
	flags.Usage = func() {}
	err := flags.Parse(env.Args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		fmt.Fprintf(env.Stdout, "Usage: configapi %s [FLAGS]\n\n%s\n\n", flags.Name(), about)
		flags.SetOutput(env.Stdout)
		flags.PrintDefaults()
		return err
	case err != nil:
		return startErrorf("%w; see `configapi %s -h`", err, flags.Name())
	case flags.NArg() > 0:
		return startErrorf("%q is not a flag; see `configapi %s -h`", flags.Arg(0), flags.Name())
	}
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
