package clientcmd

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"configapi/client/rest"
	"configapi/internal/linediff"
)

func newDiff(env Env) *cobra.Command {
	var prefix, toPrefix string
	cmd := &cobra.Command{
		Use:     "diff [A [B]]",
		Short:   "compare two moments",
		GroupID: GroupRead,
		Args:    words(0, 2),
		Long: `Shows which configs differ between the moments A and B: positions, times, or
ages such as 2h. Without B, it is now. With --to-prefix, the configs below
--prefix at A are compared with those below --to-prefix at B, and without A
both are of now. Ends with 0 when nothing differs, else with 1.`,
		Example: `  configapi diff 2h --prefix payments
  configapi diff --prefix staging --to-prefix production`,
	}
	cmd.Flags().StringVar(&prefix, "prefix", "", "compare the configs at and below `PREFIX` alone")
	cmd.Flags().StringVar(&toPrefix, "to-prefix", "", "compare them with those below `PREFIX`")
	return withSession(env, cmd, func(ctx context.Context, s *session, args []string) error {
		q := rest.Comparison{Prefix: s.fullPrefix(prefix)}
		switch {
		case toPrefix != "" && prefix == "":
			return UsageErrorf("--to-prefix needs --prefix, with whose configs the others are compared")
		case toPrefix != "":
			q.ToPrefix = s.fullPrefix(toPrefix)
		case len(args) == 0:
			return UsageErrorf("name a moment to compare with now, such as `configapi diff 2h`, or give --prefix and --to-prefix")
		}
		var moments [2]string
		for i, arg := range args {
			var err error
			if moments[i], err = parseMoment(arg, env.Time()); err != nil {
				return err
			}
		}
		q.From, q.To = moments[0], moments[1]
		return s.diff(ctx, q)
	})
}

func (s *session) diff(ctx context.Context, q rest.Comparison) (err error) {
	if q.From == "" {
		if q.From, err = s.client.Position(ctx); err != nil {
			return err
		}
		q.To = q.From
	}
	out := s.newListing(nil)
	paint := s.painter()
	begin := func(from, to string) {
		out.key, out.members = "differences", []string{"from", from, "to", to}
	}
	from, to, err := s.client.Diff(ctx, q, func(from, to string, d rest.Difference) error {
		begin(from, to)
		return out.add(d, d.Name, func() { s.writeDifference(out.out, paint, q, d) })
	})
	begin(from, to)
	if err := out.end(err); err != nil || out.count == 0 {
		return err
	}
	return Differs("%s between %s and %s", differ(out.count), sideOf(q.Prefix, from, q.ToPrefix), sideOf(q.ToPrefix, to, q.ToPrefix))
}

func differ(n int) string {
	if n == 1 {
		return "1 config differs"
	}
	return count(n, "config") + " differ"
}

// sideOf names one side of a comparison: the position, and the prefix when two are compared.
func sideOf(prefix, at, toPrefix string) string {
	if toPrefix == "" {
		return at
	}
	return printable(prefix) + " at " + at
}

func (s *session) writeDifference(out io.Writer, paint func(byte, string) string, q rest.Comparison, d rest.Difference) {
	name := printable(s.shortName(d.Name))
	if q.ToPrefix != "" { // both sides have the same rest of the name
		name = printable(strings.TrimPrefix(strings.TrimPrefix(d.Name, strings.TrimSuffix(q.Prefix, "/")), "/"))
		if name == "" {
			name = "(the config of the prefix itself)"
		}
	}
	switch {
	case d.Before == nil:
		fmt.Fprintln(out, paint('+', s.fitting("+ "+name+": "+shown(d.After.Value))))
	case d.After == nil:
		fmt.Fprintln(out, paint('-', s.fitting("- "+name+": "+shown(d.Before.Value))))
	case d.Before.Value == nil || d.After.Value == nil || !isLong(*d.Before.Value) && !isLong(*d.After.Value):
		fmt.Fprintln(out, s.fitting("~ "+name+": "+shown(d.Before.Value)+" → "+shown(d.After.Value)))
	default:
		fmt.Fprintln(out, s.fitting("~ "+name+":"))
		s.writeLines(out, paint, *d.Before.Value, *d.After.Value)
	}
}

// isLong reports whether a value has more than one line.
func isLong(value string) bool {
	return strings.Contains(strings.TrimSuffix(value, "\n"), "\n")
}

// contextLines is how many equal lines are shown around those that differ.
const contextLines = 3

func (s *session) writeLines(out io.Writer, paint func(byte, string) string, before, after string) {
	for _, line := range linediff.Unified(before, after, contextLines) {
		text := "    " + strings.TrimPrefix(string(line.Kind), "@") + strings.TrimSuffix(harmless(line.Text), "\n")
		fmt.Fprintln(out, paint(line.Kind, s.fitting(text)))
		if !line.Ended {
			fmt.Fprintln(out, `    \ no line feed at the end`)
		}
	}
}

// painter returns a function that colours a line of a comparison: red for what is gone, green for
// what is new. On anything but a terminal, and with NO_COLOR, lines stay as they are.
func (s *session) painter() func(kind byte, line string) string {
	if _, isTerminal := s.env.Width(s.env.Stdout); !isTerminal || s.env.Getenv("NO_COLOR") != "" {
		return func(_ byte, line string) string { return line }
	}
	colours := map[byte]string{'-': "31", '+': "32", '@': "36"}
	return func(kind byte, line string) string {
		if colour := colours[kind]; colour != "" {
			return "\x1b[" + colour + "m" + line + "\x1b[0m"
		}
		return line
	}
}
