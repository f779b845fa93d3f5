package clientcmd

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"configapi/internal/fault"
)

func newGet(env Env) *cobra.Command {
	var at string
	var raw bool
	var layers []string
	cmd := &cobra.Command{
		Use:     "get NAME",
		Short:   "print the value of a config",
		GroupID: GroupRead,
		Args: func(c *cobra.Command, args []string) error {
			if len(layers) > 0 {
				return words(0, 1)(c, args)
			}
			return words(1, 1)(c, args)
		},
		Long: `Prints the value of a config: byte for byte, with a line feed added on a terminal
only. -o json shows the version, the time and the author of its newest change as
well.

--layers shows which of several prefixes NAME comes from, or all names without
NAME, as run and render take them: the last prefix that has a name counts.`,
		Example: `  configapi get payments/timeout
  configapi get payments/timeout --at 2h -o json
  configapi get --layers base,payments`,
	}
	cmd.Flags().StringVar(&at, "at", "", "`MOMENT` to look back at: a position, a time or an age such as 2h")
	cmd.Flags().BoolVar(&raw, "raw", false, "add no line feed on a terminal either, and show control characters as they are")
	cmd.Flags().StringSliceVar(&layers, "layers", nil, "`PREFIX,…`: show which of them each name comes from; a later one replaces what an earlier one has")
	return withSession(env, cmd, func(ctx context.Context, s *session, args []string) error {
		if len(layers) > 0 {
			when, err := parseMoment(at, env.Time())
			if err != nil {
				return err
			}
			return s.getLayers(ctx, layers, firstOf(args...), when)
		}
		name, err := s.fullName(args[0])
		if err != nil {
			return err
		}
		when, err := parseMoment(at, env.Time())
		if err != nil {
			return err
		}
		found, _, err := s.client.Config(ctx, name, when)
		switch {
		case isCode(err, fault.Deleted.Code()):
			return &explained{err, fmt.Sprintf("%s is deleted; `configapi restore %s` brings it back", args[0], args[0])}
		case isCode(err, fault.NotFound.Code()):
			return fmt.Errorf("%w; `configapi list` shows the configs that there are", err)
		case err != nil:
			return err
		case found.Value == nil:
			return fault.ErrErased
		}
		return s.show(view{object: found, names: []string{found.Name}, table: func(out io.Writer) error {
			return s.writeValue(out, *found.Value, raw)
		}})
	})
}

// writeValue writes a value as it is. On a terminal, unless raw is set, it is made harmless, and
// ends its line.
func (s *session) writeValue(out io.Writer, value string, raw bool) error {
	if _, isTerminal := s.env.Width(s.env.Stdout); isTerminal && !raw {
		value = harmless(value)
	}
	_, err := io.WriteString(out, value)
	return err
}
