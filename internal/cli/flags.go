package cli

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"
)

// variables are those of the environment that stand for flags which are not given: the first of a
// flag's that is not empty counts.
type variables map[string][]string // :: flag → variables

// parseFlags reads the flags of a command, which takes no other words. What the environment holds
// is no default of a flag: the help would show it, and it may be a secret.
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
		return unusable("%w; see `configapi %s -h`", err, flags.Name())
	case flags.NArg() > 0:
		return unusable("%q is not a flag; see `configapi %s -h`", flags.Arg(0), flags.Name())
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
			return unusable("%s, which stands for --%s, is malformed; see `configapi %s -h`", key, name, flags.Name())
		}
		return nil
	}
	return nil
}

// words is a flag that takes several texts, separated by spaces or commas, and may be given several
// times.
type words []string

func (w *words) String() string { return strings.Join(*w, " ") }

func (w *words) Set(text string) error {
	*w = append(*w, strings.FieldsFunc(text, func(r rune) bool { return r == ' ' || r == ',' || r == '\t' || r == '\n' })...)
	return nil
}
