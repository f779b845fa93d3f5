package cli

import (
	"flag"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"configapi/internal/clientcmd"
	"configapi/internal/setting"
)

const tableHeading = "| flag | variable | meaning |\n|---|---|---|\n"

var update = flag.Bool("update", false, "write the generated parts of the documentation anew")

// TestSettings compares the table of the server's settings in the operations manual with their
// declarations.
func TestSettings(t *testing.T) {
	var rows strings.Builder
	rows.WriteString("\n" + tableHeading)
	for _, s := range newSettings().table() {
		rows.WriteString(s.Row())
	}
	compare(t, "../../docs/operations.md", "Settings of serve", rows.String())
}

// compare compares a part of a page with what it is made from. The part begins after the comment
// that begins with title, and ends before the next comment.
func compare(t *testing.T, page, title, want string) {
	t.Helper()
	content, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, found := strings.Cut(string(content), "<!-- "+title)
	comment, rest, ends := strings.Cut(rest, "-->\n")
	part, after, closed := strings.Cut(rest, "<!-- end -->")
	if !found || !ends || !closed {
		t.Fatalf("%s has no part %q", page, title)
	}
	want += "\n"
	if part == want {
		return
	}
	if !*update {
		t.Fatalf("%s: %q is not what it is made from; make it with: go test ./internal/cli -update", page, title)
	}
	text := before + "<!-- " + title + comment + "-->\n" + want + "<!-- end -->" + after
	if err := os.WriteFile(page, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// TestReference compares the reference of commands with the commands, and with their flags.
func TestReference(t *testing.T) {
	env := Env{Getenv: func(string) string { return "" }}
	var page strings.Builder
	var describe func(c *cobra.Command)
	describe = func(c *cobra.Command) {
		if c.Name() == "serve" {
			page.WriteString("\n### configapi serve\n\n    configapi serve [FLAGS]\n\nRun the server: see [operations.md](operations.md).\n")
		} else if c.HasParent() && !c.HasAvailableSubCommands() {
			fmt.Fprintf(&page, "\n### %s\n\n    %s\n\n%s.\n", c.CommandPath(), usageOf(c), upperFirst(c.Short))
			page.WriteString(flagTable(c))
		}
		for _, below := range c.Commands() {
			if below.IsAvailableCommand() {
				describe(below)
			}
		}
	}
	page.WriteString("\n### Common flags\n\nThe flags of all commands that work on a server:\n\n" + tableHeading)
	for _, s := range clientcmd.CommonSettings() {
		page.WriteString(s.Row())
	}
	describe(newRoot(env, new(bool)))
	compare(t, "../../docs/cli.md", "Reference of commands", page.String())
}

// flagTable returns a table of the flags of a command, "" if it has none.
func flagTable(c *cobra.Command) string {
	var rows strings.Builder
	common := false
	c.LocalFlags().VisitAll(func(flag *pflag.Flag) {
		switch {
		case flag.Hidden || flag.Name == "help":
		case setting.IsCommon(flag):
			common = true
		default:
			rows.WriteString(setting.Setting{
				Flag: flag.Name, Short: flag.Shorthand, Variables: setting.Variables(flag), Meaning: flag.Usage, Value: flag.Value,
			}.Row())
		}
	})
	text := ""
	if rows.Len() > 0 {
		text = "\n" + tableHeading + rows.String()
	}
	if common {
		text += "\nIt has the [common flags](#common-flags), too.\n"
	}
	return text
}

// TestExamplesOfHelp: each command has an example, and its flags are ones that the command knows.
// With -h after them they are parsed, and nothing is run.
func TestExamplesOfHelp(t *testing.T) {
	var check func(c *cobra.Command)
	check = func(c *cobra.Command) {
		for _, below := range c.Commands() {
			check(below)
		}
		if c.RunE == nil || c.HasSubCommands() || c.Hidden || c.Name() == "help" {
			return
		}
		found := 0
		for line := range strings.Lines(c.Example) {
			words, is := strings.CutPrefix(strings.TrimSpace(line), "configapi ")
			if !is {
				continue
			}
			found++
			words, _, _ = strings.Cut(words, " -- ")
			words, _, _ = strings.Cut(words, " > ")
			words, _, _ = strings.Cut(words, " < ")
			var stdout, stderr strings.Builder
			args := strings.Fields(regexp.MustCompile(`"[^"]*"|'[^']*'`).ReplaceAllString(words, "words"))
			code := Run(t.Context(), Env{Args: append(args, "-h"), Getenv: func(string) string { return "" }, Stdout: &stdout, Stderr: &stderr})
			if code != 0 || !strings.Contains(stdout.String(), "Usage: "+c.CommandPath()) {
				t.Errorf("%s: got %d and %s", line, code, &stderr)
			}
		}
		if found == 0 {
			t.Errorf("%s has no example", c.CommandPath())
		}
	}
	check(newRoot(Env{Getenv: func(string) string { return "" }}, new(bool)))
}
