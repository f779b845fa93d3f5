package clientcmd

import (
	"context"
	"fmt"
	"strconv"

	"github.com/spf13/cobra"

	"configapi/client/rest"
)

func newTree(env Env) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "tree [PREFIX]",
		Short:   "show what a prefix has",
		GroupID: GroupRead,
		Args:    words(0, 1),
		Long: `Shows what lies directly below PREFIX, or at the top: configs with their values,
and prefixes, which end with a slash, with how many configs there are below each.`,
		Example: `  configapi tree
  configapi tree payments`,
	}
	return withSession(env, cmd, func(ctx context.Context, s *session, args []string) error {
		prefix := s.fullPrefix(firstOf(args...))
		t := &table{heading: []string{"NAME", "BELOW", "VALUE"}, elastic: []int{0, 2}}
		out := s.newListing(t)
		begin := func() {
			if prefix != "" && s.output == outputTable && out.count == 0 {
				fmt.Fprintf(out.out, "%s/\n", printable(prefix))
			}
		}
		err := s.client.Children(ctx, prefix, func(c rest.Child) error {
			begin()
			return out.add(c, c.Name, func() { t.addChild(c) })
		})
		if err == nil && out.count == 0 {
			begin()
			s.noteNone(prefix)
		}
		return out.end(err)
	})
}

// addChild adds a line for the names below a child, and one for its config.
func (t *table) addChild(c rest.Child) {
	if c.Config != nil {
		t.add(c.Segment, "", orErased(c.Config.Value))
	}
	if c.Below > 0 {
		t.add(c.Segment+"/", strconv.Itoa(c.Below), "")
	}
}
