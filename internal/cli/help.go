package cli

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"configapi/internal/clientcmd"
	"configapi/internal/setting"
)

// helpWidth is the width of the help in columns: that of the narrowest usual terminal.
const helpWidth = 80

// printHelp explains a command on standard output.
func printHelp(env Env, c *cobra.Command) {
	out := env.Stdout
	if !c.HasParent() {
		overview(out, c)
		return
	}
	about := c.Long
	if about == "" {
		about = upperFirst(c.Short) + "."
	}
	fmt.Fprintf(out, "%s\n\nUsage: %s\n", strings.TrimSpace(about), usageOf(c))
	if c.HasAvailableSubCommands() {
		fmt.Fprintln(out, "\nCommands:")
		for _, below := range c.Commands() {
			if below.IsAvailableCommand() {
				fmt.Fprintf(out, "  %-10s  %s\n", below.Name(), below.Short)
			}
		}
		fmt.Fprintf(out, "\n`%s COMMAND -h` explains a command.\n", c.CommandPath())
	}
	printFlags(out, c)
	if c.HasExample() {
		fmt.Fprintf(out, "\nExamples:\n%s\n", indented(c.Example))
	}
}

// usageOf returns how a command is written: its name, its flags, and its words.
func usageOf(c *cobra.Command) string {
	if c.HasAvailableSubCommands() {
		return c.CommandPath() + " COMMAND [FLAGS]"
	}
	_, words, has := strings.Cut(c.Use, " ")
	if has {
		words = " " + words
	}
	return c.CommandPath() + " [FLAGS]" + words
}

// printFlags lists the flags of a command but that for help, each with its variables. Those that
// many commands have are only named.
func printFlags(out io.Writer, c *cobra.Command) {
	var own, common []*pflag.Flag
	c.LocalFlags().VisitAll(func(flag *pflag.Flag) {
		switch {
		case flag.Hidden || flag.Name == "help":
		case setting.IsCommon(flag):
			common = append(common, flag)
		default:
			own = append(own, flag)
		}
	})
	if len(own) > 0 {
		fmt.Fprintln(out, "\nFlags:")
		explainFlags(out, own)
	}
	if len(common) > 0 {
		names := make([]string, len(common))
		for i, flag := range common {
			name, _ := flagText(flag)
			names[i] = strings.TrimSpace(name)
		}
		text := "Common flags, which `configapi help flags` explains: " + strings.Join(names, "; ") + "."
		fmt.Fprintln(out, "\n"+strings.Join(wrapped(text, helpWidth), "\n"))
	}
}

// explainFlags prints flags in two columns.
func explainFlags(out io.Writer, flags []*pflag.Flag) {
	const left = 26 // columns
	gap := "\n" + strings.Repeat(" ", left)
	for _, flag := range flags {
		name, meaning := flagText(flag)
		lines := strings.Join(wrapped(meaning, helpWidth-left), gap)
		if len(name) > left-2 {
			fmt.Fprintf(out, "%s%s%s\n", name, gap, lines)
			continue
		}
		fmt.Fprintf(out, "%-*s%s\n", left, name, lines)
	}
}

// printCommonFlags explains the flags that many commands have.
func printCommonFlags(out io.Writer) {
	fmt.Fprint(out, "Flags of all commands that work on a server:\n\n")
	explainFlags(out, commonFlags())
	fmt.Fprint(out, "\nA flag is stronger than its variable, and that than the current context.\n")
}

func commonFlags() (flags []*pflag.Flag) {
	var set pflag.FlagSet
	setting.Register(&set, clientcmd.CommonSettings()...)
	set.VisitAll(func(flag *pflag.Flag) { flags = append(flags, flag) })
	return flags
}

// flagText returns a flag with the word for its value, and what it means, with its default and its
// variables.
func flagText(flag *pflag.Flag) (name, meaning string) {
	word, meaning := pflag.UnquoteUsage(flag)
	name = "  --" + flag.Name
	if flag.Shorthand != "" {
		name = "  -" + flag.Shorthand + ", --" + flag.Name
	}
	if flag.NoOptDefVal == "" && strings.Contains(flag.Usage, "`") {
		name += " " + word
	}
	var more []string
	if text := setting.Default(flag); text != "" {
		more = append(more, "default "+text)
	}
	if variables := setting.Variables(flag); len(variables) > 0 {
		more = append(more, "also "+strings.Join(variables, ", then "))
	}
	if len(more) > 0 {
		meaning += " (" + strings.Join(more, "; ") + ")"
	}
	return name, meaning
}

// wrapped breaks a text into lines of at most width columns, where its words allow it.
func wrapped(text string, width int) (lines []string) {
	line := ""
	for _, word := range strings.Fields(text) {
		switch {
		case line == "":
			line = word
		case len(line)+1+len(word) <= width:
			line += " " + word
		default:
			lines, line = append(lines, line), word
		}
	}
	return append(lines, line)
}

// indented returns the lines of a text with two spaces before each one that has none.
func indented(text string) string {
	lines := strings.Split(strings.Trim(text, "\n"), "\n")
	for i, line := range lines {
		if line != "" && !strings.HasPrefix(line, " ") {
			lines[i] = "  " + line
		}
	}
	return strings.Join(lines, "\n")
}

func upperFirst(text string) string {
	if text == "" {
		return ""
	}
	return strings.ToUpper(text[:1]) + text[1:]
}
