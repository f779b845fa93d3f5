package clientcmd

import (
	"context"
	"strconv"

	"github.com/spf13/cobra"

	"configapi/client/rest"
)

func newList(env Env) *cobra.Command {
	var at string
	var deleted bool
	cmd := &cobra.Command{
		Use:     "list [PREFIX]",
		Short:   "list configs",
		GroupID: GroupRead,
		Args:    words(0, 1),
		Long: `Lists the configs at or below PREFIX, or all of them, by name, as they are at one
position. On a terminal, long values are cut; -o json has all of them. -o name
prints the names alone.`,
		Example: `  configapi list payments
  configapi list payments --at 2h
  configapi list --deleted`,
	}
	cmd.Flags().StringVar(&at, "at", "", "`MOMENT` to look back at: a position, a time or an age such as 2h")
	cmd.Flags().BoolVar(&deleted, "deleted", false, "list the configs that are deleted now, the last one first")
	return withSession(env, cmd, func(ctx context.Context, s *session, args []string) error {
		prefix := s.fullPrefix(firstOf(args...))
		if deleted {
			if at != "" {
				return UsageErrorf("--deleted shows what is deleted now; leave --at out")
			}
			return s.listDeleted(ctx, prefix)
		}
		when, err := parseMoment(at, env.Time())
		if err != nil {
			return err
		}
		return s.list(ctx, rest.List{Prefix: prefix, At: when, Full: s.output != outputName})
	})
}

func (s *session) list(ctx context.Context, l rest.List) error {
	t := &table{heading: []string{"NAME", "VERSION", "CHANGED", "BY", "VALUE"}, elastic: []int{0, 3, 4}}
	out := s.newListing(t)
	_, err := s.client.Configs(ctx, l, func(c rest.Config) error {
		return out.add(c, c.Name, func() {
			t.add(s.shortName(c.Name), strconv.FormatInt(c.Version, 10), instant(c.UpdatedAt), orDash(c.Actor), orErased(c.Value))
		})
	})
	if err == nil && out.count == 0 {
		s.noteNone(l.Prefix)
	}
	return out.end(err)
}

func (s *session) listDeleted(ctx context.Context, prefix string) error {
	t := &table{heading: []string{"NAME", "VERSION", "DELETED", "BY", "REASON", "OLD VALUE"}, elastic: []int{0, 3, 4, 5}}
	out := s.newListing(t)
	err := s.client.Deleted(ctx, prefix, func(r rest.Revision) error {
		return out.add(r, r.Name, func() {
			t.add(s.shortName(r.Name), strconv.FormatInt(r.Version, 10), instant(r.CommittedAt), orDash(r.Actor), orDash(r.Reason), orErased(r.OldValue))
		})
	})
	if err == nil && out.count == 0 {
		s.noteNone(prefix)
	}
	return out.end(err)
}

func orErased(value *string) string {
	if value == nil {
		return "(erased)"
	}
	return *value
}

// noteNone says that a list has nothing.
func (s *session) noteNone(prefix string) {
	if prefix == "" {
		s.note("there are none that you may see")
		return
	}
	s.note("there are none at or below %s that you may see", printable(prefix))
}
