package clientcmd

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"configapi/client/rest"
	"configapi/internal/config"
)

// maxValueBytes is more than the longest value that any server takes.
const maxValueBytes = 64 << 20

func newSet(env Env) *cobra.Command {
	var f writeFlags
	var file string
	var ifVersion int64
	var create, onlyIfChanged bool
	cmd := &cobra.Command{
		Use:     "set NAME [VALUE | - | --file FILE]",
		Short:   "give a config a value",
		GroupID: GroupWrite,
		Args:    setWords,
		Long: `Gives a config a value, and makes it when there is none. Without VALUE, or with
-, the value is what comes on standard input: byte for byte, also a line feed at
its end. Lists of processes show VALUE, so give a secret by standard input or
--file; what is printed then leaves values out.

A deleted config takes no value: restore it first.`,
		Example: `  configapi set payments/timeout 5 -m "the bank is slow today"
  configapi set payments/timeout 6 --if-version 2`,
	}
	f.addTo(cmd.Flags())
	cmd.Flags().StringVar(&file, "file", "", "`FILE` that has the value")
	cmd.Flags().Int64Var(&ifVersion, "if-version", 0, "write only when the config has version `N`; else the command ends with 4")
	cmd.Flags().BoolVar(&create, "create", false, "write only when no config ever had the name")
	cmd.Flags().BoolVar(&onlyIfChanged, "only-if-changed", false, "write nothing when the config has the value already")
	return withSession(env, cmd, func(ctx context.Context, s *session, args []string) error {
		set := rest.Set{OnlyIfChanged: onlyIfChanged}
		given := cmd.Flags().Changed("if-version")
		switch {
		case given && create:
			return UsageErrorf("give only one of --create and --if-version")
		case given:
			set.ExpectedVersion = &ifVersion
		case create:
			set.ExpectedVersion = new(int64)
		}
		var err error
		if set.Name, err = s.fullName(args[0]); err != nil {
			return err
		}
		if set.Value, f.secret, err = s.readValue(args[1:], file); err != nil {
			return err
		}
		if err := checkValue(set.Value); err != nil {
			return fmt.Errorf("nothing was written: %w; encode it, for example with base64", err)
		}
		return s.apply(ctx, f, rest.ChangeSet{Changes: []rest.Change{{Set: &set}}})
	})
}

// setWords takes a name, and a value, which may be empty.
func setWords(c *cobra.Command, args []string) error {
	if len(args) == 2 {
		return words(1, 1)(c, args[:1])
	}
	return words(1, 1)(c, args)
}

// readValue returns the value that the command line gives, and whether it may be a secret: it comes
// from elsewhere.
func (s *session) readValue(args []string, file string) (value string, secret bool, err error) {
	var text []byte
	switch {
	case file != "" && len(args) > 0:
		return "", false, UsageErrorf("give only one of VALUE and --file")
	case file != "":
		text, err = readFile(file, maxValueBytes)
	case len(args) > 0 && args[0] != "-":
		return args[0], false, nil
	default:
		if _, isTerminal := s.env.Width(s.env.Stdin); isTerminal {
			s.note("type the value; ^D on a new line ends it")
		}
		text, err = readAll(s.env.Stdin, maxValueBytes)
	}
	switch {
	case errors.Is(err, errInterrupted):
		return "", false, err
	case err != nil:
		return "", false, UsageErrorf("reading the value: %w", err)
	}
	if _, isTerminal := s.env.Width(s.env.Stderr); isTerminal && strings.HasSuffix(string(text), "\n") {
		s.note("note: the value ends with a line feed, which is kept; `printf %%s VALUE` writes none")
	}
	return string(text), true, nil
}

// checkValue refuses what no config can hold. JSON would put another character in place of bytes
// that are not UTF-8, and the server could not see that.
func checkValue(text string) error {
	_, err := config.ParseValue(text, maxValueBytes)
	return err
}
