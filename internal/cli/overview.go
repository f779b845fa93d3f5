package cli

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"configapi/internal/clientcmd"
)

// overview prints all commands in groups, in two columns, so that they fit a small terminal.
func overview(out io.Writer, root *cobra.Command) {
	fmt.Fprintf(out, "%s\nUsage: configapi COMMAND [FLAGS]    `configapi COMMAND -h` explains a command.\n\n", root.Short)
	left := column(root, clientcmd.GroupRead, clientcmd.GroupWrite, clientcmd.GroupRights)
	right := column(root, clientcmd.GroupMove, clientcmd.GroupServer, clientcmd.GroupSettings)
	for i := range max(len(left), len(right)) {
		first, second := "", ""
		if i < len(left) {
			first = left[i]
		}
		if i < len(right) {
			second = right[i]
		}
		if second == "" {
			fmt.Fprintln(out, first)
			continue
		}
		fmt.Fprintf(out, "%-38s%s\n", first, second)
	}
	fmt.Fprint(out, `Exit codes: 0 done or same, 1 differs, 2 usage, 3 not found, 4 conflict,
5 not allowed, 6 unreachable, 7 outcome unknown, 8 invalid, 9 anything else.
`)
}

// column returns the lines of some groups: the title of each one, and its commands.
func column(root *cobra.Command, ids ...string) (lines []string) {
	longest := 0
	for _, c := range root.Commands() {
		for _, id := range ids {
			if c.GroupID == id {
				longest = max(longest, len(c.Name()))
			}
		}
	}
	for _, g := range groups {
		for _, id := range ids {
			if g.id == id {
				lines = append(lines, group(root, g.id, g.title, longest)...)
			}
		}
	}
	return lines
}

// group returns the title of a group, and its commands. A group without any has no lines.
func group(root *cobra.Command, id, title string, longest int) (lines []string) {
	for _, c := range root.Commands() {
		if c.GroupID == id && c.IsAvailableCommand() {
			lines = append(lines, fmt.Sprintf("  %-*s %s", longest, c.Name(), c.Short))
		}
	}
	if len(lines) == 0 {
		return nil
	}
	return append([]string{title}, lines...)
}
