package clientcmd

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"configapi/client/rest"
	"configapi/internal/fault"
)

func newRevert(env Env) *cobra.Command {
	var f writeFlags
	var to, prefix, onConflict string
	cmd := &cobra.Command{
		Use:     "revert [CHANGESET]",
		Short:   "undo a change set",
		GroupID: GroupWrite,
		Args:    words(0, 1),
		Long: `Undoes the change set at the position CHANGESET, which log shows, and keeps
all that came later. With --to, it brings all configs at and below --prefix
back to what they were at a moment instead. Either is a change set of its own:
it can be undone, too, and no history is lost.

A config of the set that has changed since is a conflict: nothing is undone,
what came after it is shown, and the command ends with 4. --on-conflict skip
undoes the rest, overwrite undoes all.`,
		Example: `  configapi revert 1842-9f3a21c0 -m "the bank is fast again"
  configapi revert --to 1d --prefix payments --dry-run`,
	}
	f.addTo(cmd.Flags())
	cmd.Flags().StringVar(&onConflict, "on-conflict", "fail", "what to do about configs that have changed since: `fail`, skip or overwrite")
	cmd.Flags().StringVar(&to, "to", "", "bring configs back to `MOMENT`: a position, a time or an age such as 2h")
	cmd.Flags().StringVar(&prefix, "prefix", "", "bring back the configs at and below `PREFIX` alone")
	return withSession(env, cmd, func(ctx context.Context, s *session, args []string) error {
		switch {
		case (to == "") == (len(args) == 0):
			return UsageErrorf("name the CHANGESET to undo, or give --to; `configapi log` shows change sets")
		case to == "" && prefix != "":
			return UsageErrorf("--prefix needs --to: a change set is undone as a whole")
		case to != "" && cmd.Flags().Changed("on-conflict"):
			return UsageErrorf("--on-conflict is for a change set; --to has no conflicts")
		case to != "":
			return s.revertTo(ctx, f, to, s.fullPrefix(prefix))
		}
		return s.revertSet(ctx, f, args[0], onConflict)
	})
}

func (s *session) revertSet(ctx context.Context, f writeFlags, position, onConflict string) error {
	switch onConflict {
	case "fail", "skip", "overwrite":
	default:
		return UsageErrorf("--on-conflict must be fail, skip or overwrite")
	}
	if !positionForm.MatchString(position) {
		return UsageErrorf("CHANGESET must be a position such as 1842-9f3a21c0; `configapi log` shows them")
	}
	set := rest.RevertSet{ChangeSet: position, OnConflict: strings.ToUpper(onConflict), Reason: f.reason}
	var shown rest.Result // the last dry run
	result, err := s.write(ctx, f, func(ctx context.Context, dryRun bool, asSeenAt, key string) (rest.Result, error) {
		tried := set
		tried.DryRun = dryRun
		if asSeenAt == "" || dryRun {
			var err error
			shown, err = s.client.RevertSet(ctx, tried, key)
			return shown, err
		}
		if err := s.isAsShown(ctx, set, shown); err != nil {
			return rest.Result{}, err
		}
		return s.client.RevertSet(ctx, tried, key)
	})
	if err != nil {
		return err
	}
	return s.showResult(f, result)
}

// isAsShown returns an error unless the revert of a set comes to what the user has confirmed. The
// API has no asSeenAt for that.
func (s *session) isAsShown(ctx context.Context, set rest.RevertSet, shown rest.Result) error {
	set.DryRun = true
	now, err := s.client.RevertSet(ctx, set, "")
	if err != nil {
		return err
	}
	same := slices.EqualFunc(now.Revisions, shown.Revisions, func(a, b rest.Revision) bool {
		return a.Name == b.Name && a.Version == b.Version // a version has one value before and after
	})
	if !same {
		return &ExitError{fault.ExitConflict, errors.New("nothing was written: the configs have changed since they were shown; run the command again to see what it comes to now")}
	}
	return nil
}

func (s *session) revertTo(ctx context.Context, f writeFlags, moment, prefix string) error {
	to, err := parseMoment(moment, s.env.Time())
	if err != nil {
		return err
	}
	revert := rest.RevertTo{To: to, Prefix: prefix, Reason: f.reason}
	result, err := s.write(ctx, f, func(ctx context.Context, dryRun bool, asSeenAt, key string) (rest.Result, error) {
		tried := revert
		tried.DryRun, tried.AsSeenAt = dryRun, asSeenAt
		return s.client.RevertTo(ctx, tried, key)
	})
	if err != nil {
		return err
	}
	return s.showResult(f, result)
}
