package cli

import (
	"errors"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"configapi/internal/clientcmd"
	"configapi/internal/setting"
)

func init() {
	cobra.EnableCommandSorting = false // commands stand in the order in which a newcomer needs them
	cobra.MousetrapHelpText = ""
}

// newRoot returns the command of all commands. It sets began when one of them begins, so that an
// error before is one of how it is written.
func newRoot(env Env, began *bool) *cobra.Command {
	root := &cobra.Command{
		Use:   "configapi",
		Short: "ConfigApi keeps named text values, and every change to them.",
		Args: func(_ *cobra.Command, words []string) error {
			if len(words) == 0 {
				return nil
			}
			return startErrorf("there is no command %q; see `configapi help`", words[0])
		},
		RunE:              func(c *cobra.Command, _ []string) error { return c.Help() },
		SilenceErrors:     true,
		SilenceUsage:      true,
		CompletionOptions: cobra.CompletionOptions{DisableDefaultCmd: true},
		// Words that are suggested would repeat one that may be a secret.
		DisableSuggestions: true,
	}
	root.SetFlagErrorFunc(flagError)
	root.SetHelpFunc(func(c *cobra.Command, _ []string) { printHelp(env, c) })
	for _, g := range groups {
		root.AddGroup(&cobra.Group{ID: g.id, Title: g.title})
	}
	root.AddCommand(clientcmd.Commands(env)...)
	root.AddCommand(backupCommand(env), restoreBackupCommand(env),
		serveCommand(env), migrateCommand(env), verifyCommand(env),
		tokenCommand(env), canCommand(env),
		completionCommand(env), versionCommand(env))
	root.SetHelpCommand(helpCommand(env))
	prepare(env, root, began)
	return root
}

// groups are the groups of commands in the help, in their order.
var groups = []struct{ id, title string }{
	{clientcmd.GroupRead, "Read"},
	{clientcmd.GroupWrite, "Write"},
	{clientcmd.GroupRights, "Rights"},
	{clientcmd.GroupMove, "Move"},
	{clientcmd.GroupServer, "Server"},
	{clientcmd.GroupSettings, "Settings"},
}

// prepare makes a command, and those below it, take flags from the environment, refuse words that
// it does not take, and keep its flags in their order.
func prepare(env Env, c *cobra.Command, began *bool) {
	c.Flags().SortFlags = false
	c.PersistentFlags().SortFlags = false
	if c.Args == nil {
		c.Args = noWords
	}
	if c.HasParent() && c.HasSubCommands() {
		c.Args, c.RunE = cobra.ArbitraryArgs, helpOfFamily
	}
	if run := c.RunE; run != nil {
		c.RunE = func(c *cobra.Command, words []string) error {
			if err := setting.FromEnvironment(c.Flags(), env.Getenv); err != nil {
				return seeHelp(c, err)
			}
			*began = true
			return run(c, words)
		}
	}
	for _, below := range c.Commands() {
		prepare(env, below, began)
	}
}

// helpOfFamily is the run of a command that only has commands below it. A word that is none of them
// is not repeated in the error, since it may be a secret.
func helpOfFamily(c *cobra.Command, words []string) error {
	if len(words) == 0 {
		return c.Help()
	}
	if words[0] == "help" {
		if found, rest, err := c.Find(words[1:]); err == nil && len(rest) == 0 {
			return found.Help()
		}
	}
	return startErrorf("there is no such command; see `%s help`", c.CommandPath())
}

func helpCommand(env Env) *cobra.Command {
	return &cobra.Command{
		Use:    "help [COMMAND]",
		Short:  "explain a command",
		Hidden: true,
		Args:   cobra.ArbitraryArgs,
		RunE: func(c *cobra.Command, words []string) error {
			if len(words) == 1 && words[0] == "flags" {
				printCommonFlags(env.Stdout)
				return nil
			}
			found, rest, err := c.Root().Find(words)
			if err != nil || len(rest) > 0 {
				return startErrorf("there is no such command; see `configapi help`")
			}
			return found.Help()
		},
	}
}

// noWords refuses all words beside the flags.
func noWords(c *cobra.Command, words []string) error {
	if len(words) == 0 {
		return nil
	}
	return startErrorf("%q is not a flag; see `%s -h`", words[0], c.CommandPath())
}

// oneWord takes exactly one word. what is the name of the word in the help.
func oneWord(what string) cobra.PositionalArgs {
	return func(c *cobra.Command, words []string) error {
		if len(words) == 1 && words[0] != "" {
			return nil
		}
		return startErrorf("name one %s, not %d; see `%s -h`", what, len(words), c.CommandPath())
	}
}

// flagError says what is wrong with a flag, without its value.
func flagError(c *cobra.Command, err error) error {
	var unknown *pflag.NotExistError
	var lacking *pflag.ValueRequiredError
	var invalid *pflag.InvalidValueError
	switch {
	case errors.Is(err, pflag.ErrHelp):
		return err
	case errors.As(err, &unknown) && unknown.GetSpecifiedShortnames() != "":
		err = errors.New("there is no flag -" + unknown.GetSpecifiedName() + "; a flag with more than one letter has two dashes")
	case errors.As(err, &unknown):
		err = errors.New("there is no flag --" + unknown.GetSpecifiedName())
	case errors.As(err, &lacking):
		err = errors.New("--" + lacking.GetFlag().Name + " needs a value")
	case errors.As(err, &invalid):
		err = errors.New("--" + invalid.GetFlag().Name + " is malformed: " + reasonOf(invalid))
	default:
		err = errors.New("a flag is malformed: write --FLAG VALUE, or --FLAG=VALUE")
	}
	return seeHelp(c, err)
}

// reasonOf returns why a value is not one of its flag. Go's parser repeats the value, and what it
// says of it means nothing to people.
func reasonOf(invalid *pflag.InvalidValueError) string {
	why := invalid.Unwrap()
	if text := why.Error(); !strings.Contains(text, "parsing") && !strings.Contains(text, "time:") {
		return text
	}
	switch invalid.GetFlag().Value.Type() {
	case "bool":
		return "write true or false"
	case "duration":
		return "write a duration such as 90s, 10m or 24h"
	}
	return "write a whole number"
}

func seeHelp(c *cobra.Command, err error) error {
	return startErrorf("%w; see `%s -h`", err, c.CommandPath())
}
