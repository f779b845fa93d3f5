package clientcmd

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"configapi/client/rest"
	"configapi/internal/fault"
)

func newRename(env Env) *cobra.Command {
	var f writeFlags
	var yes bool
	cmd := &cobra.Command{
		Use:     "rename PREFIX NEW",
		Short:   "move configs",
		GroupID: GroupWrite,
		Args:    words(2, 2),
		Long: `Gives the config PREFIX and all below it names that begin with NEW, as one
change set: the new names are set, and the old ones deleted. At most 500
configs fit into one set. Their history stays under the old names, where log
shows it. A new name that a config has already is refused. On a terminal it
shows what will change and asks. Nothing is written when one of the configs
changes meanwhile.`,
		Example: `  configapi rename payments/timeout payments/bank-timeout -m "there are two timeouts now"
  configapi rename payments billing --dry-run`,
	}
	f.addTo(cmd.Flags())
	cmd.Flags().BoolVar(&yes, "yes", false, "do not ask")
	return withSession(env, cmd, func(ctx context.Context, s *session, args []string) error {
		from, to, err := s.twoPrefixes(args)
		if err != nil {
			return err
		}
		p, err := s.planRename(ctx, from, to)
		if err != nil {
			return err
		}
		if err := s.carryOut(ctx, f, p, yes); err != nil {
			return err
		}
		if !f.dryRun {
			s.note("the history stays under the old names: configapi log %s", s.shortName(from))
		}
		return nil
	})
}

func (s *session) planRename(ctx context.Context, from, to string) (p plan, err error) {
	p.advice = fmt.Sprintf("a config takes two of them, so rename at most %d configs at a time, such as %s/PART to %s/PART",
		maxChanges/2, s.shortName(from), s.shortName(to))
	var old []rest.Config
	p.set.AsSeenAt, err = s.client.Configs(ctx, rest.List{Prefix: from}, func(c rest.Config) error {
		old = append(old, c)
		return nil
	})
	if err != nil {
		return p, err
	}
	if len(old) == 0 {
		return p, s.noneBelow(from)
	}
	var taken []string
	exists := make(map[string]bool)
	_, err = s.client.Configs(ctx, rest.List{Prefix: to, At: p.set.AsSeenAt}, func(c rest.Config) error {
		exists[c.Name] = true
		return nil
	})
	if err != nil {
		return p, err
	}
	deleted, err := s.deletedBelow(ctx, to)
	if err != nil {
		return p, err
	}
	for _, c := range old {
		target := belowPrefix(c.Name, from, to)
		if exists[target] {
			taken = append(taken, s.shortName(target))
		}
		p.set.Changes = append(p.set.Changes, setOrRestore(target, *c.Value, deleted[target]),
			rest.Change{Delete: &rest.Delete{Name: c.Name}})
	}
	if len(taken) > 0 {
		return p, &ExitError{fault.ExitConflict, fmt.Errorf("nothing was written: %s in use already: %s; delete or rename them first",
			areNames(len(taken)), strings.Join(taken[:min(len(taken), maxDescribed)], ", "))}
	}
	return p, nil
}

func areNames(n int) string {
	if n == 1 {
		return "a new name is"
	}
	return fmt.Sprintf("%d new names are", n)
}
