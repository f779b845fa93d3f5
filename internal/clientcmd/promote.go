package clientcmd

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"configapi/client/rest"
	"configapi/internal/fault"
)

func newPromote(env Env) *cobra.Command {
	var f writeFlags
	var prune, yes bool
	cmd := &cobra.Command{
		Use:     "promote FROM TO",
		Short:   "copy prefix to prefix",
		GroupID: GroupWrite,
		Args:    words(2, 2),
		Long: `Copies the configs at and below the prefix FROM whose values differ to the
prefix TO, all as one change set. Configs that only TO has stay, unless
--prune deletes them; deleted ones come back. On a terminal it shows what will
change and asks. Nothing is written when a config of TO changes meanwhile.`,
		Example: `  configapi promote staging production --dry-run
  configapi promote staging/payments production/payments --prune -m "release 42"`,
	}
	f.addTo(cmd.Flags())
	cmd.Flags().BoolVar(&prune, "prune", false, "delete the configs that TO has and FROM does not")
	cmd.Flags().BoolVar(&yes, "yes", false, "do not ask")
	return withSession(env, cmd, func(ctx context.Context, s *session, args []string) error {
		from, to, err := s.twoPrefixes(args)
		if err != nil {
			return err
		}
		p, err := s.planPromotion(ctx, from, to, prune)
		if err != nil {
			return err
		}
		return s.carryOut(ctx, f, p, yes)
	})
}

// planPromotion returns the changes that give TO the values of FROM, as both are at one position.
func (s *session) planPromotion(ctx context.Context, from, to string, prune bool) (p plan, err error) {
	p.advice = fmt.Sprintf("promote a part at a time, such as %s/PART to %s/PART", s.shortName(from), s.shortName(to))
	if p.set.AsSeenAt, err = s.client.Position(ctx); err != nil {
		return p, err
	}
	// Else a mistyped FROM would pass for one that is the same, or --prune would empty TO.
	if exists, err := s.hasConfigs(ctx, rest.List{Prefix: from, At: p.set.AsSeenAt}); err != nil {
		return p, err
	} else if !exists {
		return p, s.noneBelow(from)
	}
	deleted, err := s.deletedBelow(ctx, to)
	if err != nil {
		return p, err
	}
	q := rest.Comparison{From: p.set.AsSeenAt, To: p.set.AsSeenAt, Prefix: from, ToPrefix: to}
	_, _, err = s.client.Diff(ctx, q, func(_, _ string, d rest.Difference) error {
		target := belowPrefix(d.Name, from, to)
		switch {
		case d.Before == nil && prune:
			p.set.Changes = append(p.set.Changes, rest.Change{Delete: &rest.Delete{Name: target}})
		case d.Before == nil:
		case d.Before.Value == nil: // the diff is of now, where no value is erased
			return fault.ErrErased
		default:
			p.set.Changes = append(p.set.Changes, setOrRestore(target, *d.Before.Value, deleted[target]))
		}
		return nil
	})
	return p, err
}

// hasConfigs reports whether a list has any config.
func (s *session) hasConfigs(ctx context.Context, l rest.List) (bool, error) {
	errFound := errors.New("one is there")
	_, err := s.client.Configs(ctx, l, func(rest.Config) error { return errFound })
	if errors.Is(err, errFound) {
		return true, nil
	}
	return false, err
}
