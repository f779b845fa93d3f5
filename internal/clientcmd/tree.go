package clientcmd

import (
	"context"
	"fmt"
	"io"
	"strconv"

	"github.com/spf13/cobra"

	restclient "configapi/client/rest"
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
		found := []restclient.Child{}
		v := view{}
		t := &table{heading: []string{"NAME", "BELOW", "VALUE"}, elastic: []int{0, 2}}
		err := s.client.Children(ctx, prefix, func(c restclient.Child) error {
			found, v.names = append(found, c), append(v.names, c.Name)
			t.addChild(c)
			return nil
		})
		if err != nil {
			return err
		}
		if len(found) == 0 {
			s.noteNone(prefix)
		}
		v.object = found
		v.table = func(out io.Writer) error {
			if prefix != "" {
				fmt.Fprintf(out, "%s/\n", printable(prefix))
			}
			return s.showTable(t)(out)
		}
		return s.show(v)
	})
}

// addChild adds a line for the names below a child, and one for its config.
func (t *table) addChild(c restclient.Child) {
	if c.Config != nil {
		value := "(erased)"
		if c.Config.Value != nil {
			value = *c.Config.Value
		}
		t.add(c.Segment, "", value)
	}
	if c.Below > 0 {
		t.add(c.Segment+"/", strconv.Itoa(c.Below), "")
	}
}
