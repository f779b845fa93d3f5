package clientcmd

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"configapi/internal/clientconfig"
	"configapi/internal/fault"
	"configapi/internal/setting"
)

func newContext(env Env) *cobra.Command {
	c := &cobra.Command{
		Use:     "context",
		Short:   "choose a server",
		GroupID: GroupSettings,
		Long: `Manages contexts: servers by names, each with where its token is and how it is used. They are in the
file ~/.config/configapi/config.yaml, or in the one that CONFIGAPI_CONFIG names, which has no token
itself. Commands work on the current context, unless --context, CONFIGAPI_CONTEXT, --url or
CONFIGAPI_URL names another server.`,
		Example: `configapi context set staging --url https://staging.example --token-file staging.token
configapi context use staging`,
	}
	c.AddCommand(newContextList(env), newContextUse(env), newContextShow(env), newContextSet(env), newContextDelete(env))
	return c
}

// contextView is a context in JSON. The members are those of the file, with the name.
type contextView struct {
	Name         string   `json:"name"`
	Current      bool     `json:"current"`
	URL          string   `json:"url"`
	TokenFile    string   `json:"tokenFile,omitempty"`
	TokenCommand []string `json:"tokenCommand,omitempty"`
	CA           string   `json:"ca,omitempty"`
	Prefix       string   `json:"prefix,omitempty"`
	Confirm      bool     `json:"confirm"`
}

func viewOf(file *clientconfig.File, name string) contextView {
	c := file.Contexts[name]
	return contextView{name, name == file.Current, c.URL, c.TokenFile, c.TokenCommand, c.CA, c.Prefix, c.Confirm}
}

// tokenFrom says where the token of a context comes from.
func (v contextView) tokenFrom() string {
	switch {
	case v.TokenFile != "":
		return "file " + v.TokenFile
	case len(v.TokenCommand) > 0:
		return "command " + strings.Join(v.TokenCommand, " ")
	}
	return "-"
}

// withContexts has a command run with the file of contexts. It needs no server.
func withContexts(env Env, c *cobra.Command, run func(s *session, file *clientconfig.File, words []string) error) *cobra.Command {
	output := outputTable
	setting.Register(c.Flags(), setting.Setting{
		Flag: "output", Short: "o", Value: setting.String(&output, outputTable), Meaning: "`FORM` of the output: table, json, yaml or name",
	})
	c.ValidArgsFunction = func(_ *cobra.Command, words []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
		if len(words) > 0 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return contextNames(env)
	}
	c.RunE = func(_ *cobra.Command, words []string) error {
		if err := checkOutput(output); err != nil {
			return err
		}
		file, err := clientconfig.Read(env.Getenv, false)
		if err != nil {
			return UsageErrorf("%w", err)
		}
		return run(&session{env: env, output: output}, file, words)
	}
	return c
}

// contextNames completes the name of a context.
func contextNames(env Env) ([]cobra.Completion, cobra.ShellCompDirective) {
	file, err := clientconfig.Read(env.Getenv, false)
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return file.Names(), cobra.ShellCompDirectiveNoFileComp
}

// completeContexts has shells complete the flag --context.
func completeContexts(env Env, c *cobra.Command) {
	complete := func(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
		return contextNames(env)
	}
	if err := c.RegisterFlagCompletionFunc("context", complete); err != nil {
		panic(err) // the flag is missing
	}
}

func newContextList(env Env) *cobra.Command {
	return withContexts(env, &cobra.Command{
		Use:     "list",
		Short:   "list the contexts",
		Long:    "Lists the contexts by name. A star marks the current one.",
		Example: "configapi context list",
	}, func(s *session, file *clientconfig.File, _ []string) error {
		contexts := []contextView{}
		t := &table{heading: []string{"", "NAME", "URL", "PREFIX", "CONFIRM", "TOKEN"}, elastic: []int{2, 5}}
		for _, name := range file.Names() {
			v := viewOf(file, name)
			contexts = append(contexts, v)
			mark, confirm := " ", "-"
			if v.Current {
				mark = "*"
			}
			if v.Confirm {
				confirm = "yes"
			}
			t.add(mark, name, v.URL, cmp.Or(v.Prefix, "-"), confirm, v.tokenFrom())
		}
		if len(contexts) == 0 {
			s.note("there is no context; `configapi context set NAME --url URL` makes one")
		}
		return s.show(view{object: contexts, names: file.Names(), table: s.showTable(t)})
	})
}

func newContextUse(env Env) *cobra.Command {
	return withContexts(env, &cobra.Command{
		Use:     "use NAME",
		Short:   "make a context the current one",
		Long:    "Makes a context the current one: commands work on it when they name no other server.",
		Example: "configapi context use staging",
		Args:    words(1, 1),
	}, func(s *session, file *clientconfig.File, words []string) error {
		c, err := file.Context(words[0])
		if err != nil {
			return notFound(err)
		}
		file.Current = words[0]
		if err := file.Write(); err != nil {
			return err
		}
		return s.showContext(file, words[0], fmt.Sprintf("commands work on %s now, at %s", words[0], c.URL))
	})
}

func newContextShow(env Env) *cobra.Command {
	return withContexts(env, &cobra.Command{
		Use:     "show [NAME]",
		Short:   "show a context",
		Long:    "Shows a context, the current one unless another is named.",
		Example: "configapi context show\nconfigapi context show production -o json",
		Args:    words(0, 1),
	}, func(s *session, file *clientconfig.File, words []string) error {
		name := firstOf(append(words, file.Current)...)
		if name == "" {
			return notFound(errors.New("there is no current context; `configapi context use NAME` makes one the current one"))
		}
		if _, err := file.Context(name); err != nil {
			return notFound(err)
		}
		v := viewOf(file, name)
		return s.show(view{object: v, names: []string{name}, table: func(out io.Writer) error {
			t := &table{heading: []string{"name", name}, elastic: []int{1}}
			t.add("current", yesNo(v.Current))
			t.add("url", v.URL)
			t.add("token", v.tokenFrom())
			t.add("ca", cmp.Or(v.CA, "-"))
			t.add("prefix", cmp.Or(v.Prefix, "-"))
			t.add("confirm", yesNo(v.Confirm))
			return s.showTable(t)(out)
		}})
	})
}

func newContextSet(env Env) *cobra.Command {
	var given clientconfig.Context
	c := &cobra.Command{
		Use:   "set NAME [-- TOKEN-COMMAND…]",
		Short: "make or change a context",
		Long: `Makes a context, or changes what the flags name. A program and its arguments after -- print the
token of the context whenever it is needed; it runs without a shell. A flag with an empty value
takes its member out. The first context becomes the current one.`,
		Example: `configapi context set staging --url https://staging.example --token-file staging.token
configapi context set production --url https://config.example --confirm -- pass show configapi/production`,
		Args: cobra.MinimumNArgs(1),
	}
	setting.Register(c.Flags(), contextSettings(&given)...)
	return withContexts(env, c, func(s *session, file *clientconfig.File, words []string) error {
		if dash := c.ArgsLenAtDash(); dash >= 0 && dash != 1 || dash < 0 && len(words) != 1 {
			return UsageErrorf("write one NAME, and a program that prints the token after --; see `%s -h`", c.CommandPath())
		}
		name := words[0]
		context, there := file.Contexts[name]
		given.TokenCommand = words[1:]
		change(&context, given, c.Flags().Changed)
		if err := file.Set(name, context); err != nil {
			return UsageErrorf("%w", err)
		}
		if file.Current == "" {
			file.Current = name
		}
		if err := file.Write(); err != nil {
			return err
		}
		done := "made"
		if there {
			done = "changed"
		}
		return s.showContext(file, name, fmt.Sprintf("%s the context %s, at %s", done, name, context.URL))
	})
}

// contextSettings declares the members of a context.
func contextSettings(c *clientconfig.Context) []setting.Setting {
	return []setting.Setting{
		{Flag: "url", Member: "url", Value: setting.String(&c.URL, ""), Meaning: "`URL` of the server, such as https://config.example"},
		{Flag: "token-file", Member: "token_file", Value: setting.String(&c.TokenFile, ""),
			Meaning: "`FILE` that has the token on its first line, and that others may not read; relative to the file of contexts"},
		{Flag: "ca", Member: "ca", Value: setting.String(&c.CA, ""),
			Meaning: "`FILE` of certificates in PEM that alone are trusted; relative to the file of contexts"},
		{Flag: "prefix", Member: "prefix", Value: setting.String(&c.Prefix, ""), Meaning: "`PREFIX` that is put before every name"},
		{Flag: "confirm", Member: "confirm", Value: setting.Switch(&c.Confirm), Meaning: "ask for the name of the context before a write"},
	}
}

// change changes the members of a context whose flags were given. A token file and a token command
// replace each other.
func change(c *clientconfig.Context, given clientconfig.Context, changed func(flag string) bool) {
	if changed("url") {
		c.URL = given.URL
	}
	if changed("token-file") {
		c.TokenFile, c.TokenCommand = given.TokenFile, nil
	}
	if len(given.TokenCommand) > 0 {
		c.TokenCommand = given.TokenCommand
		if !changed("token-file") {
			c.TokenFile = ""
		}
	}
	if changed("ca") {
		c.CA = given.CA
	}
	if changed("prefix") {
		c.Prefix = strings.Trim(given.Prefix, "/")
	}
	if changed("confirm") {
		c.Confirm = given.Confirm
	}
}

func newContextDelete(env Env) *cobra.Command {
	return withContexts(env, &cobra.Command{
		Use:     "delete NAME",
		Short:   "forget a context",
		Long:    "Takes a context out of the file. The server and the token are left as they are.",
		Example: "configapi context delete staging",
		Args:    words(1, 1),
	}, func(s *session, file *clientconfig.File, words []string) error {
		if _, err := file.Context(words[0]); err != nil {
			return notFound(err)
		}
		delete(file.Contexts, words[0])
		if file.Current == words[0] {
			file.Current = ""
		}
		if err := file.Write(); err != nil {
			return err
		}
		return s.showContext(file, words[0], "forgot the context "+words[0])
	})
}

// notFound is the error of a command that names what is not there.
func notFound(err error) error { return &ExitError{fault.ExitNotFound, err} }

func yesNo(yes bool) string {
	if yes {
		return "yes"
	}
	return "no"
}

// showContext prints a sentence about a context that was changed, or the context.
func (s *session) showContext(file *clientconfig.File, name, sentence string) error {
	return s.show(view{object: viewOf(file, name), names: []string{name}, table: func(out io.Writer) error {
		_, err := fmt.Fprintln(out, printable(sentence))
		return err
	}})
}
