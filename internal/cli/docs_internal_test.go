package cli

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"configapi/internal/setting"
)

var update = flag.Bool("update", false, "write the generated parts of the documentation anew")

// TestSettings compares the table of the server's settings in the operations manual with their
// declarations.
func TestSettings(t *testing.T) {
	var rows strings.Builder
	rows.WriteString("\n| flag | variable | meaning |\n|---|---|---|\n")
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
		if c.HasParent() && !c.HasAvailableSubCommands() {
			fmt.Fprintf(&page, "\n### %s\n\n    %s\n\n%s.\n", c.CommandPath(), usageOf(c), upperFirst(c.Short))
			page.WriteString(flagTable(c))
		}
		for _, below := range c.Commands() {
			if below.IsAvailableCommand() {
				describe(below)
			}
		}
	}
	describe(newRoot(env, new(bool)))
	compare(t, "../../docs/cli.md", "Reference of commands", page.String())
}

// flagTable returns a table of the flags of a command, "" if it has none.
func flagTable(c *cobra.Command) string {
	var rows strings.Builder
	c.LocalFlags().VisitAll(func(flag *pflag.Flag) {
		if !flag.Hidden && flag.Name != "help" {
			rows.WriteString(setting.Setting{
				Flag: flag.Name, Short: flag.Shorthand, Variables: setting.Variables(flag), Meaning: flag.Usage, Value: flag.Value,
			}.Row())
		}
	})
	if rows.Len() == 0 {
		return ""
	}
	return "\n| flag | variable | meaning |\n|---|---|---|\n" + rows.String()
}
